"""Which lens model, which views are bad, and how good the calibration really is: by leaving views out.

The residuals of a fit always shrink with more parameters, and the standard deviations of a fit believe that
every corner errs on its own. Both are checked here on views that the fit did not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calib.boards import Board
from calib.camera import Camera, Intrinsics
from calib.lens import MODELS, LensFit, Model, fit_lens, lens_of, place_board, values
from calib.views import View
from pipeline.errors import GateError

Array = NDArray[np.float64]

_MOST_FOLDS = 8
_BAD_RATIO, _BAD_LEAST_PX = 2.5, 0.15  # of the median view's error
_MOST_BAD = 0.25  # of the views
_GRID_STEPS = (17, 13)
_ROTATION_STEPS = 4


@dataclass(frozen=True, eq=False)
class LensCalibration:
    """The chosen fit and what leaving views out says about it.

    Attributes:
        fit: on all good views.
        views: the good views, in the order of `fit.places`.
        bad: names of the views left out, with the error in pixels that each had.
        held_out_px: root mean square error on left-out views, by model.
        optimism: how many times larger the errors are than the fit's own covariance says, at least 1.
        cross_px: (rows, columns) standard deviation of where a pixel's ray is, in pixels, over the image.
    """

    fit: LensFit
    views: tuple[View, ...]
    bad: tuple[tuple[str, float], ...]
    held_out_px: dict[Model, float]
    optimism: float
    cross_px: Array

    @property
    def covariance(self) -> Array:
        """(9, 9) of `PARAMETERS`, with the optimism removed."""
        return self.optimism**2 * self.fit.covariance

    @property
    def sd(self) -> Array:
        """(9,) standard deviations of `PARAMETERS`."""
        return np.sqrt(np.diag(self.covariance))


def calibrate_lens(views: Sequence[View], board: Board) -> LensCalibration:
    """Choose the model, leave out bad views, fit, and measure the uncertainty.

    Raises:
        GateError: the views do not determine a lens.
    """
    good, bad = _without_bad_views(list(views), board)
    guess = fit_lens(good, board, "k1").lens
    folds = {model: _folds(good, board, model, guess) for model in MODELS}
    held_out = {model: _held_out_px(good, board, found) for model, found in folds.items() if found}
    if not held_out:
        raise GateError(
            "intrinsics: the views do not determine a lens; tilt the board in different directions"
        )
    model = min(held_out, key=lambda item: held_out[item])
    fit = fit_lens(good, board, model, guess)
    spread = cross_projection_sd(fit.lens, fit.covariance)
    optimism = max(1.0, _observed_over_expected(fit, folds[model], spread))
    return LensCalibration(fit, tuple(good), tuple(bad), held_out, optimism, optimism * spread)


def cross_projection(first: Intrinsics, second: Intrinsics) -> Array:
    """Where `second` sees what `first` sees at each pixel of a grid over the image, less that pixel.

    Two calibrations of one camera may differ by a rotation, which the mount takes up: the best one is removed
    (as in mrcal's cross-projection, for points far away). It is found with Cauchy weights, so that an edge
    without corners, where lenses may differ wildly, does not turn the rest.

    Returns:
        (rows, columns, 2) differences in pixels.
    """
    x = np.linspace(0, first.width - 1, _GRID_STEPS[0])
    y = np.linspace(0, first.height - 1, _GRID_STEPS[1])
    pixels = np.stack(np.meshgrid(x, y), axis=-1)
    rays = np.concatenate([Camera("first", first).unproject(pixels), np.ones((*pixels.shape[:2], 1))], axis=2)
    other = Camera("second", second)
    for _ in range(_ROTATION_STEPS):
        misses = other.project(rays) - pixels
        slopes = np.stack([other.project(rays + 1e-6 * np.cross(axis, rays)) for axis in np.eye(3)], axis=-1)
        slopes = (slopes - (misses + pixels)[..., None]) / 1e-6
        sizes = np.linalg.norm(misses, axis=2)
        weights = 1 / (1 + (sizes / max(float(np.median(sizes)), 1e-12)) ** 2).ravel().repeat(2)
        pull = slopes.reshape(-1, 3) * weights[:, None]
        rays = rays + np.cross(
            -np.linalg.solve(pull.T @ slopes.reshape(-1, 3), pull.T @ misses.ravel()), rays
        )
    return np.asarray(other.project(rays) - pixels)


def cross_projection_sd(lens: Intrinsics, covariance: Array) -> Array:
    """(rows, columns) standard deviation in pixels of the cross-projection under a (9, 9) covariance."""
    eigenvalues, vectors = np.linalg.eigh(_scaled(covariance))
    scale = np.sqrt(np.diag(covariance))
    total = np.zeros(_GRID_STEPS[::-1])
    for value, vector in zip(eigenvalues, vectors.T, strict=True):
        if value > 1e-12:
            step = 0.1 * np.sqrt(value) * vector * scale  # small, so that the polynomial stays in its range
            moved = lens_of(values(lens) + step, (lens.width, lens.height))
            total += 100 * np.sum(cross_projection(lens, moved) ** 2, axis=2)
    return np.sqrt(total)


def _scaled(covariance: Array) -> Array:
    """Correlation matrix; rows of fixed parameters are 0."""
    sd = np.sqrt(np.diag(covariance))
    safe = np.where(sd > 0, sd, 1.0)
    return np.asarray(covariance / np.outer(safe, safe))


def _without_bad_views(views: list[View], board: Board) -> tuple[list[View], list[tuple[str, float]]]:
    """Take out, one by one, the view that fits worst as long as it fits far worse than the others do."""
    bad: list[tuple[str, float]] = []
    for _ in range(int(_MOST_BAD * len(views))):
        errors = fit_lens(views, board, "full" if len(views) >= 8 else "k1").view_rms_px
        worst = int(np.argmax(errors))
        if errors[worst] < max(_BAD_RATIO * float(np.median(errors)), _BAD_LEAST_PX):
            break
        bad.append((views.pop(worst).name, float(errors[worst])))
    return views, bad


def _folds(views: Sequence[View], board: Board, model: Model, guess: Intrinsics) -> list[LensFit]:
    """Fits of the model, each without every k-th view; none if one of them leads nowhere."""
    count = min(_MOST_FOLDS, len(views))
    found = []
    for fold in range(count):
        rest = [view for i, view in enumerate(views) if i % count != fold]
        try:
            found.append(fit_lens(rest, board, model, guess))
        except GateError:
            return []
    return found


def _held_out_px(views: Sequence[View], board: Board, folds: Sequence[LensFit]) -> float:
    """Root mean square error, each view under the lens that did not see it."""
    squares = [
        np.mean(
            np.sum(
                place_board(view.corners_px, board.points_m[view.ids], folds[i % len(folds)].lens)[1] ** 2, 1
            )
        )
        for i, view in enumerate(views)
    ]
    return float(np.sqrt(np.mean(squares)))


def _observed_over_expected(fit: LensFit, folds: Sequence[LensFit], expected_sd: Array) -> float:
    """How far the folds' lenses project from the fit's, over what its covariance says.

    The folds' spread is turned into that of the whole set as the delete-a-group jackknife does
    (Shao and Wu 1989): (k - 1) / k times the sum of squares.
    """
    count = len(folds)
    squares = sum(
        float(np.mean(np.sum(cross_projection(fit.lens, fold.lens) ** 2, axis=2))) for fold in folds
    )
    return float(np.sqrt((count - 1) / count * squares / np.mean(expected_sd**2)))
