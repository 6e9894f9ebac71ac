"""One run of a benchmark, and the table of many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Run:
    """Errors of one run and its standard deviations (0: not estimated), same order; further figures by name."""

    errors: Array
    sd: Array
    figures: dict[str, float]


def summary(names: Sequence[str], runs: Sequence[Run]) -> Iterator[str]:
    """Lines of a table: error, stated sd, and how often ± (1.96 sd) held the truth."""
    errors, sd = np.array([run.errors for run in runs]), np.array([run.sd for run in runs])
    yield f"{'quantity':14} {'rms error':>11} {'stated sd':>11} {'largest':>10}  ± holds the truth in"
    for name, error, spread in zip(names, errors.T, sd.T, strict=True):
        known = spread > 0
        error, spread = error[known], spread[known]
        if not len(error):
            yield f"{name:14} never estimated"
            continue
        rms, stated = np.sqrt(np.mean(error**2)), np.sqrt(np.mean(spread**2))
        held = np.abs(error) <= 1.96 * spread
        yield (
            f"{name:14} {rms:11.5f} {stated:11.5f} {np.abs(error).max():10.5f}  "
            f"{100 * held.mean():.1f} % of {len(held)} runs"
        )
    for name in dict.fromkeys(name for run in runs for name in run.figures):
        column = [run.figures[name] for run in runs if name in run.figures]
        yield (
            f"{name}: median {np.median(column):.3f}, 95 % of {len(column)} runs under "
            f"{np.percentile(column, 95):.3f}, worst {max(column):.3f}"
        )
