"""Which plate format, which planar branch, steady or braking: what a track leaves open, with probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.post.fit import Prior, Setting, TrackFit, fit_noise, robust_minimum
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.plate_motion import ASPECT, SPEED, TILT, YAW, X, Y, Z
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
_STEADY_ODDS = 10.0  # before the track is seen, steady speed against braking
_LEAST_FRAMES_TO_BRAKE = 8
_ASPECT_REACH = 5.0  # formats this many sd from the fitted aspect are not tried


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
    candidates: list[tuple[PlateFormat | None, TrackFit]] = [(None, fit) for fit in unknown]
    for plate_format in formats:
        candidates += [(plate_format, fit) for fit in _fits(data, prior, plate_format, unknown)]
    return Explanation(_weighed(_braked(candidates, data), len(formats)), data)


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


def _braked(
    candidates: list[tuple[PlateFormat | None, TrackFit]], data: TrackData
) -> list[tuple[PlateFormat | None, TrackFit]]:
    """The candidates with an acceleration each, where the track calls for one."""
    if len(data.times_s) < _LEAST_FRAMES_TO_BRAKE:
        return candidates
    steady = max(candidates, key=lambda item: item[1].log_evidence)[1]
    changing = fit_noise(steady.motion, data, _braking(steady.setting))
    if changing.log_evidence < steady.log_evidence + np.log(_STEADY_ODDS):
        return candidates
    return [(plate_format, _refitted(fit, data)) for plate_format, fit in candidates]


def _braking(setting: Setting) -> Setting:
    return replace(setting, prior=with_braking(setting.prior))


def _refitted(fit: TrackFit, data: TrackData) -> TrackFit:
    """`fit` with an acceleration."""
    setting = _braking(fit.setting)
    return fit_noise(robust_minimum(data, setting, fit.motion)[0], data, setting)


def _weighed(candidates: list[tuple[PlateFormat | None, TrackFit]], formats: int) -> tuple[Hypothesis, ...]:
    """Posterior probabilities, formats equally likely before."""
    before = np.array(
        [_UNKNOWN_FORMAT if item is None else (1 - _UNKNOWN_FORMAT) / formats for item, _ in candidates]
    )
    evidence = np.array([fit.log_evidence for _, fit in candidates])
    weights = before * np.exp(evidence - evidence.max())
    weights /= weights.sum()
    found = [
        Hypothesis(item, fit, float(weight)) for (item, fit), weight in zip(candidates, weights, strict=True)
    ]
    return tuple(sorted(found, key=lambda item: -item.probability))
