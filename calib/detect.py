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
from calib.refine import refine_corners

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

LEAST_CORNERS = 8
_SEARCH_PX = 1600  # longer images are searched in a smaller copy first: most frames show no board


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
        if found is None or not _spread_out(found, self.board.corner_grid[0]):
            return None
        return Detection(found.ids, refine_corners(grey, self.board, found.ids, found.corners_px))

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
    return Detection(np.arange(len(corners_px)), corners_px)


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


def _spread_out(found: Detection, columns: int) -> bool:
    """At least two rows hold two corners, and all do not lie on one line of the image: a pose can be told."""
    centred = found.corners_px - found.corners_px.mean(axis=0)
    sizes = np.linalg.svd(centred, compute_uv=False)
    in_row = np.unique(found.ids // columns, return_counts=True)[1]
    return bool(np.sum(in_row >= 2) >= 2 and sizes[1] > 0.05 * sizes[0])
