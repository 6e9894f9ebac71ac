"""What a track says about some quantities once it was fitted, as a mixture of Gaussians.

Corner noise is a first-order autoregressive series in time, each coordinate on its own, of unknown size and unknown
correlation between neighbouring frames. Each frame's time is off by an unknown amount of known standard deviation.
The lens is off by the camera file's uncertainty. For every correlation of a grid and every way to drive, the
linearised problem is solved by generalised least squares and its marginal likelihood computed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.post import drives
from pipeline.post.fit import NOISE_PRIOR_FRAMES, Fit, Window
from pipeline.post.plate_motion import DRIVE, HEADING, POSE, SLOPE, SPEED, TILT, YAW

Array = NDArray[np.float64]

_CORRELATIONS: Array = np.array([0.0, 0.3, 0.55, 0.75, 0.88, 0.95])  # between neighbouring frames
_LONGEST_LINK = 3.0  # median time steps; the noise of frames further apart is independent
_LEAST_JITTER = 0.1  # of the corner noise; less is left out
_RIDGE = 1e-3
_VAGUE_SPEED = (
    0.3  # m/s; a speed with a larger sd, were it constant, is no reason to believe that a vehicle stands
)
_NOT_BELIEVED = 50.0
_IMPROBABLE = 16.0  # twice the log odds against the best correlation at which one is left out
_DRIVES = DRIVE.stop - DRIVE.start
_LAST = 4  # columns of curvature and residual


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
class _Normal:
    """Normal equations for each of g correlations, columns pose and lens, drive, curvature, residual.

    `log_det` (g,) are the logarithms of the determinants of the noise's correlation.
    """

    grams: Array
    log_det: Array
    frames: int


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
    normal = _normal_equations(fit, window)
    variance = _noise_variance(normal, window.roots[0][drives.VARYING])
    pose_count = normal.grams.shape[1] - _DRIVES - _LAST
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
    pose, drive = slice(0, len(z0)), slice(len(z0), len(z0) + _DRIVES)
    precision = grams[:, pose, pose] + np.eye(len(z0))
    covariance = np.asarray(np.linalg.inv(precision), dtype=np.float64)
    grams = _with_expected_residuals(grams, covariance, sd)
    pull = grams[:, pose, -1] + z0
    by_drive = covariance @ grams[:, pose, drive]
    shift = (covariance @ pull[..., None])[..., 0]
    left = grams[:, drive, drive] - grams[:, drive, pose] @ by_drive
    left_pull = grams[:, drive, -1] - (grams[:, drive, pose] @ shift[..., None])[..., 0]
    left_cost = grams[:, -1, -1] + z0 @ z0 - np.sum(pull * shift, axis=1) + _log_det(precision)
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
    change[:, :-_LAST, :-1] = np.eye(grams.shape[1] - _LAST)
    change[:, -_LAST:-1, -1] = 0.5 * variances
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
    log_weights = drives.LOG_PROBABILITIES - 0.5 * (costs + _log_det(hessian))
    change = (roots @ z[..., None])[..., 0] - drive0
    covariance = roots @ inverse @ flat
    vague = covariance[:, drives.STEADY, 0, 0] > _VAGUE_SPEED**2
    log_weights[np.ix_(vague, drives.STANDS)] -= _NOT_BELIEVED
    return log_weights, change, covariance


def _normal_equations(fit: Fit, window: Window) -> _Normal:
    """Gram matrices of slopes and residuals, freed of each probable correlation and of the times' errors."""
    near, keep = fit.near, fit.inliers
    slopes, residuals = near.slopes[keep], near.residuals[keep]
    lens = window.data.lens_slopes[keep].reshape(len(residuals), 8, -1)
    columns = [slopes[..., POSE], -lens, slopes[..., DRIVE], near.curvatures[keep], residuals[..., None]]
    rows = np.concatenate(columns, axis=2)
    steps = np.diff(window.times_s[keep])
    linked = steps <= _LONGEST_LINK * (np.median(steps) if len(steps) else 0.0)
    jitter = near.by_time[keep] * window.data.time_sd_s[keep, None]
    correlations, variance = _probable_correlations(residuals, jitter, linked)
    grams = _grams(rows, linked, correlations)
    log_det = 8 * linked.sum() * np.log(1 - correlations**2)
    if np.max(np.sum(jitter**2, axis=1)) > _LEAST_JITTER**2:
        removed, jitter_log_det = _time_errors(rows, jitter, linked, correlations, variance)
        grams, log_det = grams - removed, log_det + jitter_log_det
    return _Normal(grams, log_det, len(residuals))


