"""Which plate format, which planar branch, steady or braking: what a track leaves open, with probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.post.fit import Prior, Setting, TrackFit, fit_noise, robust_minimum
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.plate_motion import ASPECT, SPEED, STRETCHES, TILT, YAW, X, Y, Z
from pipeline.post.priors import (
    areas,
    aspect_tolerance,
    image_aspect,
    reference_axes,
    starting_motions,
    vehicle_prior,
    with_any_height,
    with_aspect,
    with_braking,
)
from pipeline.post.track_data import TrackData

Array = NDArray[np.float64]

_ANY_ASPECT = (np.log(1 / 3), 0.6)  # log height over width of a plate of unknown format: mean, sd
_UNKNOWN_FORMAT = 0.01  # prior probability that the plate is of none of the formats
_STEADY_OVER_BRAKING = float(np.log(10))  # log odds before the track is seen
_STEADY_OVER_BEGUN = float(np.log(30))  # the same against braking that has just begun
_JUST_BEGUN = 1  # stretches of time
_HOPELESS = 5.0  # log odds at which an alternative is not worth its time
_ASPECT_REACH = 5.0  # formats this many sd from the fitted aspect are not tried


@dataclass(frozen=True, eq=False)
class Candidate:
    """A fit under one format, and the logarithm of its probability before the track is seen."""

    plate_format: PlateFormat | None
    fit: TrackFit
    log_prior: float


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """One explanation of the track: a format (None: none of the known ones), a fit, and its probability."""

    plate_format: PlateFormat | None
    fit: TrackFit
    probability: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """All hypotheses, most probable first, and the frames that they explain (outliers left out)."""

    hypotheses: tuple[Hypothesis, ...]
    data: TrackData


def explain(data: TrackData, camera: Camera, formats: Sequence[PlateFormat]) -> Explanation | None:
    """Fit the track under every plausible format and branch.

    The aspect ratio is fitted freely first; only the formats near it are tried. Two branches that lead to
    the same minimum count once. None if the corners are those of no plate.
    """
    data = data.subset(areas(data.rays) > 0)
    if len(data.times_s) == 0:
        return None
    aspect = image_aspect(data)
    nearest = min(formats, key=lambda item: abs(_log_aspect(item) - aspect))
    prior, axes = vehicle_prior(camera), reference_axes(camera)
    free = Setting(nearest.width_m, axes, with_any_height(with_aspect(prior, *_ANY_ASPECT)))
    branches = _branches(data, free, starting_motions(data, camera, nearest))
    if not branches:
        return None
    data = data.subset(branches[0][1])
    unknown = [fit_noise(motion, data, free) for motion, _ in branches]
    candidates = [Candidate(None, fit, float(np.log(_UNKNOWN_FORMAT))) for fit in unknown]
    share = float(np.log((1 - _UNKNOWN_FORMAT) / len(formats)))
    for plate_format in formats:
        candidates += [
            Candidate(plate_format, fit, share) for fit in _fits(data, prior, plate_format, unknown)
        ]
    return Explanation(_weighed(_with_braking(candidates, data)), data)


def _log_aspect(plate_format: PlateFormat) -> float:
    return float(np.log(plate_format.height_m / plate_format.width_m))


def _branches(
    data: TrackData, setting: Setting, starts: list[Array]
) -> list[tuple[Array, NDArray[np.bool_]]]:
    """Motion and inliers at each distinct minimum, lowest cost first; hopeless ones left out."""
    minima = sorted((robust_minimum(data, setting, start) for start in starts), key=lambda item: item[1])
    found: list[tuple[Array, NDArray[np.bool_]]] = []
    for motion, cost, inliers in minima:
        same = any(np.max(np.abs(motion - other)[[YAW, TILT]]) < 0.02 for other, _ in found)
        if not same and cost - minima[0][1] < 20:
            found.append((motion, inliers))
    return found


def _fits(
    data: TrackData, prior: Prior, plate_format: PlateFormat, unknown: list[TrackFit]
) -> list[TrackFit]:
    """The track as a plate of `plate_format`, from each free fit whose aspect is near it."""
    log_aspect, tolerance = _log_aspect(plate_format), aspect_tolerance(data)
    fits: list[TrackFit] = []
    for free in unknown:
        reach = _ASPECT_REACH * np.hypot(np.sqrt(free.covariance[ASPECT, ASPECT]), tolerance)
        if abs(free.motion[ASPECT] - log_aspect) < reach:
            setting = Setting(
                plate_format.width_m, free.setting.axes, with_aspect(prior, log_aspect, tolerance)
            )
            start = free.motion.copy()
            start[[X, Y, Z, SPEED]] *= plate_format.width_m / free.setting.width_m
            fits.append(fit_noise(robust_minimum(data, setting, start)[0], data, setting))
    return fits


def _with_braking(candidates: list[Candidate], data: TrackData) -> list[Candidate]:
    """The candidates and, where the track leaves it open, each of them with a changing speed.

    One step from the best candidate tells whether braking is worth a fit of its own. Braking that has only just
    begun is a small change, for which that one step is enough.
    """
    best = max(candidates, key=lambda item: item.log_prior + item.fit.log_evidence)
    begun_fit = fit_noise(best.fit.motion, data, _braking(best.fit.setting, _JUST_BEGUN))
    begun = Candidate(best.plate_format, begun_fit, best.log_prior - _STEADY_OVER_BEGUN)
    glance = fit_noise(best.fit.motion, data, _braking(best.fit.setting, STRETCHES))
    if glance.log_evidence - _STEADY_OVER_BRAKING < best.fit.log_evidence - _HOPELESS:
        return [*candidates, begun]
    braking: list[Candidate] = []
    for item in candidates:
        if item.fit.log_evidence > best.fit.log_evidence - _HOPELESS or item.plate_format is None:
            setting = _braking(item.fit.setting, STRETCHES)
            fit = fit_noise(robust_minimum(data, setting, item.fit.motion)[0], data, setting)
            braking.append(Candidate(item.plate_format, fit, item.log_prior - _STEADY_OVER_BRAKING))
    return [*candidates, begun, *braking]


def _braking(setting: Setting, stretches: int) -> Setting:
    return replace(setting, prior=with_braking(setting.prior, stretches))


def _weighed(candidates: list[Candidate]) -> tuple[Hypothesis, ...]:
    """Posterior probabilities."""
    logs = np.array([item.log_prior + item.fit.log_evidence for item in candidates])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    found = [
        Hypothesis(item.plate_format, item.fit, float(weight))
        for item, weight in zip(candidates, weights, strict=True)
    ]
    return tuple(sorted(found, key=lambda item: -item.probability))
