"""Lens and focal length from views of a board: OpenCV's `calibrateCameraExtended` (Zhang 2000, bundle adjustment)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from calib.boards import Board
from calib.camera import Intrinsics
from calib.views import View
from pipeline.errors import GateError

Array = NDArray[np.float64]
Model = Literal["none", "k1", "k1k2", "full"]

PARAMETERS = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3")
FREE: dict[Model, tuple[int, ...]] = {
    "none": (0, 1, 2, 3),
    "k1": (0, 1, 2, 3, 4),
    "k1k2": (0, 1, 2, 3, 4, 5),
    "full": (0, 1, 2, 3, 4, 5, 6, 7, 8),
}
MODELS: tuple[Model, ...] = tuple(FREE)
_FLAGS: dict[Model, int] = {
    "none": cv2.CALIB_FIX_K1 | cv2.CALIB_FIX_K2 | cv2.CALIB_FIX_K3 | cv2.CALIB_ZERO_TANGENT_DIST,
    "k1": cv2.CALIB_FIX_K2 | cv2.CALIB_FIX_K3 | cv2.CALIB_ZERO_TANGENT_DIST,
    "k1k2": cv2.CALIB_FIX_K3 | cv2.CALIB_ZERO_TANGENT_DIST,
    "full": 0,
}
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-10)


@dataclass(frozen=True, eq=False)
class BoardPlace:
    """Where the board was in one view: rotation vector (3,) and translation (3,) from board to camera."""

    turn: Array
    shift: Array

    @classmethod
    def of(cls, turn: ArrayLike, shift: ArrayLike) -> BoardPlace:
        """From OpenCV's columns."""
        return cls(np.asarray(turn, np.float64).ravel(), np.asarray(shift, np.float64).ravel())


@dataclass(frozen=True, eq=False)
class LensFit:
    """A fitted lens.

    Attributes:
        model: which distortion coefficients were free.
        lens: the result.
        places: of the board, one a view.
        residuals_px: found minus projected corners, (n, 2) a view.
    """

    model: Model
    lens: Intrinsics
    places: tuple[BoardPlace, ...]
    residuals_px: tuple[Array, ...]

    @property
    def rms_px(self) -> float:
        """Root mean square distance between found and projected corners."""
        return float(np.sqrt(np.mean(np.sum(np.concatenate(self.residuals_px) ** 2, axis=1))))

    @property
    def view_rms_px(self) -> Array:
        """(v,) the same for each view."""
        return np.array([np.sqrt(np.mean(np.sum(part**2, axis=1))) for part in self.residuals_px])


def values(lens: Intrinsics) -> Array:
    """(9,) numbers of a lens in the order of `PARAMETERS`."""
    return np.array([lens.fx, lens.fy, lens.cx, lens.cy, *lens.distortion])


def lens_of(numbers: Array, size_px: tuple[int, int]) -> Intrinsics:
    """The reverse of `values`."""
    fx, fy, cx, cy, k1, k2, p1, p2, k3 = numbers.tolist()
    return Intrinsics(*size_px, fx, fy, cx, cy, (k1, k2, p1, p2, k3))


def fit_lens(views: Sequence[View], board: Board, model: Model, guess: Intrinsics | None = None) -> LensFit:
    """Fit a lens to all views.

    Args:
        views: of one image size.
        board: gives the corners' true places.
        model: which distortion coefficients are free; the others are 0.
        guess: where to begin; None begins with the board's homographies.

    Raises:
        GateError: the views do not determine a lens.
    """
    flags = _FLAGS[model] | (cv2.CALIB_USE_INTRINSIC_GUESS if guess else 0)
    start = np.eye(3) if guess is None else guess.matrix
    bend = (
        np.zeros(5)
        if guess is None
        else np.where(np.isin(np.arange(4, 9), FREE[model]), guess.distortion, 0.0)
    )
    points = [board.points_m[view.ids].astype(np.float32) for view in views]
    seen = [view.corners_px.astype(np.float32) for view in views]
    size_px = views[0].size_px
    try:
        _, matrix, bend, turns, shifts, *_ = cv2.calibrateCameraExtended(
            points, seen, size_px, start, bend, flags=flags, criteria=_STOP
        )
    except cv2.error as error:
        raise GateError(
            f"intrinsics: the views do not determine a lens ({error.err}); take other views"
        ) from error
    numbers = np.array([matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], *bend.ravel()[:5]])
    if not np.isfinite(numbers).all() or numbers[:2].min() <= 0:
        raise GateError(
            "intrinsics: the views do not determine a lens; tilt the board in different directions"
        )
    lens = lens_of(numbers, size_px)
    places = tuple(BoardPlace.of(turn, shift) for turn, shift in zip(turns, shifts, strict=True))
    residuals = tuple(
        view.corners_px - project_board(board.points_m[view.ids], place, lens)[0]
        for view, place in zip(views, places, strict=True)
    )
    return LensFit(model, lens, places, residuals)


def place_board(corners_px: Array, points_m: Array, lens: Intrinsics) -> tuple[BoardPlace, Array]:
    """Place of a board with corners at (n, 3) seen at (n, 2) under a given lens, and the residuals (n, 2) in pixels."""
    bend = np.array(lens.distortion)
    _, turns, shifts, _ = cv2.solvePnPGeneric(
        points_m, corners_px, lens.matrix, bend, flags=cv2.SOLVEPNP_IPPE
    )
    found: list[tuple[BoardPlace, Array]] = []
    for pose in zip(turns, shifts, strict=True):
        turn, shift = (part.copy() for part in pose)  # refined in place
        place = BoardPlace.of(*cv2.solvePnPRefineLM(points_m, corners_px, lens.matrix, bend, turn, shift))
        found.append((place, corners_px - project_board(points_m, place, lens)[0]))
    return min(found, key=lambda item: float(np.sum(item[1] ** 2)))


def project_board(points_m: Array, place: BoardPlace, lens: Intrinsics) -> tuple[Array, Array]:
    """Pixels (n, 2) of a board's corners (n, 3), and OpenCV's derivatives (2n, 15): turn, shift, then `PARAMETERS`."""
    pixels, jacobian = cv2.projectPoints(
        points_m, place.turn, place.shift, lens.matrix, np.array(lens.distortion)
    )
    return np.asarray(pixels, np.float64).reshape(-1, 2), np.asarray(jacobian, np.float64)
