"""What the benchmark of distance and speed keeps of each passage, and the figures that sum up many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NOWHERE = float("nan")
DISTANCES_M = (3.0, 6.0, 7.5, 9.0, 12.0)
DURATIONS_S = (0.45, 0.7, 1.0, 1.5, 2.0)
NOISES_MRAD = (0.25, 0.4, 0.6, 0.8, 1.25)


@dataclass(frozen=True)
class Score:
    """One estimate against the truth; NaN where none was published."""

    truth: float
    error: float
    held: float
    half_width: float


@dataclass(frozen=True)
class Result:
    """One passage.

    Attributes:
        middle_m: range at the middle of the track.
        noise_mrad: corner sd over focal length.
        format_right, format_named: whether the published format is right, and whether one is published.
        track_speed, speed, range_m, distance_m: scores; speeds in km/h.
        speed_bound_kmh, range_bound_m: Cramér-Rao bounds; NaN unless the speed is constant.
        ippe_kmh: error of the speed from single-frame PnP and a regression.
    """

    middle_m: float
    duration_s: float
    noise_mrad: float
    format_right: bool
    format_named: bool
    motion: str
    quality: str
    track_speed: Score
    speed: Score
    range_m: Score
    distance_m: Score
    speed_bound_kmh: float
    range_bound_m: float
    ippe_kmh: float


Cases = Mapping[str, Mapping[str, Sequence[Result]]]
Pick = Callable[[Result], Score]


class Figures:
    """Errors of one quantity over some passages.

    With `relative` errors and half-widths are in percent of the range.
    """

    def __init__(self, results: Sequence[Result], pick: Pick, relative: bool = False) -> None:
        scores = [pick(item) for item in results]
        unit = np.array([item.range_m.truth / 100 for item in results]) if relative else np.ones(len(results))
        self.truths: Array = np.array([item.truth for item in scores])
        self.errors: Array = np.array([item.error for item in scores]) / unit
        self.held: Array = np.array([item.held for item in scores])
        self.half_widths: Array = np.array([item.half_width for item in scores]) / unit

    @property
    def count(self) -> int:
        """How many were published."""
        return int(np.isfinite(self.errors).sum())

    @property
    def bias(self) -> float:
        """Mean error."""
        return float(np.nanmean(self.errors))

    @property
    def rmse(self) -> float:
        """Root mean square error."""
        return rms(self.errors)

    @property
    def mean_abs(self) -> float:
        """Mean absolute error."""
        return float(np.nanmean(np.abs(self.errors)))

    @property
    def worst(self) -> float:
        """95th percentile of the absolute error."""
        return float(np.nanpercentile(np.abs(self.errors), 95))

    @property
    def cover(self) -> float:
        """Share of the intervals that hold, in percent."""
        return float(100 * np.nanmean(self.held))

    @property
    def half_width(self) -> float:
        """Median of the intervals' half-widths."""
        return float(np.nanmedian(self.half_widths))


def rms(values: Array) -> float:
    """Root mean square of the numbers that are there; NaN if there are none."""
    known = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(known**2))) if len(known) else NOWHERE


def speed_bounds(results: Sequence[Result]) -> Array:
    """(n,) bounds of the speed, km/h, of the passages with a speed."""
    return np.array([item.speed_bound_kmh for item in results if np.isfinite(item.track_speed.error)])


def range_bounds(results: Sequence[Result]) -> Array:
    """(n,) bounds of the range in percent of it."""
    return np.array([100 * item.range_bound_m / item.range_m.truth for item in results])


def by_distance(results: Sequence[Result]) -> Iterator[tuple[str, list[Result]]]:
    """Label and passages of each bin of distance."""
    yield from _bins(results, DISTANCES_M, "m", lambda item: item.middle_m)


def by_all(results: Sequence[Result]) -> Iterator[tuple[str, list[Result]]]:
    """All, then by distance, by duration and by noise."""
    yield "all", list(results)
    yield from by_distance(results)
    yield from _bins(results, DURATIONS_S, "s", lambda item: item.duration_s)
    yield from _bins(results, NOISES_MRAD, "mrad", lambda item: item.noise_mrad)


def _bins(
    results: Sequence[Result], edges: Sequence[float], unit: str, value: Callable[[Result], float]
) -> Iterator[tuple[str, list[Result]]]:
    for low, high in pairwise(edges):
        group = [item for item in results if low <= value(item) < high]
        if group:
            yield f"{low:g} - {high:g} {unit}", group
