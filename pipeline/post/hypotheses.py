"""Which plate format and which planar branch: what a track leaves open, with probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.post import drives
from pipeline.post.fit import Fit, fit
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.plate_motion import ACCELERATIONS, ASPECT, PLACE, POSE, SPEED, TILT, YAW, moved_on
from pipeline.post.posterior import Functionals, Posterior, posterior
from pipeline.post.priors import (
    PosePrior,
    aspect_tolerance,
    image_aspect,
    log_aspect,
    shared_error,
    starting_motions,
)
from pipeline.post.window import Window

Array = NDArray[np.float64]

_UNKNOWN_FORMAT = 0.01  # prior probability that the plate is of none of the formats
_ASPECT_REACH = 5.0  # formats this many sd from the fitted aspect are not tried
_SAME_RAD = 0.02  # minima that are this close are one
_HOPELESS_COST = 20.0
_FAR_SHARE, _FAR_RAD = 0.05, 0.1  # of the range
_NEARLY = 0.3  # of the cost; the posterior adds a step of its own

Measure = Callable[[Fit, Window], Functionals]


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """One explanation of a track: a format (None: none of the known ones), a fit, and what follows from it."""

    plate_format: PlateFormat | None
    log_prior: float
    fit: Fit
    posterior: Posterior

    @cached_property
    def log_weight(self) -> float:
        """Logarithm of its probability given the track, not normalised."""
        logs = self.posterior.mixture.log_weights
        top = float(logs.max())
        return self.log_prior + top + math.log(np.exp(logs - top).sum())


def search(
    window: Window, camera: Camera, prior: PosePrior, formats: Sequence[PlateFormat], measure: Measure
) -> list[Hypothesis]:
    """Fit the track under every plausible format and branch.

    The aspect ratio is fitted freely first; only the formats near it are tried. Two branches that lead to
    the same minimum count once. Empty if the corners are those of no plate.
    """
    data = window.data
    aspect = image_aspect(data)
    nearest = min(formats, key=lambda item: abs(log_aspect(item) - aspect))
    free = prior.for_any_format(nearest.width_m)
    starts = starting_motions(data, window.times_s, camera, nearest)
    branches = _distinct([fit(window, free, drives.STEADY, start, tolerance=_NEARLY) for start in starts])
    share, tolerance = float(np.log((1 - _UNKNOWN_FORMAT) / len(formats))), aspect_tolerance(data)
    found: list[Hypothesis] = []
    for branch in branches:
        unknown = _judged(None, float(np.log(_UNKNOWN_FORMAT)), branch, window, measure)
        if shared := shared_error(unknown.posterior.scatter):
            setting, judged = replace(free, shared=shared), unknown.posterior
            again = fit(window, setting, judged.way, judged.motion, tolerance=_NEARLY)
            unknown = _judged(None, unknown.log_prior, again, window, measure)
            shared = shared_error(unknown.posterior.scatter)
        found.append(unknown)
        for plate_format in _near(formats, unknown, tolerance):
            scale = plate_format.width_m / nearest.width_m
            start = unknown.posterior.motion.copy()
            start[PLACE] *= scale
            start[SPEED:] *= scale
            start[ASPECT] = log_aspect(plate_format)
            setting = prior.for_format(plate_format, tolerance, shared)
            way = unknown.posterior.way
            nearby = fit(window, setting, way, start, tolerance=_NEARLY)
            found.append(_judged(plate_format, share, nearby, window, measure))
    return _different(found)


def follow(
    hypotheses: Sequence[Hypothesis], moved_on_s: float, window: Window, prior: PosePrior, measure: Measure
) -> list[Hypothesis]:
    """The same explanations for a window whose newest frame is `moved_on_s` later.

    They are nearly right already: as a rule the one linear step of the posterior is enough.
    """
    found: list[Hypothesis] = []
    tolerance = aspect_tolerance(window.data)
    for item in hypotheses:
        plate_format, shared = item.plate_format, shared_error(item.posterior.scatter)
        setting = (
            prior.for_format(plate_format, tolerance, shared)
            if plate_format
            else replace(item.fit.setting, shared=shared)
        )
        start = moved_on(item.posterior.motion, moved_on_s)
        way = item.posterior.way
        refitted = _freed(fit(window, setting, way, start, item.posterior.shared, max_steps=0), window)
        judged = posterior(refitted, window, measure(refitted, window))
        if _far(refitted.motion, judged.motion, window):
            refitted = fit(window, setting, judged.way, judged.motion, judged.shared, tolerance=_NEARLY)
            judged = posterior(refitted, window, measure(refitted, window))
        found.append(Hypothesis(plate_format, item.log_prior, refitted, judged))
    return _different(found)


def _judged(
    plate_format: PlateFormat | None, log_prior: float, found: Fit, window: Window, measure: Measure
) -> Hypothesis:
    """A hypothesis from a fit; where another way to drive explains the track better it is fitted again."""
    found = _freed(found, window)
    judged = posterior(found, window, measure(found, window))
    if judged.way != drives.STEADY:
        found = fit(window, found.setting, judged.way, judged.motion, judged.shared, tolerance=_NEARLY)
        judged = posterior(found, window, measure(found, window))
    return Hypothesis(plate_format, log_prior, found, judged)


def _freed(found: Fit, window: Window) -> Fit:
    """The fit, but under the freest way to drive if the newest frame was left out and that explains it.

    What looks like an outlier of a vehicle that drives on may be one that has begun to brake: then the plate is
    where it is expected but for its way.
    """
    if found.inliers[-1] or found.near.newest_off_the_way(found.shared) > found.largest_miss:
        return found
    freer = fit(window, found.setting, drives.VARYING, found.motion, found.shared, tolerance=_NEARLY)
    return freer if freer.inliers[-1] else found


def _distinct(minima: Sequence[Fit]) -> list[Fit]:
    """The distinct minima, lowest cost first; hopeless ones left out."""
    found: list[Fit] = []
    ranked = sorted(minima, key=lambda item: item.cost)
    for item in ranked:
        same = any(_same_facing(item.motion, other.motion) for other in found)
        if not same and item.cost - ranked[0].cost < _HOPELESS_COST:
            found.append(item)
    return found


def _different(hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    """Without those that came to the same format and facing as one before."""
    found: list[Hypothesis] = []
    for item in hypotheses:
        same = (other for other in found if other.plate_format is item.plate_format)
        if not any(_same_facing(item.posterior.motion, other.posterior.motion) for other in same):
            found.append(item)
    return found


def _same_facing(one: Array, other: Array) -> bool:
    return bool(max(abs(one[YAW] - other[YAW]), abs(one[TILT] - other[TILT])) < _SAME_RAD)


def _far(one: Array, other: Array, window: Window) -> bool:
    """Too far for one linear step: what it leaves out grows with the square of these changes."""
    change = other - one
    swing = change[SPEED] * window.times_s[0] + window.by_accelerations_m[0, 0] @ change[ACCELERATIONS]
    place = (math.hypot(*change[PLACE]) + abs(swing)) / math.hypot(*one[PLACE])
    return bool(place > _FAR_SHARE or max(abs(change[YAW]), abs(change[TILT])) > _FAR_RAD)


def _near(formats: Sequence[PlateFormat], unknown: Hypothesis, tolerance: float) -> list[PlateFormat]:
    """The formats whose aspect is near the freely fitted one."""
    fitted = unknown.fit
    columns = np.concatenate([fitted.near.slopes[..., POSE], fitted.near.shared], axis=2)[fitted.inliers]
    rows = columns.reshape(-1, columns.shape[2])
    spread = np.linalg.inv(rows.T @ rows / unknown.posterior.noise_scale**2 + np.eye(rows.shape[1]))
    sd = float(np.sqrt(spread[ASPECT, ASPECT])) * fitted.setting.sd[ASPECT]
    reach = _ASPECT_REACH * (2.0 * sd + tolerance)  # twice: correlated noise
    centre = unknown.posterior.motion[ASPECT]
    return [item for item in formats if abs(log_aspect(item) - centre) < reach]
