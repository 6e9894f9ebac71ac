"""Plain-language verdicts on a set of views: whether it can give a lens, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calib.boards import Board
from calib.findings import Finding
from calib.views import ENOUGH_VIEWS, Coverage, Pose, View, rough_lens, rough_normal

LEAST_VIEWS = 6
_DISTINCT = 0.03  # pose distance below which two images show the same view
_LEAST_TURN_DEG = 12.0  # largest angle between two boards below which all are parallel
_COVERED = {"position": 0.9, "size": 0.75, "tilt_x": 0.75, "tilt_y": 0.75}


def judge_views(views: Sequence[View], board: Board) -> list[Finding]:
    """What keeps a set of usable views from giving a lens."""
    distinct = _distinct(views, board)
    if distinct < LEAST_VIEWS:
        same = "" if distinct == len(views) else f", {len(views) - distinct} of them like another one"
        text = f"{len(views)} usable views{same}; {LEAST_VIEWS} different ones are the least, {ENOUGH_VIEWS} are good"
        return [Finding("refuse", "too_few_views", text)]
    turn = _largest_turn_deg(views, board)
    if turn < _LEAST_TURN_DEG:
        text = (
            f"the board was held nearly parallel in all views (they differ by {turn:.0f} degrees); focal length and "
            "distance cannot be told apart; tilt it 20 to 45 degrees to the left, right, up and down"
        )
        return [Finding("refuse", "all_views_parallel", text)]
    if distinct < ENOUGH_VIEWS:
        text = f"{distinct} different views; {ENOUGH_VIEWS} make the edge of the image sure"
        return [Finding("improve", "few_views", text)]
    return []


def judge_coverage(coverage: Coverage) -> list[Finding]:
    """Which regions and poses are missing."""
    advice = {
        "position": f"few or no corners at the {region(coverage.counts == 0)} of the image; hold the board there too",
        "size": "the board is about equally large in all views; take some from near and some from farther away",
        "tilt_x": "turn the board's left and right edges towards the camera more, 25 degrees and beyond",
        "tilt_y": "tip the board's upper and lower edges towards the camera more, 25 degrees and beyond",
    }
    shares = coverage.shares
    return [
        Finding("improve", f"coverage_{key}", text)
        for key, text in advice.items()
        if shares[key] < _COVERED[key]
    ]


def region(values: NDArray[Any]) -> str:
    """Which side or quarter of the image has the largest mean of `values` (rows, columns), in words."""
    rows, columns = values.shape
    upper, lower = slice(0, rows // 3), slice(rows - rows // 3, rows)
    left, right = slice(0, columns // 3), slice(columns - columns // 3, columns)
    whole = slice(None)
    parts = {"left side": (whole, left), "right side": (whole, right), "upper edge": (upper, whole)}
    parts |= {
        "lower edge": (lower, whole),
        "upper left corner": (upper, left),
        "upper right corner": (upper, right),
    }
    parts |= {"lower left corner": (lower, left), "lower right corner": (lower, right)}
    return max(parts, key=lambda name: float(values[parts[name]].mean()))


def _distinct(views: Sequence[View], board: Board) -> int:
    """How many views are unlike all earlier ones."""
    kept: list[Pose] = []
    for pose in Coverage.of(views, board).poses:
        if all(pose.distance(other) > _DISTINCT for other in kept):
            kept.append(pose)
    return len(kept)


def _largest_turn_deg(views: Sequence[View], board: Board) -> float:
    """Largest angle between the boards of two views, under a usual lens."""
    normals = np.array([rough_normal(view, board, rough_lens(view.size_px)) for view in views])
    return float(np.degrees(np.arccos(np.clip(normals @ normals.T, -1, 1)).max()))
