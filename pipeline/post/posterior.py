"""What a track says about some quantities once it was fitted, as a mixture of Gaussians.

For every probable correlation of the noise and every way to drive, the problem, linearised at the fit, is solved by
generalised least squares and its marginal likelihood computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.post import drives
from pipeline.post.fit import NOISE_PRIOR_FRAMES, Fit, Window
from pipeline.post.noise import DRIVES, LAST, log_det_of, noise_variance, normal_equations
from pipeline.post.plate_motion import DRIVE, HEADING, POSE, SLOPE, SPEED, TILT, YAW

Array = NDArray[np.float64]

_VAGUE_SPEED = (
    0.3  # m/s; a speed with a larger sd, were it constant, is no reason to believe that a vehicle stands
)
_NOT_BELIEVED = 50.0


@dataclass(frozen=True, eq=False)
class Functionals:
    """q quantities near a motion: their values there (q,), and derivatives by pose (q, 9) and by drive (q, 8)."""

    values: Array
    by_pose: Array
    by_drive: Array


@dataclass(frozen=True, eq=False)
class Mixture:
    """m Gaussians: logarithms of their weights (m,), not normalised, means (m, q), covariances (m, q, q)."""

    log_weights: Array
    means: Array
    covariances: Array


@dataclass(frozen=True, eq=False)
class Posterior:
    """A fit's mixture over correlations and ways to drive; the motion (17,) and the way of its largest component."""

    mixture: Mixture
    motion: Array
    way: int
    noise_scale: float


@dataclass(frozen=True, eq=False)
class _Reduced:
    """The drive's normal equations (g, 8, 8), (g, 8), (g,), and the pose given the drive.

    The pose is normal with `covariance` (g, p, p) about -shift - by_drive @ (change of the drive).
    """

    gram: Array
    pull: Array
    cost: Array
    covariance: Array
    by_drive: Array
    shift: Array


def posterior(fit: Fit, window: Window, functionals: Functionals) -> Posterior:
    """Linearise at the fit, weigh every correlation and every way to drive."""
    normal = normal_equations(fit, window)
    variance = noise_variance(normal, window.roots[0][drives.VARYING])
    pose_count = normal.grams.shape[1] - DRIVES - LAST
    z0 = np.zeros(pose_count)
    z0[:SPEED] = (fit.motion[POSE] - fit.setting.mean) / fit.setting.sd
    pose = _without_pose(normal.grams / variance[:, None, None], z0, fit.setting.sd)
    log_weights, change, drive_covariance = _ways(pose, fit.motion[DRIVE], window.roots[0])
    prior_count = 8 * NOISE_PRIOR_FRAMES
    log_noise = (8 * normal.frames + prior_count) * np.log(variance) + prior_count / variance
    log_weights -= 0.5 * (log_noise + normal.log_det)[:, None]

    outputs = np.zeros((len(functionals.values), pose_count))
    outputs[:, :SPEED] = functionals.by_pose * fit.setting.sd
    direct = functionals.by_drive - outputs @ pose.by_drive
    means = functionals.values - (pose.shift @ outputs.T)[:, None] + change @ direct.swapaxes(1, 2)
    covariances = direct[:, None] @ drive_covariance @ direct[:, None].swapaxes(2, 3)
    covariances += (outputs @ pose.covariance @ outputs.T)[:, None]
    best, way = np.unravel_index(int(np.argmax(log_weights)), log_weights.shape)
    pose_change = -(pose.shift[best] + pose.by_drive[best] @ change[best, way])[:SPEED] * fit.setting.sd
    motion = fit.motion + np.concatenate([pose_change, change[best, way]])
    count = len(functionals.values)
    mixture = Mixture(log_weights.ravel(), means.reshape(-1, count), covariances.reshape(-1, count, count))
    return Posterior(mixture, motion, int(way), float(np.sqrt(variance[best])))


def _without_pose(grams: Array, z0: Array, sd: Array) -> _Reduced:
    """Eliminate pose and lens, whose priors are unit Gaussians centred at -z0 from the fit; `sd` (9,) is their unit."""
    pose, drive = slice(0, len(z0)), slice(len(z0), len(z0) + DRIVES)
    precision = grams[:, pose, pose] + np.eye(len(z0))
    covariance = np.asarray(np.linalg.inv(precision), dtype=np.float64)
    grams = _with_expected_residuals(grams, covariance, sd)
    pull = grams[:, pose, -1] + z0
    by_drive = covariance @ grams[:, pose, drive]
    shift = (covariance @ pull[..., None])[..., 0]
    left = grams[:, drive, drive] - grams[:, drive, pose] @ by_drive
    left_pull = grams[:, drive, -1] - (grams[:, drive, pose] @ shift[..., None])[..., 0]
    left_cost = grams[:, -1, -1] + z0 @ z0 - np.sum(pull * shift, axis=1) + log_det_of(precision)
    return _Reduced(left, left_pull, left_cost, covariance, by_drive, shift)


def _with_expected_residuals(grams: Array, covariance: Array, sd: Array) -> Array:
    """Gram matrices whose last column is the residual's mean over the uncertainty of the angles.

    A plate that is turned either way looks narrower. With the angles uncertain, the residual at their most probable
    values is not its mean, and the fit would have the plate too far away (Box 1971): half the second derivatives
    times the angles' variances are added.
    """
    angles = np.zeros((3, covariance.shape[1]))
    angles[0, [HEADING, YAW]], angles[1, [SLOPE, TILT]], angles[2, HEADING] = 1.0, 1.0, 1.0
    angles[:, :SPEED] *= sd
    variances = np.sum(angles @ covariance * angles, axis=2)
    change = np.zeros((len(grams), grams.shape[1], grams.shape[1] - 3))
    change[:, :-LAST, :-1] = np.eye(grams.shape[1] - LAST)
    change[:, -LAST:-1, -1] = 0.5 * variances
    change[:, -1, -1] = 1.0
    return np.asarray(change.swapaxes(1, 2) @ grams @ change)


def _ways(reduced: _Reduced, drive0: Array, roots: Array) -> tuple[Array, Array, Array]:
    """The drive alone, for g correlations and w ways.

    Returns:
        Log weights (g, w), changes of the drive (g, w, 8), its covariances (g, w, 8, 8).
    """
    gram, pull, flat = reduced.gram, reduced.pull, roots.swapaxes(1, 2)
    hessian = flat @ gram[:, None] @ roots + np.eye(roots.shape[2])
    moved = pull - gram @ drive0
    gradient = (flat @ moved[:, None, :, None])[..., 0]
    inverse = np.linalg.inv(hessian)
    z = -(inverse @ gradient[..., None])[..., 0]
    start_cost = reduced.cost - 2 * pull @ drive0 + np.einsum("i,gij,j->g", drive0, gram, drive0)
    costs = start_cost[:, None] + np.sum(gradient * z, axis=2)
    log_weights = drives.LOG_PROBABILITIES - 0.5 * (costs + log_det_of(hessian))
    change = (roots @ z[..., None])[..., 0] - drive0
    covariance = roots @ inverse @ flat
    vague = covariance[:, drives.STEADY, 0, 0] > _VAGUE_SPEED**2
    log_weights[np.ix_(vague, drives.STANDS)] -= _NOT_BELIEVED
    return log_weights, change, covariance
