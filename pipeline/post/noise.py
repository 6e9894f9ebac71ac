"""The normal equations of a fitted track under noise that is correlated from frame to frame.

Corner noise is a first-order autoregressive series in time, each coordinate on its own, of unknown size and unknown
correlation between neighbouring frames. Each frame's time is off by an unknown amount of known standard deviation,
and the lens by the camera file's uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.post.fit import NOISE_PRIOR_FRAMES, Fit, Window
from pipeline.post.plate_motion import DRIVE, POSE, SPEED

Array = NDArray[np.float64]

DRIVES = DRIVE.stop - DRIVE.start
LAST = 4
"""Columns of curvature and residual."""

_CORRELATIONS: Array = np.array([0.0, 0.3, 0.55, 0.75, 0.88, 0.95])  # between neighbouring frames
_IMPROBABLE = 16.0  # twice the log odds against the best correlation at which one is left out
_LONGEST_LINK = 3.0  # median time steps; the noise of frames further apart is independent
_LEAST_JITTER = 0.1  # of the corner noise; less is left out
_RIDGE = 1e-3


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """Normal equations for each of g correlations, columns pose and lens, drive, curvature, residual.

    `log_det` (g,) are the logarithms of the determinants of the noise's correlation.
    """

    grams: Array
    log_det: Array
    frames: int


def normal_equations(fit: Fit, window: Window) -> NormalEquations:
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
    return NormalEquations(grams, log_det, len(residuals))


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
    return removed, log_det_of(matrix)


def noise_variance(normal: NormalEquations, root: Array) -> Array:
    """(g,) noise variance for each correlation: what the freest drive leaves, over its degrees of freedom."""
    drive = normal.grams.shape[1] - DRIVES - LAST
    keep = [*range(SPEED), *range(drive, drive + DRIVES), normal.grams.shape[1] - 1]
    scale = np.eye(len(keep))
    scale[SPEED:-1, SPEED:-1] = root
    grams = scale.T @ normal.grams[:, keep][:, :, keep] @ scale
    slopes, pulls = grams[:, :-1, :-1], grams[:, :-1, -1]
    inverse = np.linalg.inv(slopes + _RIDGE * np.eye(len(keep) - 1))
    left = grams[:, -1, -1] - np.sum(pulls * (inverse @ pulls[..., None])[..., 0], axis=1)
    freedom = 8 * normal.frames - (len(keep) - 1 - _RIDGE * np.trace(inverse, axis1=1, axis2=2))
    prior_count = 8 * NOISE_PRIOR_FRAMES
    return np.asarray((prior_count + np.maximum(left, 0)) / (prior_count + np.maximum(freedom, 0)))


def log_det_of(matrices: Array) -> Array:
    """Logarithms of the determinants of positive definite matrices (..., k, k)."""
    return np.asarray(np.linalg.slogdet(matrices)[1])
