"""Distance and speed of one vehicle from its plate's corners, with intervals, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.frames import Estimate, Motion, MotionEstimate
from pipeline.post.fit import TrackFit, whitened
from pipeline.post.hypotheses import Explanation, Hypothesis, explain
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.plate_motion import (
    ACCELERATIONS,
    COUNT,
    HEADING,
    SLOPE,
    SPEED,
    X,
    Y,
    Z,
    travel_by_accelerations,
    travel_direction,
)
from pipeline.post.priors import reference_axes
from pipeline.post.track_data import TrackData, TrackPoint, thinned, track_data

Array = NDArray[np.float64]
SpeedOver = Literal["now", "track"]

_KMH = 3.6
_FRAMES_USED = 48
_LEAST_FRAMES, _LEAST_SPAN_S = 5, 0.15  # for a speed
_CREDIBLE = 0.99  # hypotheses are taken, most probable first, until they hold this much probability
_FORMAT_SPREAD = 0.03  # of the range: formats that disagree by more leave the distance open
_LARGEST_RESIDUAL = 0.06  # of the plate's width in the image, root mean square
_WIDEST_SPEED_KMH, _WIDEST_SPEED = 3.0, 0.25  # half-width of the widest interval that is still published
_STANDSTILL_KMH = 0.3
_STANDSTILL_WIDTH_KMH = 1.0
_RANGE_LIMITS_M = (0.3, 100.0)
_FASTEST_KMH = 150.0


def estimate_motion(
    points: Sequence[TrackPoint],
    camera: Camera | None,
    formats: Sequence[PlateFormat],
    speed_over: SpeedOver = "now",
) -> MotionEstimate:
    """Distance at the newest point and speed there, or the mean speed over all points.

    Without a mount there is no lane and no stop line: `distance_m` is then the plate's distance along its
    own line of travel from the point abreast of the camera, the line being estimated from the motion and
    the plate's facing.

    Args:
        points: one track, at least one point, times rising, of one epoch.
        camera: None gives quality "uncalibrated" and no number.
        formats: the plate formats that may occur, at least one.
        speed_over: "now" or "track".
    """
    if camera is None:
        return withheld("uncalibrated")
    data = track_data(thinned(points, _FRAMES_USED), camera)
    explanation = explain(data, camera, formats)
    if explanation is None:
        return withheld("implausible")
    return _judged(explanation, camera, speed_over)


def withheld(
    quality: str, plate_format: str | None = None, probability: float | None = None
) -> MotionEstimate:
    """No number, and why."""
    return MotionEstimate(None, None, None, "unknown", plate_format, probability, quality)


def _judged(explanation: Explanation, camera: Camera, speed_over: SpeedOver) -> MotionEstimate:
    """The numbers of an explanation, each only if it can be stood by."""
    best, data = explanation.hypotheses[0], explanation.data
    name, probability = _format(explanation.hypotheses)
    credible = _credible(explanation.hypotheses)
    means = np.array([_quantities(item.fit, camera, data, speed_over)[0] for item in credible])
    shares = np.array([item.probability for item in credible]) / sum(item.probability for item in credible)
    centre = shares @ means
    if name is None or np.sqrt(shares @ (means[:, 0] - centre[0]) ** 2) > _FORMAT_SPREAD * centre[0]:
        return withheld("format_ambiguous", name, probability)
    if _relative_residual(best.fit, data) > _LARGEST_RESIDUAL:
        return withheld("residuals_too_large", name, probability)
    covariances = np.array([_covariance(item.fit, camera, data, speed_over) for item in credible])
    spread = means - centre
    covariance = np.einsum("k,kij->ij", shares, covariances) + np.einsum(
        "k,ki,kj->ij", shares, spread, spread
    )
    covariance += _calibration_covariance(best.fit, camera, data, speed_over)
    distance, along, speed = (
        _estimate(*pair) for pair in zip(centre, np.sqrt(np.diag(covariance)), strict=True)
    )
    if not _plausible(centre):
        return withheld("implausible", name, probability)
    reason = _speed_objection(data, speed)
    if reason:
        return MotionEstimate(distance, along, None, "unknown", name, probability, reason)
    return MotionEstimate(distance, along, speed, _direction(speed), name, probability, "ok")


def _quantities(fit: TrackFit, camera: Camera, data: TrackData, speed_over: SpeedOver) -> tuple[Array, Array]:
    """range_m, distance_m, speed_kmh (3,) and their derivatives (3, 16)."""
    motion, slopes = fit.motion, np.zeros((3, COUNT))
    place = motion[[X, Y, Z]]
    heading = motion[HEADING] if camera.mount is None else 0.0
    line, by_heading, by_slope = travel_direction(heading, motion[SLOPE])
    stop_line = 0.0 if camera.mount is None else camera.mount.stop_line_m
    distance = np.linalg.norm(place)
    slopes[0, [X, Y, Z]] = place / distance
    slopes[1, [X, Y, Z]] = line
    slopes[1, HEADING] = place @ by_heading if camera.mount is None else 0.0
    slopes[1, SLOPE] = place @ by_slope
    slopes[2, SPEED] = _KMH
    if speed_over == "track" and data.times_s[0] < 0:
        slopes[2, ACCELERATIONS] = _KMH * travel_by_accelerations(data.times_s)[0] / data.times_s[0]
    return np.array([distance, place @ line - stop_line, slopes[2] @ motion]), slopes


def _covariance(fit: TrackFit, camera: Camera, data: TrackData, speed_over: SpeedOver) -> Array:
    """(3, 3) covariance of the quantities from corner noise."""
    slopes = _quantities(fit, camera, data, speed_over)[1]
    return np.asarray(slopes @ fit.covariance @ slopes.T)


def _calibration_covariance(fit: TrackFit, camera: Camera, data: TrackData, speed_over: SpeedOver) -> Array:
    """(3, 3) covariance of the quantities from the camera file's uncertainty, to first order.

    For each uncertain quantity: how the residuals change when it is off by one sd, and how far the fit then
    moves. The mount's height and pitch are left out: the fit's prior holds them.
    """
    sd = replace(camera.uncertainty, height_m=None, pitch_deg=None)
    variants = replace(camera, uncertainty=sd).one_sd_variants()
    covariance = np.zeros((3, 3))
    if not variants:
        return covariance
    prior, free = fit.setting.prior, fit.setting.prior.sd > 0
    residuals, rows = whitened(fit.motion, data, fit.setting)
    flat = rows.reshape(-1, rows.shape[2]) / fit.noise_scale
    pull = np.linalg.solve(flat.T @ flat + np.eye(flat.shape[1]), flat.T) / fit.noise_scale
    values, slopes = _quantities(fit, camera, data, speed_over)
    for variant in variants:
        moved_data = replace(data, rays=variant.unproject(data.corners_px))
        moved_setting = replace(fit.setting, axes=reference_axes(variant))
        moved = whitened(fit.motion, moved_data, moved_setting)[0]
        step = -(pull @ (moved - residuals).ravel()) * prior.sd[free]
        shift = slopes[:, free] @ step + _quantities(fit, variant, data, speed_over)[0] - values
        covariance += np.outer(shift, shift)
    return covariance


def _format(hypotheses: Sequence[Hypothesis]) -> tuple[str | None, float | None]:
    """Name and probability of the most probable format; None if the plate is rather of none of them."""
    totals: dict[str | None, float] = {}
    for item in hypotheses:
        name = item.plate_format.name if item.plate_format else None
        totals[name] = totals.get(name, 0.0) + item.probability
    name = max(totals, key=lambda key: totals[key])
    return name, None if name is None else totals[name]


def _credible(hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    """The most probable hypotheses that together hold nearly all the probability."""
    totals = np.cumsum([item.probability for item in hypotheses])
    return list(hypotheses[: int(np.searchsorted(totals, _CREDIBLE)) + 1])


def _relative_residual(fit: TrackFit, data: TrackData) -> float:
    """Root mean square corner residual in the image over the plate's width there."""
    residuals, _ = whitened(fit.motion, data, fit.setting)
    rays = np.linalg.solve(data.whiteners, residuals.reshape(-1, 4, 2, 1))[..., 0]
    width = np.linalg.norm(data.rays[:, 1] - data.rays[:, 0], axis=1)
    return float(np.sqrt(np.mean(np.sum(rays**2, axis=2) / width[:, None] ** 2)))


def _plausible(values: Array) -> bool:
    """Range and speed are such as occur at a gate."""
    return bool(_RANGE_LIMITS_M[0] < values[0] < _RANGE_LIMITS_M[1] and abs(values[2]) < _FASTEST_KMH)


def _speed_objection(data: TrackData, speed: Estimate) -> str | None:
    """Why this speed is not published, if so."""
    if len(data.times_s) < _LEAST_FRAMES or -data.times_s[0] < _LEAST_SPAN_S:
        return "too_few_frames"
    if speed.ci95[1] - speed.value > max(_WIDEST_SPEED_KMH, _WIDEST_SPEED * abs(speed.value)):
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


def _estimate(value: float, sd: float) -> Estimate:
    """A value with its 95 % interval."""
    return Estimate(float(value), float(sd), (float(value - 1.96 * sd), float(value + 1.96 * sd)))