def _probable_correlations(residuals: Array, jitter: Array, linked: NDArray[np.bool_]) -> tuple[Array, Array]:
    """The correlations worth a calculation (g,), and the noise variance under each.

    Both from the residuals across the direction of the time errors.
    """
    direction = jitter / np.maximum(np.linalg.norm(jitter, axis=1, keepdims=True), 1e-12)
    across = residuals - direction * np.sum(direction * residuals, axis=1, keepdims=True)
    total = _grams(across[..., None], linked, _CORRELATIONS)[:, 0, 0]
    prior_count = 8 * NOISE_PRIOR_FRAMES
    count = prior_count + max(7 * len(residuals) - SPEED, 0)
    variance = (prior_count + total) / count
    misfit = count * np.log(variance) + 7 * linked.sum() * np.log(1 - _CORRELATIONS**2)
    keep = misfit < misfit.min() + _IMPROBABLE
    return _CORRELATIONS[keep], variance[keep]


def _grams(rows: Array, linked: NDArray[np.bool_], correlations: Array) -> Array:
    """(g, k, k) Gram matrices of rows (n, 8, k) freed of each correlation.

    Of a frame that is linked to the one before it only the news count, (row - c * row before) / sqrt(1 - c^2).
    """
    wide = rows.shape[2]
    now, before = rows[1:][linked].reshape(-1, wide), rows[:-1][linked].reshape(-1, wide)
    alone = np.concatenate([rows[:1], rows[1:][~linked]]).reshape(-1, wide)
    cross = now.T @ before
    c = correlations[:, None, None]
    news = now.T @ now - c * (cross + cross.T) + c**2 * (before.T @ before)
    return np.asarray(alone.T @ alone + news / (1 - c**2))


def _time_errors(
    rows: Array, jitter: Array, linked: NDArray[np.bool_], correlations: Array, variance: Array
) -> tuple[Array, Array]:
    """What the unknown time errors of the frames take away from the Gram matrices, and add to the log determinant.

    Each frame has one time error with the derivatives `jitter` (n, 8), in units of its sd. All are eliminated at
    once; their normal equations are tridiagonal because the noise is linked to the frame before only.
    """
    count, c, noise = len(rows), correlations[:, None], variance[:, None]
    factor = 1 / (1 - c**2)
    links = np.zeros(count + 1)
    links[1:-1] = linked
    own_weight = 1 + links[:-1] * (factor - 1) + links[1:] * c**2 * factor
    link_weight = -c * factor * links[1:-1]
    mixed = own_weight[..., None] * (jitter[:, None] @ rows)[:, 0]
    mixed[:, 1:] += link_weight[..., None] * (jitter[1:, None] @ rows[:-1])[:, 0]
    mixed[:, :-1] += link_weight[..., None] * (jitter[:-1, None] @ rows[1:])[:, 0]

    index = np.arange(count)
    matrix = np.zeros((len(c), count, count))
    matrix[:, index, index] = 1 + own_weight * np.sum(jitter**2, axis=1) / noise
    beside = link_weight * np.sum(jitter[1:] * jitter[:-1], axis=1) / noise
    matrix[:, index[1:], index[:-1]] = matrix[:, index[:-1], index[1:]] = beside
    removed = mixed.swapaxes(1, 2) @ np.linalg.solve(matrix, mixed) / noise[..., None]
    return removed, _log_det(matrix)


def _noise_variance(normal: _Normal, root: Array) -> Array:
    """(g,) noise variance for each correlation: what the freest drive leaves, over its degrees of freedom."""
    drive = normal.grams.shape[1] - _DRIVES - _LAST
    keep = [*range(SPEED), *range(drive, drive + _DRIVES), normal.grams.shape[1] - 1]
    scale = np.eye(len(keep))
    scale[SPEED:-1, SPEED:-1] = root
    grams = scale.T @ normal.grams[:, keep][:, :, keep] @ scale
    slopes, pulls = grams[:, :-1, :-1], grams[:, :-1, -1]
    inverse = np.linalg.inv(slopes + _RIDGE * np.eye(len(keep) - 1))
    left = grams[:, -1, -1] - np.sum(pulls * (inverse @ pulls[..., None])[..., 0], axis=1)
    freedom = 8 * normal.frames - (len(keep) - 1 - _RIDGE * np.trace(inverse, axis1=1, axis2=2))
    prior_count = 8 * NOISE_PRIOR_FRAMES
    return np.asarray((prior_count + np.maximum(left, 0)) / (prior_count + np.maximum(freedom, 0)))


def _log_det(matrices: Array) -> Array:
    """Logarithms of the determinants of positive definite matrices (..., k, k)."""
    return np.asarray(np.linalg.slogdet(matrices)[1])
