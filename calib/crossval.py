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
from calib.camera import Intrinsics
from calib.clean import without_bad_corners, without_bad_views
from calib.cross_projection import cross_projection, cross_projection_sd
from calib.lens import MODELS, LensFit, Model, fit_lens, place_board
from calib.lens_errors import fit_covariance, jackknife_covariance
from calib.views import View
from pipeline.errors import GateError

Array = NDArray[np.float64]

_MOST_FOLDS = 8


@dataclass(frozen=True, eq=False)
class LensCalibration:
    """The chosen fit and what leaving views out says about it.

    Attributes:
        fit: on all good views.
        views: the good views, in the order of `fit.places`.
        bad: names of the views left out, with the error in pixels that each had.
        stray_corners: how many single corners were left out.
        held_out_px: root mean square error on left-out views, by model.
        covariance: (9, 9) of `PARAMETERS`: the jackknife's over views, nowhere in the mean below what the fit itself
            and the lenses of the folds say.
        optimism: how many times wider that makes a pixel's ray than the fit's own covariance does, at least 1.
        cross_px: (rows, columns) standard deviation of where a pixel's ray is, in pixels, over the image.
    """

    fit: LensFit
    views: tuple[View, ...]
    bad: tuple[tuple[str, float], ...]
    stray_corners: int
    held_out_px: dict[Model, float]
    covariance: Array
    optimism: float
    cross_px: Array

    @property
    def sd(self) -> Array:
        """(9,) standard deviations of `PARAMETERS`."""
        return np.sqrt(np.diag(self.covariance))


def calibrate_lens(views: Sequence[View], board: Board) -> LensCalibration:
    """Choose the model, leave out bad views, fit, and measure the uncertainty.

    Raises:
        GateError: the views do not determine a lens.
    """
    cleaned, stray = without_bad_corners(views, board)
    good, bad = without_bad_views(cleaned, board)
    guess = fit_lens(good, board, "k1").lens
    folds = {model: _folds(good, board, model, guess) for model in MODELS}
    held_out = {model: _held_out_px(good, board, found) for model, found in folds.items() if found}
    if not held_out:
        raise GateError(
            "intrinsics: the views do not determine a lens; tilt the board in different directions"
        )
    model = min(held_out, key=lambda item: held_out[item])
    fit = fit_lens(good, board, model, guess)
    by_fit = _rms(cross_projection_sd(fit.lens, fit_covariance(fit, good, board)))
    covariance = jackknife_covariance(fit, good, board)
    spread = cross_projection_sd(fit.lens, covariance)
    widened = max(1.0, by_fit / _rms(spread), _spread_of_folds(fit, folds[model]) / _rms(spread))
    optimism = widened * _rms(spread) / by_fit
    return LensCalibration(
        fit, tuple(good), tuple(bad), stray, held_out, widened**2 * covariance, optimism, widened * spread
    )


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


def _spread_of_folds(fit: LensFit, folds: Sequence[LensFit]) -> float:
    """How far the folds' lenses project from the fit's, root mean square in pixels.

    Their spread is turned into that of the whole set as the delete-a-group jackknife does (Shao and Wu 1989):
    (k - 1) / k times the sum of squares.
    """
    count = len(folds)
    squares = sum(_rms(np.linalg.norm(cross_projection(fit.lens, fold.lens), axis=2)) ** 2 for fold in folds)
    return float(np.sqrt((count - 1) / count * squares))


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))
