"""The fit of one motion to one track: robust least squares, then the size and correlation of the noise.

Parameters are handled in units of their prior standard deviation, so that every prior is a unit Gaussian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.post.plate_motion import COUNT, predict
from pipeline.post.track_data import TrackData

Array = NDArray[np.float64]

_MAX_STEPS = 20
_CONVERGED = 0.01  # of the cost; one more step follows in `fit_noise`
_OUTLIER = 2.5  # a frame this many times the median frame's residual counts less
_NOISE_PRIOR_FRAMES = 1.0  # the stated corner covariance is believed as much as this many frames of residuals
_VARIANCE_ROUNDS = 5
_CORRELATIONS: Array = np.array([0.0, 0.3, 0.55, 0.75, 0.88, 0.95])  # between neighbouring frames


@dataclass(frozen=True, eq=False)
class Prior:
    """Independent Gaussians: mean (16,) and sd (16,) of the parameters; sd 0 holds a parameter fixed."""

    mean: Array
    sd: Array


@dataclass(frozen=True, eq=False)
class Setting:
    """What is given for a fit: plate width, rotation (3, 3) from reference axes to the camera, prior."""

    width_m: float
    axes: Array
    prior: Prior


@dataclass(frozen=True, eq=False)
class TrackFit:
    """A fitted motion.

    Attributes:
        motion: (16,) parameters.
        covariance: (16, 16); rows of fixed parameters are 0.
        log_evidence: logarithm of the probability of the track under this setting, for comparing settings.
        noise_scale: corner noise as a multiple of the stated standard deviations.
        setting: what was given.
    """

    motion: Array
    covariance: Array
    log_evidence: float
    noise_scale: float
    setting: Setting


def whitened(motion: Array, data: TrackData, setting: Setting) -> tuple[Array, Array]:
    """Residuals (n, 8), predicted less observed in units of stated noise, and derivatives (n, 8, free)."""
    free = setting.prior.sd > 0
    rays, jacobian = predict(motion, data.times_s, setting.width_m, setting.axes)
    residuals = (data.whiteners @ (rays - data.rays)[..., None]).reshape(len(rays), 8)
    slopes = data.whiteners @ (jacobian[..., free] * setting.prior.sd[free])
    return residuals, slopes.reshape(len(rays), 8, -1)


def robust_minimum(data: TrackData, setting: Setting, start: Array) -> tuple[Array, float, NDArray[np.bool_]]:
    """Levenberg-Marquardt from `start` with a Huber weight for each frame.

    Returns:
        motion: (16,) parameters at the minimum.
        cost: minus twice the log posterior there, constants left out.
        inliers: (n,) frames whose residual is not out of line with the others'.
    """
    prior, free = setting.prior, setting.prior.sd > 0
    motion, damping = np.where(free, start, prior.mean), 1e-3
    residuals, slopes = whitened(motion, data, setting)
    for _ in range(_MAX_STEPS):
        weights, variance = _frame_weights(residuals)
        scale = np.sqrt(weights / variance)
        rows, misses = (
            (slopes * scale[:, None, None]).reshape(-1, slopes.shape[2]),
            (residuals * scale[:, None]),
        )
        z = (motion - prior.mean)[free] / prior.sd[free]
        hessian = rows.T @ rows + np.eye(len(z))
        gradient = rows.T @ misses.ravel() + z
        cost = float(np.sum(misses**2) + z @ z)
        step = -np.linalg.solve(hessian + damping * np.diag(hessian.diagonal()), gradient)
        trial = motion.copy()
        trial[free] += step * prior.sd[free]
        trial_residuals, trial_slopes = whitened(trial, data, setting)
        trial_cost = np.sum((trial_residuals * scale[:, None]) ** 2) + np.sum((z + step) ** 2)
        if trial_cost < cost:
            motion, residuals, slopes, damping = trial, trial_residuals, trial_slopes, damping * 0.1
            if cost - trial_cost < _CONVERGED:
                break
        elif damping > 1e6:
            break
        else:
            damping *= 10
    weights, variance = _frame_weights(residuals)
    return motion, cost + residuals.size * float(np.log(variance)), weights > 0.5


def fit_noise(motion: Array, data: TrackData, setting: Setting) -> TrackFit:
    """The last Gauss-Newton step, with noise of unknown size and of unknown correlation from frame to frame.

    Corner noise is taken as a first-order autoregressive series in time, each coordinate on its own. For
    every correlation of a grid the linearised problem is solved by generalised least squares and its
    marginal likelihood computed; the answers are averaged with the likelihoods as weights, so that a short
    track, which cannot tell the correlation, gets the wider interval that this implies.
    """
    prior, free = setting.prior, setting.prior.sd > 0
    residuals, slopes = whitened(motion, data, setting)
    z = (motion - prior.mean)[free] / prior.sd[free]
    steps, covariances, variances, evidence = _solutions(*_decorrelated(residuals, slopes, data.times_s), z)
    weights = np.exp(evidence - evidence.max())
    log_evidence = float(evidence.max() + np.log(np.mean(weights)))
    weights /= weights.sum()
    step = weights @ steps
    covariance = np.tensordot(weights, covariances, 1) + ((steps - step).T * weights) @ (steps - step)
    full = np.zeros((COUNT, COUNT))
    full[np.ix_(free, free)] = covariance * np.outer(prior.sd[free], prior.sd[free])
    refined = motion.copy()
    refined[free] += step * prior.sd[free]
    return TrackFit(refined, full, log_evidence, float(np.sqrt(weights @ variances)), setting)


def _frame_weights(residuals: Array) -> tuple[Array, float]:
    """Huber weight of each frame (n,), and the noise variance of the weighted residuals."""
    sizes = np.sqrt(np.mean(residuals**2, axis=1))
    limit = _OUTLIER * np.sort(sizes)[len(sizes) // 2]
    weights = np.minimum(1.0, limit / np.maximum(sizes, 1e-12))
    prior_count = 8 * _NOISE_PRIOR_FRAMES
    total = prior_count + np.sum(weights[:, None] * residuals**2)
    return weights, float(total / (prior_count + 8 * np.sum(weights)))


def _decorrelated(residuals: Array, slopes: Array, times_s: Array) -> tuple[Array, Array, Array]:
    """Residuals (g, 8n) and slopes (g, 8n, p) freed of each of the g correlations of the grid.

    A correlation holds over the median time step and decays exponentially with time. Also returned is the
    (g,) logarithm of the determinant of its matrix.
    """
    steps = np.diff(times_s)
    carry = _CORRELATIONS[:, None] ** (steps / np.median(steps) if len(steps) else steps)
    scale = 1.0 / np.sqrt(1.0 - carry**2)
    rows = np.concatenate([residuals[..., None], slopes], axis=2).reshape(len(residuals), -1)
    fresh = np.repeat(rows[None], len(carry), axis=0)
    fresh[:, 1:] = (rows[1:] - carry[..., None] * rows[:-1]) * scale[..., None]
    fresh = fresh.reshape(len(carry), residuals.size, -1)
    return fresh[..., 0], fresh[..., 1:], -16.0 * np.sum(np.log(scale), axis=1)


def _solutions(
    residuals: Array, slopes: Array, log_det: Array, z: Array
) -> tuple[Array, Array, Array, Array]:
    """g linear problems with unit priors, centred at -z, and unknown noise variance.

    Returns:
        Steps (g, p), covariances (g, p, p), noise variances (g,) that maximise the marginal likelihood, and
        the logarithms (g,) of that likelihood, constants left out.
    """
    transposed = slopes.swapaxes(1, 2)
    eigenvalues, vectors = np.linalg.eigh(transposed @ slopes)
    turned_back = vectors.swapaxes(1, 2)
    pulls = (turned_back @ (transposed @ residuals[..., None]))[..., 0]
    z_turned, total = turned_back @ z, np.sum(residuals**2, axis=1)
    count, prior_count = residuals.shape[1], 8 * _NOISE_PRIOR_FRAMES
    variance = np.ones(len(residuals))
    for _ in range(_VARIANCE_ROUNDS):
        precision = eigenvalues / variance[:, None] + 1.0
        turned = -(pulls / variance[:, None] + z_turned) / precision
        left = prior_count + total + np.sum((2 * pulls + eigenvalues * turned) * turned, axis=1)
        variance = left / (prior_count + count - np.sum(1.0 - 1.0 / precision, axis=1))
    log_likelihood = -0.5 * (
        (count + prior_count) * np.log(variance)
        + left / variance
        + log_det
        + np.sum(np.log(precision) + (z_turned + turned) ** 2, axis=1)
    )
    steps = (vectors @ turned[..., None])[..., 0]
    return steps, (vectors / precision[:, None, :]) @ turned_back, variance, log_likelihood
