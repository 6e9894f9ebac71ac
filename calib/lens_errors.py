"""How far a fitted lens may be off: from the fit itself, and from how much its views disagree.

The fit's own covariance supposes that every corner errs on its own. A board that is bent, or a rolling shutter,
makes all corners of a view err alike; the views then disagree more than their corners do within themselves. The
jackknife over views sees that, for each parameter apart (Efron 1982; for regressions with clusters it is called CR3).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calib.boards import Board
from calib.camera import Intrinsics
from calib.lens import FREE, BoardPlace, LensFit, project_board
from calib.views import View

Array = NDArray[np.float64]


def fit_covariance(fit: LensFit, views: Sequence[View], board: Board) -> Array:
    """(9, 9) covariance of `PARAMETERS` from the size of the residuals, all independent; rows of fixed ones 0."""
    normals = sum(part for part, _ in _by_view(fit, views, board))
    corners = sum(len(view.ids) for view in views)
    spare = max(2 * corners - len(FREE[fit.model]) - 6 * len(views), 1)
    variance = sum(float(np.sum(part**2)) for part in fit.residuals_px) / spare
    return _whole(fit, variance * _inverse(np.asarray(normals)))


def jackknife_covariance(fit: LensFit, views: Sequence[View], board: Board) -> Array:
    """(9, 9) covariance of `PARAMETERS` from how far each view's absence would move them, by one linear step."""
    parts = _by_view(fit, views, board)
    normals = np.asarray(sum(part for part, _ in parts))
    moves = np.array([_inverse(normals - part) @ pull for part, pull in parts])
    return _whole(fit, (len(views) - 1) / len(views) * moves.T @ moves)


def zoom_by_view(fit: LensFit, views: Sequence[View], board: Board, weights: Array) -> tuple[float, float]:
    """One more parameter: a relative change of the focal length, `weights` (v,) times of it in each view.

    Returns:
        Its estimate after one Gauss-Newton step of the whole problem, and its standard deviation from how much
        the views disagree (a sandwich estimate by view), as corners of one view err alike.
    """
    free = [*FREE[fit.model], 9]
    rows, misses = [], []
    for view, place, residuals, weight in zip(views, fit.places, fit.residuals_px, weights, strict=True):
        basis, by_lens = _freed_of_place(board.points_m[view.ids], place, fit.lens)
        zoom = weight * (by_lens[:, :2] @ (fit.lens.fx, fit.lens.fy))
        rows.append(np.column_stack([by_lens, zoom])[:, free])
        misses.append(residuals.ravel() - basis @ (basis.T @ residuals.ravel()))
    inverse = _inverse(np.asarray(sum(part.T @ part for part in rows)))
    step = inverse @ sum(part.T @ miss for part, miss in zip(rows, misses, strict=True))
    pulls = [inverse[-1] @ part.T @ (miss - part @ step) for part, miss in zip(rows, misses, strict=True)]
    spare = max(len(views) - len(free), 1) / len(views)
    return float(step[-1]), float(np.sqrt(np.sum(np.square(pulls)) / spare))


def _by_view(fit: LensFit, views: Sequence[View], board: Board) -> list[tuple[Array, Array]]:
    """Normal matrix (f, f) and gradient (f,) of the free parameters for each view, its board's place eliminated."""
    free, found = list(FREE[fit.model]), []
    for view, place, residuals in zip(views, fit.places, fit.residuals_px, strict=True):
        rows = _freed_of_place(board.points_m[view.ids], place, fit.lens)[1][:, free]
        found.append((rows.T @ rows, rows.T @ residuals.ravel()))
    return found


def _whole(fit: LensFit, covariance: Array) -> Array:
    """The covariance of the free parameters among all nine."""
    free, whole = np.array(FREE[fit.model]), np.zeros((9, 9))
    whole[np.ix_(free, free)] = covariance
    return whole


def _inverse(normals: Array) -> Array:
    """Inverse of a normal matrix whose parameters differ by orders of magnitude."""
    scale = 1 / np.sqrt(np.maximum(np.diag(normals), 1e-300))
    return np.asarray(
        np.linalg.pinv(normals * np.outer(scale, scale), hermitian=True) * np.outer(scale, scale)
    )


def _freed_of_place(points_m: Array, place: BoardPlace, lens: Intrinsics) -> tuple[Array, Array]:
    """What the lens does to the pixels that moving the board could not do as well.

    Returns:
        basis: (2n, 6) orthonormal directions in which the board's place moves the pixels.
        by_lens: (2n, 9) derivatives by the lens without their part along `basis`.
    """
    jacobian = project_board(points_m, place, lens)[1]
    basis = np.linalg.qr(jacobian[:, :6])[0]
    by_lens = jacobian[:, 6:15]
    return basis, by_lens - basis @ (basis.T @ by_lens)
