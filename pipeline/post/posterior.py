"""What a track says about some quantities once it was fitted, as a mixture of Gaussians.

For every probable correlation of the noise and every way to drive, the problem, linearised at the fit, is solved by
generalised least squares and its marginal likelihood computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.post import drives
from pipeline.post.fit import NOISE_PRIOR_FRAMES, Fit
from pipeline.post.noise import DRIVE_COLUMNS, LAST_COLUMNS, log_det_of, noise_variance, normal_equations
from pipeline.post.plate_motion import DRIVE, HEADING, POSE, SLOPE, SPEED, TILT, YAW
from pipeline.post.window import Window

Array = NDArray[np.float64]

_VAGUE_SD_MPS = 0.3
"""A speed with a larger sd, were it constant, is no reason to believe that a vehicle stands."""
_NOT_BELIEVED = 50.0
_IDENTITY: Array = np.eye(64)

_ANGLES: Array = np.zeros((LAST_COLUMNS - 1, SPEED))  # what the curvatures are by, from the pose
_ANGLES[0, [HEADING, YAW]], _ANGLES[1, [SLOPE, TILT]], _ANGLES[2, HEADING] = 1.0, 1.0, 1.0


@dataclass(frozen=True, eq=False)
class Functionals:
    """q quantities near a motion: their values there (q,), and derivatives by pose (q, 9) and by drive (q, 8)."""

    values: Array
    by_pose: Array
    by_drive: Array


@dataclass(frozen=True, eq=False)
class Mixture:
    """m Gaussians: logarithms of their weights (m,), not normalised, means and variances (m, q)."""

    log_weights: Array
    means: Array
    variances: Array


@dataclass(frozen=True, eq=False)
class Posterior:
    """A fit's mixture over correlations and ways to drive.

    Motion (17,), shared errors (k,) in units of their sd, way and scale of the noise are those of the largest
    component; `scatter` is that of the normal equations.
    """

    mixture: Mixture
    motion: Array
    shared: Array
    way: int
    noise_scale: float
    scatter: float


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


@dataclass(frozen=True, eq=False)
class _Ways:
    """The drive alone, for g correlations and w ways: log weights (g, w), and how it changes from the fit (g, w, 8).

    Means and variances (g, w, q) are those of the quantities, as far as they depend on the drive.
    """

    log_weights: Array
    change: Array
    means: Array
    variances: Array


def posterior(fit: Fit, window: Window, functionals: Functionals) -> Posterior:
    """Linearise at the fit, weigh every correlation and every way to drive."""
    normal, unroot = normal_equations(fit, window), window.roots.inverses[drives.VARYING]
    variance = noise_variance(normal, unroot.T @ unroot)
    pose_count = normal.grams.shape[1] - DRIVE_COLUMNS - LAST_COLUMNS
    z0 = np.zeros(pose_count)
    z0[:SPEED] = (fit.motion[POSE] - fit.setting.mean) / fit.setting.sd
    pose = _without_pose(normal.grams / variance[:, None, None], z0, fit.setting.sd)
    outputs = np.zeros((len(functionals.values), pose_count))
    outputs[:, :SPEED] = functionals.by_pose * fit.setting.sd
    direct = functionals.by_drive - outputs @ pose.by_drive
    ways = _ways(pose, fit.motion[DRIVE], window.roots, direct)
    prior_count = 8 * NOISE_PRIOR_FRAMES
    log_noise = (8 * normal.frames + prior_count) * np.log(variance) + prior_count / variance
    log_weights = ways.log_weights - 0.5 * (log_noise + normal.log_det)[:, None]
    means = ways.means + (functionals.values - pose.shift @ outputs.T)[:, None]
    variances = ways.variances + np.vecdot(outputs @ pose.covariance, outputs)[:, None]

    best, way = divmod(int(log_weights.argmax()), log_weights.shape[1])
    change = ways.change[best, way]
    still_change = -(pose.shift[best] + pose.by_drive[best] @ change)
    motion = fit.motion + np.concatenate([still_change[:SPEED] * fit.setting.sd, change])
    count = len(functionals.values)
    mixture = Mixture(log_weights.ravel(), means.reshape(-1, count), variances.reshape(-1, count))
    shared = still_change[pose_count - normal.shared :]
    noise_scale = float(np.sqrt(variance[best]))
    return Posterior(mixture, motion, shared, way, noise_scale, normal.scatter)


def _without_pose(grams: Array, z0: Array, sd: Array) -> _Reduced:
    """Eliminate pose, lens and shared errors, whose priors are unit Gaussians centred at -z0 from the fit.

    `sd` (9,) is the unit of the pose.
    """
    pose, drive = slice(0, len(z0)), slice(len(z0), len(z0) + DRIVE_COLUMNS)
    precision = grams[:, pose, pose] + _IDENTITY[pose, pose]
    covariance = np.asarray(np.linalg.inv(precision), dtype=np.float64)
    pull, cost = _expected_residuals(grams, covariance, sd)
    pose_pull, by_drive = pull[:, pose] + z0, covariance @ grams[:, pose, drive]
    shift = np.matvec(covariance, pose_pull)
    left = grams[:, drive, drive] - grams[:, drive, pose] @ by_drive
    left_pull = pull[:, drive] - np.matvec(grams[:, drive, pose], shift)
    left_cost = cost + z0 @ z0 - np.vecdot(pose_pull, shift) + log_det_of(precision)
    return _Reduced(left, left_pull, left_cost, covariance, by_drive, shift)


def _expected_residuals(grams: Array, covariance: Array, sd: Array) -> tuple[Array, Array]:
    """Products of all columns (g, k) and square (g,) of the residuals' mean over the uncertainty of the angles.

    A plate that is turned either way looks narrower. With the angles uncertain, the residual at their most probable
    values is not its mean, and the fit would have the plate too far away (Box 1971): half the second derivatives
    times the angles' variances are added.
    """
    angles = _ANGLES * sd
    weights = np.ones((len(grams), LAST_COLUMNS))
    weights[:, :-1] = 0.5 * np.vecdot(angles @ covariance[:, :SPEED, :SPEED], angles)
    products = np.matvec(grams[:, :, -LAST_COLUMNS:], weights)
    return products, np.vecdot(products[:, -LAST_COLUMNS:], weights)


def _ways(reduced: _Reduced, drive0: Array, roots: drives.Roots, direct: Array) -> _Ways:
    """Solve for the drive under every way; `direct` (g, q, 8) are derivatives of the quantities by the drive."""
    moved = reduced.pull - np.matvec(reduced.gram, drive0)
    start_cost = reduced.cost - (reduced.pull + moved) @ drive0
    parts = zip(*(_solved(reduced.gram, moved, root, direct) for root in roots.groups), strict=True)
    gains, change, means, variances = (np.concatenate(part, axis=1) for part in parts)
    log_weights = drives.LOG_PROBABILITIES + 0.5 * (gains - start_cost[:, None])
    vague = reduced.gram[:, 0, 0] < _VAGUE_SD_MPS**-2
    log_weights -= _NOT_BELIEVED * (vague[:, None] & drives.STANDS)
    return _Ways(log_weights, change - drive0, means - (direct @ drive0)[:, None], variances)


def _solved(gram: Array, pull: Array, roots: Array, direct: Array) -> tuple[Array, Array, Array, Array]:
    """Drives of the ways with these roots (w, 8, r), from normal equations (g, 8, 8) and (g, 8) at the drive 0.

    Returns:
        Twice the logarithm of the evidence against drive 0 (g, w), drives (g, w, 8), means and variances (g, w, q) of
        the quantities.
    """
    flat = roots.swapaxes(1, 2)
    hessian = flat @ gram[:, None] @ roots + _IDENTITY[: roots.shape[2], : roots.shape[2]]
    asked = np.concatenate([pull[:, None], direct], axis=1)[:, None] @ roots
    answers = np.linalg.solve(hessian, asked.swapaxes(2, 3))
    squares = np.einsum("gwqr,gwrq->gwq", asked, answers)
    z = -answers[..., 0]
    gains = squares[..., 0] - log_det_of(hessian)
    return gains, np.matvec(roots, z), np.matvec(asked[:, :, 1:], z), squares[..., 1:]
