"""From the explanations of a track to the numbers that are published, each only if it can be stood by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Estimate, Motion, MotionEstimate
from pipeline.post.hypotheses import Hypothesis
from pipeline.post.intervals import normal_below, summed_up
from pipeline.post.quantities import (
    DISTANCE_M,
    RANGE_M,
    SPEED_NOW_KMH,
    SPEED_OVER_TRACK_KMH,
    Quantities,
)
from pipeline.post.track_data import TrackData

Array = NDArray[np.float64]
SpeedOver = Literal["now", "track"]

LARGEST_MISS = 0.06
"""Corners that miss the rigid motion by more, root mean square over the plate's width, are not explained."""

LEAST_FRAMES = 5
"""Of a track, for a speed."""
_LEAST_SPAN_S = 0.15
_CREDIBLE = 0.998  # Gaussians are taken, most probable first, until they hold this much probability
_REVERSAL = 0.002  # probability that a vehicle changes its direction within the window
_FORMAT_SPREAD = 0.03  # of the range: formats that disagree by more leave the distance open
_WIDEST_KMH, _WIDEST_SHARE = 3.0, 0.25  # half of the widest speed interval, the latter of the speed
_STANDSTILL_KMH = 0.3
_STANDSTILL_WIDTH_KMH = 1.0
_RANGE_LIMITS_M = (0.3, 100.0)
_FASTEST_KMH = 150.0


def withheld(
    quality: str, plate_format: str | None = None, probability: float | None = None
) -> MotionEstimate:
    """No number, and why."""
    return MotionEstimate(None, None, None, "unknown", plate_format, probability, quality)


def answer(
    hypotheses: Sequence[Hypothesis], measure: Quantities, data: TrackData, speed_over: SpeedOver
) -> MotionEstimate:
    """The numbers that follow from the explanations of a track, most probable first."""
    name, probability = _format(hypotheses)
    weights, means, sds = _components(hypotheses, measure)
    speed_index = SPEED_NOW_KMH if speed_over == "now" else SPEED_OVER_TRACK_KMH
    chosen = [RANGE_M, DISTANCE_M, speed_index]
    range_m, distance_m, speed_kmh = summed_up(weights, means[:, chosen], sds[:, chosen])
    reason, direction = _speed_objection(data, speed_kmh), _direction(speed_kmh)
    explained = hypotheses[0].fit.relative_miss <= LARGEST_MISS
    ranges = means[:, RANGE_M]
    centre_m = weights @ ranges
    if name is None or np.sqrt(weights @ (ranges - centre_m) ** 2) > _FORMAT_SPREAD * centre_m:
        if direction == "stopped" and explained and reason is None:  # a plate of any size that stands stands
            return MotionEstimate(None, None, speed_kmh, direction, name, probability, "format_ambiguous")
        return withheld("format_ambiguous", name, probability)
    if not explained:
        return withheld("residuals_too_large", name, probability)
    if not (_RANGE_LIMITS_M[0] < range_m.value < _RANGE_LIMITS_M[1] and abs(speed_kmh.value) < _FASTEST_KMH):
        return withheld("implausible", name, probability)
    if reason:
        return MotionEstimate(range_m, distance_m, None, "unknown", name, probability, reason)
    return MotionEstimate(range_m, distance_m, speed_kmh, direction, name, probability, "ok")


def _components(hypotheses: Sequence[Hypothesis], measure: Quantities) -> tuple[Array, Array, Array]:
    """The m most probable Gaussians of all hypotheses: weights (m,), means and sds (m, 4) of the quantities."""
    parts = [item.posterior.mixture for item in hypotheses]
    logs = np.concatenate(
        [item.log_prior + part.log_weights for item, part in zip(hypotheses, parts, strict=True)]
    )
    weights = np.exp(logs - logs.max())
    means = np.concatenate([part.means for part in parts])
    variances = np.concatenate([part.variances for part in parts])
    weights *= _no_reversal(means, variances)
    order = np.argsort(-weights, kind="stable")
    totals = np.cumsum(weights[order])
    keep = order[: int(np.searchsorted(totals, _CREDIBLE * totals[-1])) + 1]
    mount_sd = measure.of_the_mount_sd(hypotheses[0].fit.motion)
    return weights[keep] / weights[keep].sum(), means[keep], np.sqrt(variances[keep] + mount_sd**2)


def _no_reversal(means: Array, variances: Array) -> Array:
    """Weight (m,) of each Gaussian for how surely the vehicle still drives, or stands, as it did over the track.

    A vehicle that brakes comes to a stop; the model's accelerations would have it drive backwards.
    """
    speeds = slice(SPEED_NOW_KMH, SPEED_OVER_TRACK_KMH + 1)
    now, before = normal_below(means[:, speeds] / np.sqrt(np.maximum(variances[:, speeds], 1e-12))).T
    same = now * before + (1 - now) * (1 - before)
    return _REVERSAL + (1 - _REVERSAL) * same


def _format(hypotheses: Sequence[Hypothesis]) -> tuple[str | None, float | None]:
    """Name and probability of the most probable format; None if the plate is rather of none of them."""
    totals: dict[str | None, float] = {}
    top = max(item.log_weight for item in hypotheses)
    for item in hypotheses:
        name = item.plate_format.name if item.plate_format else None
        totals[name] = totals.get(name, 0.0) + float(np.exp(item.log_weight - top))
    best = max(totals, key=lambda key: totals[key])
    return best, None if best is None else totals[best] / sum(totals.values())


def _speed_objection(data: TrackData, speed: Estimate) -> str | None:
    """Why this speed is not published, if so."""
    if len(data) < LEAST_FRAMES or data.times_s[-1] - data.times_s[0] < _LEAST_SPAN_S:
        return "too_few_frames"
    if 0.5 * (speed.ci95[1] - speed.ci95[0]) > max(_WIDEST_KMH, _WIDEST_SHARE * abs(speed.value)):
        return "too_little_travel"
    return None


def _direction(speed: Estimate) -> Motion:
    """The direction that the whole interval agrees on."""
    low, high = speed.ci95
    if low < _STANDSTILL_KMH and high > -_STANDSTILL_KMH and high - low < _STANDSTILL_WIDTH_KMH:
        return "stopped"
    if low > 0:
        return "approaching"
    return "leaving" if high < 0 else "unknown"
