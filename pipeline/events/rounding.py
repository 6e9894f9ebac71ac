"""The numbers of events: how many decimals each kind has, and what becomes of one that is not finite."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from numpy.typing import NDArray

from pipeline.events.schema import PlateFormat
from pipeline.frames import Estimate, Interval, MotionEstimate

# Finer than what can be measured, coarse enough to read.
PIXEL_DECIMALS = 3
COV_DECIMALS = 5
METRE_DECIMALS = 3
KMH_DECIMALS = 2
TIME_DECIMALS = 6
PROBABILITY_DECIMALS = 4


def utc_of(utc_s: float | None) -> datetime | None:
    """A host's time as events carry it."""
    return None if utc_s is None else datetime.fromtimestamp(utc_s, UTC)


def rounded(value: float, decimals: int) -> float:
    """A number that may be published.

    Raises:
        ValueError: it is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be published")
    return round(float(value), decimals) + 0.0  # + 0.0 makes 0.0 of -0.0


def nested(array: NDArray[Any], decimals: int) -> Any:
    """The array as nested tuples of rounded floats."""
    if array.ndim == 0:
        return rounded(array.item(), decimals)
    return tuple(nested(part, decimals) for part in array)


def _is_finite(estimate: Estimate) -> bool:
    return all(map(math.isfinite, (estimate.value, estimate.sd, *estimate.ci95)))


def estimate_numbers(
    estimate: Estimate | None, decimals: int
) -> tuple[float, float, Interval] | tuple[None, None, None]:
    """Value, sd and interval; null where there is none or one of them is not finite."""
    if estimate is None or not _is_finite(estimate):
        return None, None, None
    low, high = estimate.ci95
    return (
        rounded(estimate.value, decimals),
        rounded(estimate.sd, decimals),
        (rounded(low, decimals), rounded(high, decimals)),
    )


def quality_of(motion: MotionEstimate) -> str:
    """What the estimator says of its numbers, but "not_finite" where one that it vouches for is not."""
    estimates = (motion.range_m, motion.distance_m, motion.speed_kmh)
    if motion.quality == "ok" and not all(_is_finite(e) for e in estimates if e is not None):
        return "not_finite"
    return motion.quality


def plate_format_of(motion: MotionEstimate) -> PlateFormat | None:
    """The most probable format, if one is named."""
    if motion.plate_format is None:
        return None
    probability = motion.plate_format_probability
    return PlateFormat(
        name=motion.plate_format,
        probability=None if probability is None else rounded(probability, PROBABILITY_DECIMALS),
    )
