"""The fit of one motion to one track: robust least squares on the corners, with priors.

The parameters of the pose are handled in units of their prior standard deviation and those of the drive through the
root of its prior, so that every prior is a unit Gaussian.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.post import drives
from pipeline.post.plate_motion import (
    COUNT,
    DRIVE,
    POSE,
    SPEED,
    PlateAt,
    speed_at,
    stretch_ages_s,
)
from pipeline.post.track_data import TrackData

Array = NDArray[np.float64]

_OUTLIER = 2.5  # a frame this many times the median frame's residual counts less
_INLIER = 0.75  # of its full weight; a frame that counts less is left out of the posterior
NOISE_PRIOR_FRAMES = 1.0
"""The stated corner covariance is believed as much as this many frames of residuals."""


@dataclass(frozen=True, eq=False)
class Window:
    """A track with times that count from its newest frame, and what may have happened in it."""

    data: TrackData

    @cached_property
    def times_s(self) -> Array:
        """(n,), at most 0."""
        return self.data.times_s - self.data.times_s[-1]

    @cached_property
    def corner_times_s(self) -> Array:
        """(n, 4), when each corner was captured."""
        return self.times_s[:, None] + self.data.row_delays_s

    @cached_property
    def ages_s(self) -> Array:
        """Bounds of the stretches of acceleration."""
        return stretch_ages_s(-float(self.times_s[0]))

    @cached_property
    def roots(self) -> tuple[Array, Array]:
        """(ways, 8, 8) of the ways to drive, and their inverses."""
        return drives.roots(self.ages_s)


@dataclass(frozen=True, eq=False)
class Setting:
    """What is given for a fit: plate width, rotation (3, 3) from reference axes to the camera, prior of the pose.

    `mean` and `sd` (9,) are independent Gaussians.
    """

    width_m: float
    axes: Array
    mean: Array
    sd: Array


class Linearised:
    """The track near a motion, in units of the stated corner noise.

    Attributes:
        motion: (17,).
        residuals: (n, 8), predicted less observed.
        slopes: (n, 8, 17), by the pose in units of its prior sd and by the drive.
    """

    def __init__(self, motion: Array, window: Window, setting: Setting) -> None:
        """Residuals of the track at a motion, and their derivatives."""
        data, whiteners = window.data, window.data.whiteners
        self.motion, self._window, self._shape = motion, window, (len(data), 8)
        plate = PlateAt(motion, window.corner_times_s, window.ages_s, setting.width_m, setting.axes)
        inverse_depth = 1.0 / plate.points[..., 2]
        rays = plate.points[..., :2] * inverse_depth[..., None]
        self.residuals: Array = (whiteners @ (rays - data.rays)[..., None]).reshape(self._shape)
        by_point = np.empty((len(data), 4, 2, 3))
        np.multiply(whiteners, inverse_depth[..., None, None], out=by_point[..., :2])
        by_point[..., 2] = -(by_point[..., :2] @ rays[..., None])[..., 0]
        slopes, self._by_way = plate.derivatives(by_point)
        slopes[..., POSE] *= setting.sd
        self.slopes: Array = slopes.reshape(*self._shape, COUNT)
        self._plate, self._by_point = plate, by_point

    @cached_property
    def by_time(self) -> Array:
        """(n, 8), derivatives by each frame's time, per second."""
        speeds = speed_at(self.motion, self._window.times_s, self._window.ages_s)
        return self._by_way.reshape(self._shape) * speeds[:, None]

    @cached_property
    def sound_residuals(self) -> Array:
        """(n, 8), residuals made smaller where an error of the frame's time is as good an explanation.

        With a time error of sd s a frame's residuals have covariance 1 + s^2 d d', d being `by_time`; they are
        multiplied by the inverse root of that.
        """
        moves, pulls = self._time_errors
        return self.residuals - (pulls * (moves[:, None] @ self.residuals[..., None]))[..., 0]

    @cached_property
    def sound_slopes(self) -> Array:
        """(n, 8, 17), slopes multiplied by the same."""
        moves, pulls = self._time_errors
        return self.slopes - pulls * (moves[:, None] @ self.slopes)

    @cached_property
    def _time_errors(self) -> tuple[Array, Array]:
        moves = self.by_time * self._window.data.time_sd_s[:, None]
        squares = np.sum(moves**2, axis=1)
        shares = (1.0 - 1.0 / np.sqrt(1.0 + squares)) / np.maximum(squares, 1e-12)
        return moves, (moves * shares[:, None])[..., None]

    @cached_property
    def curvatures(self) -> Array:
        """(n, 8, 3), second derivatives by azimuth and elevation of the plate and by the line of travel."""
        return self._plate.curvatures(self._by_point).reshape(*self._shape, 3)


