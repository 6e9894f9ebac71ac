"""Finds a board's inner corners in an image, and says what it saw where the board is not the expected one.

ChArUco boards exist in two layouts: OpenCV changed it in version 4.6 for boards with an even number of rows
(opencv issue 23152). `BoardFinder` tries both and keeps the one that fits.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.boards import Board

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

LEAST_CORNERS = 8
_SEARCH_PX = 1600  # longer images are searched in a smaller copy first: most frames show no board
_REFINE_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 0.001)


@dataclass(frozen=True, eq=False)
class Detection:
    """Inner corners found: ids (n,) int, as numbered by the board, and pixels (n, 2)."""

    ids: NDArray[np.intp]
    corners_px: Array


@dataclass
class BoardFinder:
    """Finds one board in image after image.

    Attributes:
        board: what is looked for.
        legacy: layout of the ChArUco board, None as long as it is not known.
    """

    board: Board
    legacy: bool | None = None
    _detectors: dict[bool, cv2.aruco.CharucoDetector] = field(default_factory=dict)

    def find(self, image: Image) -> Detection | None:
        """The board's corners in a grey (h, w) or BGR (h, w, 3) uint8 image; None if there are too few."""
        grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        found = (
            self._charuco(grey)
            if self.board.kind == "charuco"
            else find_chessboard(grey, self.board.corner_grid)
        )
        return found if found is not None and _spread_out(found.corners_px) else None

    def _charuco(self, grey: Image) -> Detection | None:
        layouts = (False, True) if self.legacy is None else (self.legacy,)
        found = {legacy: self._charuco_layout(grey, legacy) for legacy in layouts}
        best = max(layouts, key=lambda legacy: len(found[legacy].ids))
        counts = sorted(len(item.ids) for item in found.values())
        if self.legacy is None and counts[-1] >= LEAST_CORNERS and counts[0] < counts[-1] / 2:
            self.legacy = best
        return found[best] if len(found[best].ids) >= LEAST_CORNERS else None

    def _charuco_layout(self, grey: Image, legacy: bool) -> Detection:
        if legacy not in self._detectors:
            self._detectors[legacy] = cv2.aruco.CharucoDetector(self.board.opencv(legacy))
        corners, ids, _, _ = self._detectors[legacy].detectBoard(grey)
        if ids is None or len(ids) == 0:
            return Detection(np.zeros(0, np.intp), np.zeros((0, 2)))
        return Detection(ids.ravel().astype(np.intp), np.asarray(corners, np.float64).reshape(-1, 2))


def find_chessboard(grey: Image, corner_grid: tuple[int, int]) -> Detection | None:
    """All inner corners of a chessboard with `corner_grid` (columns, rows) of them, or None.

    The sector-based detector (Duda and Frese 2018) is tried first; the classical one finds some boards with
    a narrow border that it misses.
    """
    scale = min(1.0, _SEARCH_PX / max(grey.shape))
    small = grey if scale == 1 else np.asarray(cv2.resize(grey, None, fx=scale, fy=scale), np.uint8)
    found, corners = cv2.findChessboardCornersSB(small, corner_grid, flags=cv2.CALIB_CB_NORMALIZE_IMAGE)
    if not found:
        flags = cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_FAST_CHECK
        found, corners = cv2.findChessboardCorners(small, corner_grid, flags=flags)
    if not found:
        return None
    corners_px = (np.asarray(corners, np.float64).reshape(-1, 2) + 0.5) / scale - 0.5
    return Detection(np.arange(len(corners_px)), _refined(grey, corners_px, corner_grid))


def count_corners(grey: Image) -> tuple[int, int] | None:
    """(columns, rows) of the inner corners of whatever chessboard is in the image, None if there is none."""
    flags = cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_LARGER
    found, _, meta = cv2.findChessboardCornersSBWithMeta(grey, (3, 3), flags)
    return (int(meta.shape[1]), int(meta.shape[0])) if found else None


def markers_seen(grey: Image, board: Board) -> set[int]:
    """Numbers of all markers of the board's dictionary that are in the image."""
    detector = cv2.aruco.ArucoDetector(board.opencv().getDictionary())
    _, ids, _ = detector.detectMarkers(grey)
    return set() if ids is None else {int(number) for number in ids.ravel()}


def _refined(grey: Image, corners_px: Array, corner_grid: tuple[int, int]) -> Array:
    """Corners moved to the saddle point near them, in a window that reaches a third of a square."""
    grid = corners_px.reshape(corner_grid[1], corner_grid[0], 2)
    steps = np.concatenate([np.linalg.norm(np.diff(grid, axis=axis), axis=2).ravel() for axis in (0, 1)])
    half = int(np.clip(steps.min() / 3, 2, 11))
    start = np.ascontiguousarray(corners_px, np.float32).reshape(-1, 1, 2)
    return np.asarray(
        cv2.cornerSubPix(grey, start, (half, half), (-1, -1), _REFINE_STOP), np.float64
    ).reshape(-1, 2)


def _spread_out(corners_px: Array) -> bool:
    """The corners do not lie on one line, from which no pose could be told."""
    centred = corners_px - corners_px.mean(axis=0)
    sizes = np.linalg.svd(centred, compute_uv=False)
    return bool(sizes[1] > 0.05 * sizes[0])
