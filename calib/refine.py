"""Moves a board's corners to where its edges cross, to a few hundredths of a pixel.

A corner is the point from which every edge near it runs straight away: the offset p - q of an edge's pixel p from
the corner q is at right angles to the image gradient there (Förstner and Gülch 1987; OpenCV's `cornerSubPix`).
That function looks into a small square window, small enough to keep the markers of a ChArUco board out. Here the
window is a cross along the four edges: it holds several times as many edge pixels, and no marker.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.boards import Board

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

_REACH = 0.25  # of a square along an edge: farther out, a lens bends it
_SAMPLES = 25  # along each direction of the window
_LEAST_HALF_PX = 1.5  # of the cross's arms, which must hold a blurred edge
_STEPS = 5
_MARGIN_PX = 3


def refine_corners(grey: Image, board: Board, ids: NDArray[np.intp], corners_px: Array) -> Array:
    """Corners (n, 2) of a grey (h, w) image, known to about a pixel, moved to where the edges cross.

    Args:
        grey: the image.
        board: tells how far the markers stay away from the edges.
        ids: (n,) which corners these are, at least four, not on one line.
        corners_px: (n, 2) where they are, roughly.
    """
    squares = _square_sides(board, ids, corners_px)
    away = np.linspace(-_REACH, _REACH, _SAMPLES)
    shares = np.stack(np.meshgrid(away, away), axis=-1).reshape(-1, 2)
    offsets, weights = shares @ squares, _cross(shares, squares, _half_width(board))
    slopes, origin = _slopes(grey, corners_px, float(np.abs(offsets).max()))
    found = corners_px - origin
    for _ in range(_STEPS):
        at = (found[:, None] + offsets).astype(np.float32)
        normals = cv2.remap(slopes, at[..., 0], at[..., 1], cv2.INTER_LINEAR).astype(np.float64)
        weighted = weights[..., None] * normals
        lengths = np.sum(normals * offsets, axis=2)  # of the offset across the edge, times the slope
        pull = np.einsum("nki,nk->ni", weighted, lengths)
        normal_matrices = np.einsum("nki,nkj->nij", weighted, normals) + 1e-6 * np.eye(2)
        found = found + np.linalg.solve(normal_matrices, pull[..., None])[..., 0]
    return np.asarray(found + origin)


def _square_sides(board: Board, ids: NDArray[np.intp], corners_px: Array) -> Array:
    """(n, 2, 2) the sides of a square at each corner, along the board's columns and rows, in pixels."""
    grid = np.column_stack(np.divmod(ids, board.corner_grid[0]))[:, ::-1].astype(np.float64)
    to_image, _ = cv2.findHomography(grid, corners_px)
    sides = [
        cv2.perspectiveTransform((grid + half)[None], to_image)[0]
        - cv2.perspectiveTransform((grid - half)[None], to_image)[0]
        for half in 0.5 * np.eye(2)
    ]
    return np.stack(sides, axis=1)


def _half_width(board: Board) -> float:
    """Half the width of the cross's arms, in squares: half of what separates a marker from the edge."""
    return 0.06 * (1 - board.marker_share) / 0.25 if board.kind == "charuco" else 0.12


def _cross(shares: Array, squares: Array, half: float) -> Array:
    """(n, k) weights of the samples at `shares` (k, 2) of the sides: 1 in the cross, falling to 0 beside it."""
    areas = np.abs(np.linalg.det(squares))
    heights = (
        areas[:, None] / np.linalg.norm(squares, axis=2)[:, ::-1]
    )  # a side's extent across the other, px
    across = np.abs(shares)[None] * heights[:, None]
    halves = np.maximum(half * heights, _LEAST_HALF_PX)[:, None]
    return np.asarray(np.clip(1.5 - across / halves, 0.0, 1.0).max(axis=2))


def _slopes(grey: Image, corners_px: Array, reach_px: float) -> tuple[NDArray[np.float32], Array]:
    """(h, w, 2) gradients of the part of the image that holds the corners, and where that part begins."""
    margin = int(reach_px) + _MARGIN_PX
    low = np.maximum(np.floor(corners_px.min(axis=0)).astype(int) - margin, 0)
    high = np.ceil(corners_px.max(axis=0)).astype(int) + margin
    part = grey[low[1] : high[1], low[0] : high[0]]
    both = [cv2.Sobel(part, cv2.CV_32F, *order, scale=0.125) for order in ((1, 0), (0, 1))]
    return np.stack(both, axis=-1), low.astype(np.float64)
