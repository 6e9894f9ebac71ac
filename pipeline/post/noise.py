"""The normal equations of a fitted track under noise that is correlated from frame to frame.

Corner noise is a first-order autoregressive series in time, each coordinate on its own, of unknown size and unknown
correlation between neighbouring frames. Each frame's time is off by an unknown amount of known standard deviation,
and the lens by the camera file's uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.post.fit import NOISE_PRIOR_FRAMES, Fit
from pipeline.post.plate_motion import DRIVE, POSE, SPEED
from pipeline.post.tridiagonal import eliminated
from pipeline.post.window import Window

Array = NDArray[np.float64]

DRIVE_COLUMNS = DRIVE.stop - DRIVE.start
LAST_COLUMNS = 4
"""Of curvature and residual."""

_CORRELATIONS: Array = np.array([0.0, 0.3, 0.55, 0.75, 0.88, 0.95])  # between neighbouring frames
_IMPROBABLE = 10.0  # twice the log odds against the best correlation at which one is left out
_LONGEST_LINK = 3.0  # median time steps; the noise of frames further apart is independent
_LEAST_JITTER = 0.1  # of the corner noise; less is left out
_RIDGE = 1e-3


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """Normal equations for each of g correlations, columns pose, lens and shared errors, drive, curvature, residual.

    Attributes:
        grams: (g, k, k).
        log_det: (g,), logarithms of the determinants of the noise's correlation.
        frames: how many are used.
        shared: how many errors that all frames share there are.
        scatter: root mean square of what differs from frame to frame, in units of the stated noise.
    """

    grams: Array
    log_det: Array
    frames: int
    shared: int
    scatter: float


@dataclass(frozen=True, eq=False)
class _Links:
    """The inverse of the noise's correlation from frame to frame, for each of g correlations.

    It is tridiagonal, since the noise of a frame depends on that of the frame before only: `own` (g, n) on the
    diagonal, `beside` (g, n - 1); `log_det` (g,) is the logarithm of the determinant of the correlation of one
    coordinate. `linked` (n + 1,) tells which frames depend on the one before; none does at either end.
    """

    correlations: Array
    log_det: Array
    linked: NDArray[np.bool_]
    own: Array
    beside: Array

    def __getitem__(self, keep: NDArray[np.bool_]) -> _Links:
        """Some of the correlations."""
        return _Links(
            self.correlations[keep], self.log_det[keep], self.linked, self.own[keep], self.beside[keep]
        )


def _links(times_s: Array) -> _Links:
    linked = np.zeros(len(times_s) + 1, np.bool_)
    steps = times_s[1:] - times_s[:-1]
    if len(steps):
        linked[1:-1] = steps <= _LONGEST_LINK * np.sort(steps)[len(steps) // 2]
    c = _CORRELATIONS[:, None]
    news = 1 - c**2
    own = 1 + (linked[:-1] + 0.0 + linked[1:]) * (c**2 / news)
    log_det: Array = np.count_nonzero(linked) * np.log(news[:, 0])
    return _Links(_CORRELATIONS, log_det, linked, own, -c / news * linked[1:-1])


def normal_equations(fit: Fit, window: Window) -> NormalEquations:
    """Gram matrices of slopes and residuals, freed of each probable correlation and of the times' errors."""
    near, keep = fit.near, slice(None) if fit.inliers.all() else fit.inliers  # a slice copies nothing
    pose, drive, shared = near.slopes[..., POSE], near.slopes[..., DRIVE], near.shared
    lens = window.data.lens_slopes.reshape(*near.residuals.shape, -1)
    columns = [pose, -lens, shared, drive, near.curvatures, near.residuals[..., None]]
    rows, jitter = np.concatenate(columns, axis=2)[keep], near.off_course[keep]
    residuals, squares = near.residuals[keep], np.vecdot(jitter, jitter)
    direction = jitter / np.sqrt(np.maximum(squares, 1e-24))[:, None]
    across = _across(residuals + np.matvec(shared[keep], fit.shared), direction)
    links, variance = _probable_links(across, _links(window.times_s[keep]))
    scatter = _scatter(_across(residuals, direction), near.by_shift_on_plate[keep])
    grams, log_det = _grams(rows, links), 8 * links.log_det
    if squares.max() > _LEAST_JITTER**2:
        removed, jitter_log_det = _time_errors(rows, jitter, links, variance)
        grams, log_det = grams - removed, log_det + jitter_log_det
    return NormalEquations(grams, log_det, len(rows), shared.shape[2], scatter)


def _across(residuals: Array, direction: Array) -> Array:
    """Residuals (n, 8) without what lies in the direction (n, 8) of each frame's time error, a unit vector."""
    return np.asarray(residuals - direction * np.vecdot(direction, residuals)[:, None])