@dataclass(frozen=True, eq=False)
class Fit:
    """A minimum: the track near it, its cost (minus twice the log posterior, constants left out), inliers (n,)."""

    setting: Setting
    near: Linearised
    cost: float
    inliers: NDArray[np.bool_]

    @property
    def motion(self) -> Array:
        """(17,) parameters."""
        return self.near.motion


def fit(
    window: Window,
    setting: Setting,
    way: int,
    start: Array,
    max_steps: int = 20,
    tolerance: float = 0.05,
) -> Fit:
    """Levenberg-Marquardt from `start` with a Huber weight for each frame, under one way to drive.

    It ends when a step promises, or made, the cost smaller by less than `tolerance`.
    """
    root, unroot = (item[way] for item in window.roots)
    damping = 1e-3
    z = np.concatenate([(start[POSE] - setting.mean) / setting.sd, unroot @ start[DRIVE]])
    near = Linearised(_motion(z, setting, root), window, setting)
    for _ in range(max_steps):
        weights, variance = _frame_weights(near.sound_residuals)
        scale = np.sqrt(weights / variance)[:, None]
        rows = (near.sound_slopes * scale[..., None]).reshape(-1, COUNT)
        rows = np.concatenate([rows[:, POSE], rows[:, DRIVE] @ root], axis=1)
        misses = near.sound_residuals * scale
        hessian = rows.T @ rows
        hessian.flat[:: COUNT + 1] += 1.0
        gradient = rows.T @ misses.ravel() + z
        hessian.flat[:: COUNT + 1] *= 1.0 + damping
        step = -np.linalg.solve(hessian, gradient)
        if -gradient @ step < tolerance:
            break
        trial = Linearised(_motion(z + step, setting, root), window, setting)
        trial_misses = trial.sound_residuals * scale
        gain = np.sum(misses**2) - np.sum(trial_misses**2) - (2 * z + step) @ step
        if gain > 0:
            z, near, damping = z + step, trial, damping * 0.1
            if gain < tolerance:
                break
        elif damping > 1e6:
            break
        else:
            damping *= 10
    weights, variance = _frame_weights(near.sound_residuals)
    misses = near.sound_residuals * np.sqrt(weights / variance)[:, None]
    cost = float(np.sum(misses**2) + z @ z + misses.size * np.log(variance))
    return Fit(setting, near, cost, weights > _INLIER)


def _motion(z: Array, setting: Setting, root: Array) -> Array:
    return np.concatenate([setting.mean + setting.sd * z[:SPEED], root @ z[SPEED:]])


def _frame_weights(residuals: Array) -> tuple[Array, float]:
    """Huber weight of each frame (n,), and the noise variance of the weighted residuals."""
    sizes = np.sqrt(np.mean(residuals**2, axis=1))
    limit = _OUTLIER * np.sort(sizes)[len(sizes) // 2]
    weights = np.minimum(1.0, limit / np.maximum(sizes, 1e-12))
    prior_count = 8 * NOISE_PRIOR_FRAMES
    total = prior_count + np.sum(weights[:, None] * residuals**2)
    return weights, float(total / (prior_count + 8 * np.sum(weights)))
