"""Why a board was not found: told from the images that show none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod

import cv2
import numpy as np

from calib.boards import Board
from calib.detect import Image, count_corners, markers_seen
from calib.findings import Finding
from calib.views import SHARP_PX, SMEARED

_STRONGEST = 0.01  # share of the pixels whose gradient is looked at
_WINDOW_PX = 31
_LEAST_CORNERS = 12
"""A smeared ChArUco board looks like a chessboard of 3x3 inner corners."""
_LEAST_MARKERS = 4


def why_not_found(images: Sequence[Image], board: Board) -> Finding:
    """The most probable reason why `board` is in none of these BGR images, at least one of them."""
    greys = [np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8) for image in images]
    for reason in (_other_markers, _other_chessboard, _blurred):
        finding = reason(greys, board)
        if finding is not None:
            return finding
    text = f"no {board.describe()} in the images; show the {_whole(board)} board, lit evenly, without reflections"
    return Finding("refuse", "no_board", text)


def image_blur_px(grey: Image) -> tuple[float, float]:
    """(smaller, larger) sd of the blur at the strongest edges, of those more upright and those more level.

    Infinite where there are none.

    The greatest slope of a blurred step of height h is h / (sd sqrt(2 pi)); the height is taken from the
    neighbourhood.
    """
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8).astype(np.float32)
    across, down = (
        cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=0.125),
        cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=0.125),
    )
    window = np.ones((_WINDOW_PX, _WINDOW_PX), np.uint8)
    height = cv2.dilate(smooth, window) - cv2.erode(smooth, window)
    spreads = []
    for slope, other in ((across, down), (down, across)):
        strength = np.where(np.abs(slope) > 2 * np.abs(other), np.abs(slope), 0)
        strong = strength >= max(float(np.quantile(strength, 1 - _STRONGEST)), 1.0)
        sd = height[strong] / strength[strong] / np.sqrt(2 * np.pi) if strong.any() else np.array([np.inf])
        spreads.append(float(np.median(sd)))
    return min(spreads), max(spreads)


def _other_chessboard(greys: Sequence[Image], board: Board) -> Finding | None:
    """A chessboard is there, the same in most images, but not the one that was named."""
    grids = [grid for grid in map(count_corners, greys) if grid is not None and prod(grid) >= _LEAST_CORNERS]
    seen = Counter(tuple(sorted(grid, reverse=True)) for grid in grids)
    if not seen or seen.most_common(1)[0][1] <= len(greys) / 2:
        return None
    columns, rows = seen.most_common(1)[0][0]
    shown = (
        f"the images show a chessboard with {columns}x{rows} inner corners, that is "
        f"{columns + 1}x{rows + 1} squares"
    )
    if board.kind == "charuco":
        return Finding("refuse", "wrong_board", f"{shown}, but --board says ChArUco")
    wanted = board.corner_grid
    text = (
        f"{shown}; --board says {board.columns}x{board.rows} squares ({wanted[0]}x{wanted[1]} inner corners). "
        f"Count squares, not corners: --board chessboard:{columns + 1}x{rows + 1}:SQUARE_MM"
    )
    return Finding("refuse", "inner_corners_miscounted", text)


def _other_markers(greys: Sequence[Image], board: Board) -> Finding | None:
    """Markers are there that do not belong to, or do not lie as on, the board that was named."""
    as_charuco = board if board.kind == "charuco" else Board()
    seen = [markers_seen(grey, as_charuco) for grey in greys]
    most = max(seen, key=len)
    if len(most) < _LEAST_MARKERS:
        return None
    if board.kind == "chessboard":
        text = (
            "the images show markers in the white squares: a ChArUco board; name it so, for "
            "example charuco:7x10:24.9"
        )
        return Finding("refuse", "wrong_board", text)
    last = board.columns * board.rows // 2 - 1
    foreign = sorted(number for numbers in seen for number in numbers if number > last)
    text = (
        f"marker {foreign[0]} is seen, but a {board.columns}x{board.rows} board has markers 0 to {last}"
        if foreign
        else f"markers are seen, but not placed as on a {board.columns}x{board.rows} board"
    )
    return Finding("refuse", "wrong_board", f"{text}; count the board's squares along and across again")


def _blurred(greys: Sequence[Image], board: Board) -> Finding | None:
    """The images are too blurred for any board, or without anything in them."""
    low, high = np.median([image_blur_px(grey) for grey in greys], axis=0)
    if np.isinf(low):
        text = "the images show nothing; take off the lens's cover, switch on the light, check the exposure"
        return Finding("refuse", "no_board", text)
    if high < SHARP_PX or np.isinf(high):
        return None
    if high > SMEARED * low:
        text = (
            f"edges are smeared over {high:.0f} px in one direction; hold the board still, add "
            "light, shorten the exposure"
        )
        return Finding("refuse", "motion_blur", text)
    text = (
        f"edges are blurred over {high:.0f} px; focus the camera on the distance where plates are "
        "read, and fix the focus"
    )
    return Finding("refuse", "out_of_focus", text)


def _whole(board: Board) -> str:
    return "whole" if board.kind == "chessboard" else "greater part of the"
