"""Four points that a person marked become the corners of a plate, or a reason why they cannot."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import GateError

Points = NDArray[np.float64]

_ROWS = (("t", "top", "u", "upper"), ("b", "bottom", "l", "lower"))
_COLUMNS = (("l", "left"), ("r", "right"))
_PLACES = ((0, 0), (0, 1), (1, 1), (1, 0))
"""Row and column of TL, TR, BR, BL."""
CORNER_OF_NAME = {
    name: corner
    for corner, (row, column) in enumerate(_PLACES)
    for vertical in _ROWS[row]
    for horizontal in _COLUMNS[column]
    for name in (vertical + horizontal, horizontal + vertical)
}
"""From a point's name without spaces and signs ("topleft", "ul") to its place in TL, TR, BR, BL."""


def plate_corners(points: Points, names: Sequence[str], drawn_around: bool) -> Points:
    """Put four points into the order TL, TR, BR, BL of a plate that is read within 45 degrees of horizontal.

    Args:
        points: (n, 2), x right and y down, unit and origin as they come.
        names: names of the points where the tool gives some; others than names of corners are not looked at.
        drawn_around: whether the points follow the outline, so that crossing lines are a mistake.

    Returns:
        (4, 2), the same points in order.

    Raises:
        GateError: they are not the corners of a plate; the text says why and what to do.
    """
    if len(points) != 4:
        raise GateError(f"{len(points)} points where a plate has 4 corners; mark exactly its four corners")
    if not np.isfinite(points).all():
        raise GateError("a coordinate is not a number; mark the corners again")
    around = _clockwise(points)
    if not _is_convex(points[around]):
        raise GateError("the points span no convex quadrilateral; two of them coincide or one is misplaced")
    if drawn_around and not _is_rotation(around):
        raise GateError("the outline crosses itself; mark the corners one after the other around the plate")
    corners = _from_top_left(points[around])
    named = [CORNER_OF_NAME.get(re.sub(r"[^a-z]", "", name.lower()), -1) for name in names]
    if sorted(named) == [0, 1, 2, 3] and not np.array_equal(corners, points[np.argsort(named)]):
        raise GateError(
            "the names of the corners do not fit their places: the plate would be mirrored or turned by more "
            "than 45 degrees; name them as they appear in the picture"
        )
    return corners


def _clockwise(points: Points) -> NDArray[np.intp]:
    """Indices of the points in the order in which a clock's hand at their centre meets them (y points down)."""
    offsets = points - points.mean(axis=0)
    return np.argsort(np.arctan2(offsets[:, 1], offsets[:, 0]))


def _is_convex(clockwise: Points) -> bool:
    """Whether every corner turns to the right, by more than rounding would make it."""
    edges = np.roll(clockwise, -1, axis=0) - clockwise
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    return bool((turns > 1e-3 * np.ptp(clockwise)).all())


def _is_rotation(around: NDArray[np.intp]) -> bool:
    """Whether drawing order is the order around the outline, in either direction."""
    steps = np.diff(np.append(around, around[0])) % 4
    return bool((steps == 1).all() or (steps == 3).all())


def _from_top_left(clockwise: Points) -> Points:
    """The rotation whose upper and lower edge together point most to the right."""

    def heading(start: int) -> float:
        q = np.roll(clockwise, -start, axis=0)
        along = (q[1] - q[0]) + (q[2] - q[3])
        return float(along[0] / np.linalg.norm(along))

    return np.roll(clockwise, -max(range(4), key=heading), axis=0)