def _scatter(residuals: Array, by_shift: Array) -> float:
    """Root mean square of residuals (n, 8) less those shifts of the corners on the plate that explain most of them.

    `by_shift` (n, 4, 2, 2) are derivatives of each corner's two residuals by its shift.

    A single frame does not show any scatter: 1, as is stated.
    """
    if len(residuals) < 2:
        return 1.0
    slopes = by_shift.swapaxes(0, 1).reshape(4, -1, 2)
    misses = residuals.reshape(-1, 4, 2).swapaxes(0, 1).reshape(4, -1, 1)
    turned = slopes.swapaxes(1, 2)
    left = (misses - slopes @ np.linalg.solve(turned @ slopes, turned @ misses)).ravel()
    return float(np.sqrt(left @ left / (8 * (len(residuals) - 1))))


def _probable_links(across: Array, links: _Links) -> tuple[_Links, Array]:
    """The correlations worth a calculation, and the noise variance (g,) under each."""
    beside = np.vecdot(across[1:], across[:-1])
    total = links.own @ np.vecdot(across, across) + 2 * links.beside @ beside
    prior_count = 8 * NOISE_PRIOR_FRAMES
    count = prior_count + max(7 * len(across) - SPEED, 0)
    variance = (prior_count + total) / count
    misfit = count * np.log(variance) + 7 * links.log_det
    keep = misfit < misfit.min() + _IMPROBABLE
    return links[keep], variance[keep]


def _grams(rows: Array, links: _Links) -> Array:
    """(g, k, k) Gram matrices of rows (n, 8, k) freed of each correlation.

    Of a frame that is linked to the one before it only the news count, (row - c * row before) / sqrt(1 - c^2). The
    sums over frames that this takes do not depend on c.
    """
    linked, wide = links.linked, rows.shape[2]
    every, alone = _gram(rows), _gram(rows[~linked[:-1]])
    now, before = every - alone, every - _gram(rows[~linked[1:]])
    cross = rows[1:].reshape(-1, wide).T @ (rows[:-1] * linked[1:-1, None, None]).reshape(-1, wide)
    c = links.correlations[:, None, None]
    news = now - c * (cross + cross.T) + c**2 * before
    return np.asarray(alone + news / (1 - c**2))


def _gram(rows: Array) -> Array:
    flat = rows.reshape(-1, rows.shape[2])
    return flat.T @ flat


def _time_errors(rows: Array, jitter: Array, links: _Links, variance: Array) -> tuple[Array, Array]:
    """What the unknown time errors of the frames take away from the Gram matrices, and add to the log determinant.

    Each frame has one time error with the derivatives `jitter` (n, 8), in units of its sd. All are eliminated at
    once; their normal equations are tridiagonal as the noise's inverse correlation is.
    """
    own, beside, noise = links.own[..., None], links.beside[..., None], variance[:, None]
    mixed = own * np.vecmat(jitter, rows)
    mixed[:, 1:] += beside * np.vecmat(jitter[1:], rows[:-1])
    mixed[:, :-1] += beside * np.vecmat(jitter[:-1], rows[1:])
    diagonal = 1 + links.own * np.vecdot(jitter, jitter) / noise
    off_diagonal = links.beside * np.vecdot(jitter[1:], jitter[:-1]) / noise
    pivots, rooted = eliminated(diagonal, off_diagonal, mixed)
    removed = rooted.swapaxes(1, 2) @ (rooted / (pivots * noise)[..., None])
    return removed, np.log(pivots).sum(axis=1)


def noise_variance(normal: NormalEquations, drive_precision: Array) -> Array:
    """(g,) noise variance for each correlation: what the freest drive leaves, over its degrees of freedom.

    A trace of the priors keeps what a short track does not tell from being free: that of the drive has the precision
    (8, 8) that is given, those of pose and shared errors are unit Gaussians. The lens is left out.
    """
    drive = normal.grams.shape[1] - DRIVE_COLUMNS - LAST_COLUMNS
    begin = drive - normal.shared
    keep = np.array([*range(SPEED), *range(begin, drive + DRIVE_COLUMNS)])
    prior = _RIDGE * np.eye(len(keep))
    prior[-DRIVE_COLUMNS:, -DRIVE_COLUMNS:] = _RIDGE * drive_precision
    pulls = normal.grams[:, keep, -1]
    inverse = np.linalg.inv(normal.grams[:, keep[:, None], keep] + prior)
    left = normal.grams[:, -1, -1] - np.vecdot(pulls, np.matvec(inverse, pulls))
    freedom = 8 * normal.frames - (len(keep) - (inverse * prior).sum(axis=(1, 2)))
    prior_count = 8 * NOISE_PRIOR_FRAMES
    return np.asarray((prior_count + np.maximum(left, 0)) / (prior_count + np.maximum(freedom, 0)))


def log_det_of(matrices: Array) -> Array:
    """Logarithms of the determinants of positive definite matrices (..., k, k)."""
    return np.asarray(np.linalg.slogdet(matrices)[1])
