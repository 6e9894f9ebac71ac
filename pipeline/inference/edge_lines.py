"""A plate's corners from its edges: straight lines near the answer's own, across which a rectified view changes most.

A network reads each corner from what is around it, and is off by a share of a per cent of the plate's width. An edge is
seen over its whole length. So each edge of the answer is moved and tilted a little to where the mean change across it,
taken along it with its sign, is largest; how far the network's edges are off is the prior. The corners are where the
edges meet: a plate's own corners are round. The numbers below were chosen on validation photographs, on plates drawn
into them, and on drawn cars.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.inference.rectify import target_corners_px

Array = NDArray[np.float64]

OFFSET_SD_PX, TILT_SD_PX = 1.0, 0.8
"""How far the network's edges are off in the view: their middles, and their ends in opposite directions."""
EVIDENCE = 0.7
"""The change counts by this power against the prior when an edge is chosen."""
NOISE = 0.5
"""Grey levels a pixel, of the mean change across no edge."""
UNSEEN = 3.0
"""Grey levels a pixel: the answer's own edge, where it is not seen, counts as one with this change across it."""
BLUR_PX = 0.7
"""Standard deviation of the Gaussian whose derivative measures change."""
INWARD_PX, OUTWARD_PX, MOST_TILT_PX, STEP_PX = 1.25, 2.0, 1.5, 0.25
"""How far lines are tried. What is seen further in is mostly the plate's rim, further out its holder."""
SAMPLES, ROUND_SHARE = 64, 0.1
"""Points along an edge, and the share of it at either end that is left out, since corners are round."""


def corners_on_edges(view: NDArray[np.uint8]) -> Array:
    """Corners (4, 2) in a rectified view (224, 416, 3) whose plate lies nearly at `target_corners_px`."""
    change = _change_across(view)
    moves = np.array([_best_move(change[edge]) for edge in range(4)])
    ends = _ENDS + _OUTWARD[:, None] * (moves[:, :1] + moves[:, 1:] * (-1.0, 1.0))[..., None]
    points = np.concatenate([ends, np.ones((4, 2, 1))], axis=2)
    lines = np.cross(points[:, 0], points[:, 1])
    meeting = np.cross(np.roll(lines, 1, axis=0), lines)
    return np.asarray(meeting[:, :2] / meeting[:, 2:])


def _change_across(view: NDArray[np.uint8]) -> Array:
    """(4, k, SAMPLES, 3) derivatives outward, at k distances from each edge, grey levels a pixel."""
    seen = cv2.remap(view, _PLACES[..., 0], _PLACES[..., 1], cv2.INTER_LINEAR).astype(np.float64)
    levels = seen.reshape(4, len(_DISTANCES_PX) + 2 * _KERNEL_RADIUS, -1)
    change: Array = (_KERNEL @ levels).reshape(4, len(_DISTANCES_PX), SAMPLES, 3)
    return change


def _best_move(change: Array) -> Array:
    """Offset and tilt (2,) in pixels of the most probable edge, 0 where that is one which is not seen.

    The prior chooses the edge; where that lies the picture says, or all edges would be drawn towards the answer.
    """
    means = change[_ROWS, np.arange(SAMPLES)].mean(axis=2)
    sizes = np.sqrt(np.sum(means * means, axis=2))
    evidence = np.log(sizes + NOISE)
    is_summit = sizes >= cv2.dilate(sizes, np.ones((3, 3)))
    scores = np.where(is_summit, EVIDENCE * evidence + _LOG_PRIOR, -np.inf)
    offset, tilt = divmod(int(np.argmax(scores)), len(_TILTS_PX))
    if scores[offset, tilt] <= EVIDENCE * np.log(UNSEEN):
        return np.zeros(2)
    return np.array(
        [
            _OFFSETS_PX[offset] + STEP_PX * _vertex(evidence[:, tilt], offset),
            _TILTS_PX[tilt] + STEP_PX * _vertex(evidence[offset], tilt),
        ]
    )


def _vertex(values: Array, top: int) -> float:
    """Where a parabola through the largest value and its neighbours has its vertex, in steps from `top`."""
    before, here, after = values[top - 1 : top + 2]
    curvature = before - 2 * here + after
    return float(0.5 * (before - after) / curvature) if curvature < 0 else 0.0


def _steps(first_px: float, last_px: float) -> Array:
    return STEP_PX * np.arange(round(first_px / STEP_PX), round(last_px / STEP_PX) + 1, dtype=np.float64)


def _derivative_kernel() -> Array:
    """(k, k + 2 radius): the Gaussian's derivative at each of k distances, from samples that reach further."""
    places = STEP_PX * np.arange(-_KERNEL_RADIUS, _KERNEL_RADIUS + 1)
    weights = places * np.exp(-0.5 * (places / BLUR_PX) ** 2)
    weights /= weights @ places
    count = len(_DISTANCES_PX)
    return np.array([np.pad(weights, (first, count - 1 - first)) for first in range(count)])


_ENDS: Array = np.stack([target_corners_px(), np.roll(target_corners_px(), -1, axis=0)], axis=1)
_OUTWARD: Array = np.array([[0.0, -1.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])  # upper, right, lower, left
_ALONG: Array = np.linspace(2 * ROUND_SHARE - 1, 1 - 2 * ROUND_SHARE, SAMPLES)  # -1 and 1 at the edge's ends

_OFFSETS_PX = _steps(-INWARD_PX - STEP_PX, OUTWARD_PX + STEP_PX)  # a step more, to tell what is a summit
_TILTS_PX = _steps(-MOST_TILT_PX - STEP_PX, MOST_TILT_PX + STEP_PX)
_DISTANCES_PX = _steps(_OFFSETS_PX[0] + _TILTS_PX[0], _OFFSETS_PX[-1] + _TILTS_PX[-1])
_ROWS = np.rint(
    (_OFFSETS_PX[:, None, None] + _TILTS_PX[:, None] * _ALONG - _DISTANCES_PX[0]) / STEP_PX
).astype(np.intp)
_LOG_PRIOR: Array = -0.5 * ((_OFFSETS_PX[:, None] / OFFSET_SD_PX) ** 2 + (_TILTS_PX / TILT_SD_PX) ** 2)
_LOG_PRIOR[[0, -1]] = _LOG_PRIOR[:, [0, -1]] = -np.inf  # the step more


_KERNEL_RADIUS = round(3 * BLUR_PX / STEP_PX)
_KERNEL = _derivative_kernel()
_SAMPLED_PX = _steps(
    _DISTANCES_PX[0] - _KERNEL_RADIUS * STEP_PX, _DISTANCES_PX[-1] + _KERNEL_RADIUS * STEP_PX
)
_PLACES = (
    (
        _ENDS.mean(axis=1)[:, None, None]
        + 0.5 * (_ENDS[:, 1] - _ENDS[:, 0])[:, None, None] * _ALONG[:, None]
        + _OUTWARD[:, None, None] * _SAMPLED_PX[:, None, None]
    )
    .astype(np.float32)
    .reshape(-1, SAMPLES, 2)
)
