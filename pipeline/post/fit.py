"""The fit of one motion to one track: robust least squares on the corners, with priors.

The parameters of the pose are handled in units of their prior standard deviation and those of the drive through the
root of its prior, so that every prior is a unit Gaussian.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.post.linearised import SHARED, Linearised, Setting
from pipeline.post.plate_motion import DRIVE, POSE, SPEED
from pipeline.post.window import Window

Array = NDArray[np.float64]

_OUTLIER = 2.5  # a frame this many times the median frame's residual counts less
_AS_STATED = 1.0  # of the stated noise; a frame that misses by no more is no outlier, however well others fit
_INLIER = 0.75  # of its full weight; a frame that counts less is left out of the posterior
NOISE_PRIOR_FRAMES = 1.0
"""The stated corner covariance is believed as much as this many frames of residuals."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A minimum: the track near it, its cost (minus twice the log posterior, constants left out), inliers (n,).

    `shared` (k,) are the errors that all frames share, in units of their sd. Inliers are the frames whose root
    mean square residual is no larger than `largest_miss`.
    """

    setting: Setting
    near: Linearised
    shared: Array
    cost: float
    inliers: NDArray[np.bool_]
    largest_miss: float

    @property
    def motion(self) -> Array:
        """(17,) parameters."""
        return self.near.motion

    @cached_property
    def relative_miss(self) -> float:
        """Root mean square miss of the inliers' corners in the image over the plate's width there."""
        return math.sqrt(self.near.relative_misses[self.inliers].mean())


def fit(
    window: Window,
    setting: Setting,
    way: int,
    start: Array,
    shared: Array | None = None,
    max_steps: int = 20,
    tolerance: float = 0.05,
) -> Fit:
    """Levenberg-Marquardt from `start` with a Huber weight for each frame, under one way to drive.

    It ends when a step promises, or made, the cost smaller by less than `tolerance`. `shared` is where the errors that
    all frames share start, 0 if not given.

    Raises:
        LinAlgError: there is no finite fit.
    """
    root, unroot = window.roots.each[way], window.roots.inverses[way]
    damping = 1e-3
    count, first_shared = SHARED if setting.shared else 0, SPEED + root.shape[1]
    if shared is None or len(shared) != count:
        shared = np.zeros(count)
    z = np.concatenate([(start[POSE] - setting.mean) / setting.sd, unroot @ start[DRIVE], shared])
    near = Linearised(_motion(z, setting, root), window, setting)
    misses = _misses(near, z[first_shared:])
    weights, variance, limit = _frame_weights(misses)
    for _ in range(max_steps):
        scale = np.sqrt(weights / variance)[:, None]
        columns = [near.slopes[..., POSE], near.slopes[..., DRIVE] @ root, near.shared]
        rows = (near.sound(np.concatenate(columns, axis=2)) * scale[..., None]).reshape(-1, len(z))
        hessian = rows.T @ rows + np.eye(len(z))
        gradient = rows.T @ (misses * scale).ravel() + z
        hessian.flat[:: len(z) + 1] *= 1.0 + damping
        step = -np.linalg.solve(hessian, gradient)
        if -gradient @ step < tolerance:
            break
        trial = Linearised(_motion(z + step, setting, root), window, setting)
        trial_misses = _misses(trial, (z + step)[first_shared:])
        gain = np.sum((misses * scale) ** 2) - np.sum((trial_misses * scale) ** 2) - (2 * z + step) @ step
        if gain > 0:
            z, near, misses, damping = z + step, trial, trial_misses, damping * 0.1
            weights, variance, limit = _frame_weights(misses)
            if gain < tolerance:
                break
        elif damping > 1e6:
            break
        else:
            damping *= 10
    weighted = misses * np.sqrt(weights / variance)[:, None]
    cost = float(np.vdot(weighted, weighted) + z @ z + misses.size * math.log(variance))
    if not math.isfinite(cost):
        raise np.linalg.LinAlgError("the corners are those of no plate")
    return Fit(setting, near, z[first_shared:], cost, weights > _INLIER, limit / _INLIER)


def _motion(z: Array, setting: Setting, root: Array) -> Array:
    return np.concatenate([setting.mean + setting.sd * z[:SPEED], root @ z[SPEED : SPEED + root.shape[1]]])


def _misses(near: Linearised, shared: Array) -> Array:
    """(n, 8) residuals less the errors that all frames share, made smaller by those of the times."""
    residuals = near.residuals + np.matvec(near.shared, shared) if len(shared) else near.residuals
    return near.sound(residuals[..., None])[..., 0]


def _frame_weights(residuals: Array) -> tuple[Array, float, float]:
    """Huber weight of each frame (n,), the noise variance of the weighted residuals, and what counts fully."""
    squares = np.vecdot(residuals, residuals)
    sizes = np.sqrt(squares / 8)
    limit = max(_OUTLIER * np.sort(sizes)[len(sizes) // 2], _AS_STATED)
    weights = np.minimum(1.0, limit / np.maximum(sizes, 1e-12))
    prior_count = 8 * NOISE_PRIOR_FRAMES
    variance = (prior_count + weights @ squares) / (prior_count + 8 * weights.sum())
    return weights, float(variance), float(limit)
