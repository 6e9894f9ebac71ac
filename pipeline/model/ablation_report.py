"""Table and plot of the ablation: corner errors beside cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt

from pipeline.model.figures import summary
from pipeline.model.measure import SIZE_PX, Result

COLOURS = {32: "tab:red", 16: "tab:orange", 8: "tab:blue"}
LINES = {"plain": "--", "windowed": "-"}


@dataclass(frozen=True, eq=False)
class Row:
    """One network with one way of decoding: its answers by split, and what an image of 640x480 costs."""

    stride_px: int
    decoder: str
    results: dict[str, list[Result]]
    gflop: float
    ms: float


def table(rows: Sequence[Row], split: str) -> str:
    """Markdown: errors on one split, over the plates found, beside the cost."""
    header = ["stride", "heatmap", "DSNT", "found %", "median px", "mean px", "p90 px", "GFLOP", "ms"]
    lines = [header, ["---"] * len(header)]
    for row in rows:
        width, height = (side // row.stride_px for side in SIZE_PX)
        s = summary(row.results[split])
        errors = (f"{s[name]:.2f}" for name in ("median_px", "mean_px", "p90_px"))
        cells = [
            f"{row.stride_px} px",
            f"{width}x{height}",
            row.decoder,
            f"{s['found_percent']:.1f}",
            *errors,
        ]
        lines.append([*cells, f"{row.gflop:.0f}", f"{row.ms:.0f}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def draw_ablation(rows: Sequence[Row], split: str, picture: Path) -> None:
    """How many plates have at most which error, and the median error of all plates against the cost."""
    figure, (shares, costs) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for row in rows:
        errors = np.sort(_errors_px(row, split))
        percent = 100 * np.arange(1, len(errors) + 1) / len(errors)
        label = f"stride {row.stride_px}, {row.decoder}"
        shares.step(
            errors, percent, LINES[row.decoder], where="post", color=COLOURS[row.stride_px], label=label
        )
    shares.set(
        xscale="log",
        xlabel="mean corner error (px at 640x480)",
        ylabel="plates with at most this error (%)",
        title=f"{split}: {len(rows[0].results[split])} plates",
    )
    shares.legend()
    for decoder, line in LINES.items():
        chosen = [row for row in rows if row.decoder == decoder]
        medians = [float(np.median(_errors_px(row, split))) for row in chosen]
        costs.plot([row.gflop for row in chosen], medians, f"k{line}", label=decoder, zorder=1)
        costs.scatter(
            [row.gflop for row in chosen], medians, c=[COLOURS[row.stride_px] for row in chosen], zorder=2
        )
    for row in rows:
        if row.decoder == "windowed":
            place = (row.gflop, np.median(_errors_px(row, split)))
            text = f"stride {row.stride_px}\n{row.ms:.0f} ms"
            costs.annotate(text, place, xytext=(0, -8), textcoords="offset points", va="top", ha="center")
    costs.set(
        xlabel="GFLOP an image of 640x480",
        ylabel="median corner error, all plates (px)",
        title="Error beside cost",
        ylim=(0, None),
    )
    costs.legend()
    for axes in (shares, costs):
        axes.grid(True, which="both", alpha=0.3)
    figure.savefig(picture, dpi=110)
    plt.close(figure)


def _errors_px(row: Row, split: str) -> list[float]:
    return [result.error_px for result in row.results[split] if result.plate is not None]
