"""From results to the figures that are reported: corner errors, found rate, presence, covariance calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.model.measure import Result

WIDTH_BINS_PX = ((0, 40), (40, 60), (60, 100), (100, 150), (150, 200), (200, 1000))
CHI2_95 = 5.9915
"""95 % quantile of the chi-square distribution with two degrees of freedom."""
_NORMAL_95 = 1.959964  # sd, to either side

_COLUMNS = (  # of the summary: title and decimals
    ("plates", 0),
    ("found %", 1),
    ("mean px", 2),
    ("median px", 2),
    ("p90 px", 2),
    ("median % of width", 2),
    ("width bias %", 2),
    ("in 95 % ellipse", 1),
    ("from", 0),
    ("to", 0),
)


def summary(results: Sequence[Result]) -> dict[str, float]:
    """Found rate over all plates, and errors over the plates that were found (nan if none was)."""
    labelled = [result for result in results if result.plate is not None]
    found = [result for result in labelled if result.found]
    errors = np.array([result.error_px for result in found] or [np.nan])
    relative = np.array([result.error_px / result.width_px for result in found] or [np.nan])
    bias = np.array([result.width_bias for result in found] or [np.nan])
    inside = ellipse_coverage(results)
    low, high = wilson_interval(inside, len(found))
    return {
        "plates": len(labelled),
        "found_percent": 100 * len(found) / max(1, len(labelled)),
        "mean_px": float(errors.mean()),
        "median_px": float(np.median(errors)),
        "p90_px": float(np.percentile(errors, 90)),
        "median_percent_of_width": 100 * float(np.median(relative)),
        "width_bias_percent": 100 * float(np.median(bias)),
        "ellipse_95_percent": 100 * inside,
        "ellipse_95_low_percent": 100 * low,
        "ellipse_95_high_percent": 100 * high,
    }


def table(results: Sequence[Result], groups: dict[str, list[Result]]) -> str:
    """The summary of all results and of each group as lines of text.

    `from` and `to` say where the share in the 95 % ellipses may lie with more plates like these.
    """
    lines = [f"{'group':38}" + "".join(f"{title:>{len(title) + 2}}" for title, _ in _COLUMNS)]
    for name, members in {"all": list(results), **groups}.items():
        values = summary(members)
        if values["plates"]:
            pairs = zip(values.values(), _COLUMNS, strict=True)
            cells = (f"{value:{len(title) + 2}.{decimals}f}" for value, (title, decimals) in pairs)
            lines.append(f"{name[:38]:38}" + "".join(cells))
    return "\n".join(lines)


def by_source(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Results with a plate, grouped by the photographs' source."""
    return _grouped(results, lambda result: result.photograph.source)


def by_width(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Results with a plate, grouped by the labelled width at 640x480."""

    def name(result: Result) -> str:
        low, high = next(span for span in WIDTH_BINS_PX if result.width_px < span[1])
        return f"width {low:3d}-{high} px"

    return _grouped(results, name)


def _grouped(results: Sequence[Result], key: Callable[[Result], str]) -> dict[str, list[Result]]:
    groups: dict[str, list[Result]] = {}
    for result in results:
        if result.plate is not None:
            groups.setdefault(key(result), []).append(result)
    return dict(sorted(groups.items()))


def presence_roc(
    results: Sequence[Result],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """False-alarm rate, recall and the threshold of each point of the presence ROC, from strict to lax."""
    has_plate = np.array([result.plate is not None for result in results])
    presence = np.array([result.location.presence for result in results])
    thresholds = np.unique(presence)[::-1]
    recall = np.array([(presence[has_plate] >= threshold).mean() for threshold in thresholds])
    false_alarms = np.array([(presence[~has_plate] >= threshold).mean() for threshold in thresholds])
    return false_alarms, recall, thresholds


def roc_auc(results: Sequence[Result]) -> float:
    """Probability that a photograph with a plate scores higher than one without (ties count half): Mann-Whitney."""
    presence = np.array([result.location.presence for result in results])
    has_plate = np.array([result.plate is not None for result in results])
    difference = presence[has_plate][:, None] - presence[~has_plate][None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def mahalanobis2(errors: NDArray[np.float64], covariances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared Mahalanobis distances (...,) of errors (..., 2) under covariances (..., 2, 2)."""
    return np.einsum("...i,...ij,...j->...", errors, np.linalg.inv(covariances), errors)


def ellipse_coverage(results: Sequence[Result]) -> float:
    """Share of the corner errors of the plates found that lie inside their 95 % ellipse (nan if none was)."""
    found = [result for result in results if result.plate is not None and result.found]
    errors = np.array([result.errors_px for result in found]).reshape(-1, 2)
    covariances = np.array([result.location.corner_cov_px2 for result in found]).reshape(-1, 2, 2)
    return float((mahalanobis2(errors, covariances) < CHI2_95).mean()) if found else np.nan


def wilson_interval(share: float, plates: int) -> tuple[float, float]:
    """Limits (95 %) of the share that a population has of which so many plates show `share` (nan without any).

    Wilson 1927. A plate counts as one observation: its corners err alike, so more than one would say too much.
    """
    if not plates:
        return np.nan, np.nan
    z2 = _NORMAL_95**2 / plates
    middle = (share + z2 / 2) / (1 + z2)
    half = np.sqrt(z2 * (share * (1 - share) + z2 / 4)) / (1 + z2)
    return float(middle - half), float(middle + half)
