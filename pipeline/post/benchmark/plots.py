"""Plots of the benchmark of distance and speed; they need matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np

from pipeline.post.benchmark.results import Cases, Figures, Pick, Result, range_bounds, rms, speed_bounds

matplotlib.use("Agg")
from matplotlib import pyplot


def plot_errors(cases: Cases, path: Path) -> None:
    """RMSE of speed and range against distance, with the bound and single-frame PnP."""
    figure, axes = pyplot.subplots(2, len(cases), figsize=(10, 7), squeeze=False)
    for column, (name, manoeuvres) in enumerate(cases.items()):
        groups = [_between(manoeuvres["steady"], low, low + 1) for low in range(3, 12)]
        groups = [group for group in groups if len(group) > 5]
        middles = [np.mean([item.middle_m for item in group]) for group in groups]
        speed, ranges = axes[0, column], axes[1, column]
        errors = [Figures(group, lambda item: item.track_speed).rmse for group in groups]
        limits = [rms(speed_bounds(group)) for group in groups]
        ippe = [rms(np.array([item.ippe_kmh for item in group])) for group in groups]
        speed.semilogy(middles, ippe, "s--", color="0.6", label="single-frame IPPE and regression")
        speed.semilogy(middles, errors, "o-", label="estimator")
        speed.semilogy(middles, limits, "k:", label="Cramér-Rao bound")
        speed.set(title=f"{name}: speed over the track", ylabel="RMSE (km/h)")
        relative = [Figures(group, lambda item: item.range_m, relative=True).rmse for group in groups]
        least = [rms(range_bounds(group)) for group in groups]
        ranges.plot(middles, relative, "o-", label="estimator")
        ranges.plot(middles, least, "k:", label="Cramér-Rao bound")
        ranges.set(
            title=f"{name}: range at the newest frame",
            xlabel="mid-track range (m)",
            ylabel="RMSE (%)",
            ylim=(0, None),
        )
        for axis in (speed, ranges):
            axis.grid(alpha=0.3)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="lower center", ncols=3)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def plot_coverage(cases: Cases, path: Path) -> None:
    """Coverage of the 95 % intervals against distance, with the limits asked for."""
    figure, axes = pyplot.subplots(1, len(cases), figsize=(10, 4), squeeze=False, sharey=True)
    picks: dict[str, Pick] = {
        "speed over the track": lambda item: item.track_speed,
        "present speed": lambda item: item.speed,
        "range": lambda item: item.range_m,
        "distance along the lane": lambda item: item.distance_m,
    }
    for axis, (name, manoeuvres) in zip(axes[0], cases.items(), strict=True):
        groups = [_between(manoeuvres["steady"], low, low + 1.5) for low in np.arange(3.0, 12.0, 1.5)]
        groups = [group for group in groups if len(group) > 50]
        middles = [np.mean([item.middle_m for item in group]) for group in groups]
        axis.axhspan(90, 98, color="0.9", label="90 to 98 %")
        axis.axhline(95, color="k", linewidth=0.8)
        for label, pick in picks.items():
            axis.plot(middles, [Figures(group, pick).cover for group in groups], "o-", label=label)
        axis.set(title=f"{name}, constant speed", xlabel="mid-track range (m)", ylim=(85, 100))
        axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("intervals that hold (%)")
    axes[0, 0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _between(results: Sequence[Result], low_m: float, high_m: float) -> list[Result]:
    return [item for item in results if low_m <= item.middle_m < high_m]
