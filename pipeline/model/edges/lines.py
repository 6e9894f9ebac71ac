"""The four edges of a plate in a rectified view: as strips of the view, as offset and tilt, and back to corners.

Edges are upper, right, lower, left, each run along clockwise, as the corners are: edge k goes from corner k to corner
k + 1. Their frames are turned into each other, so that one network serves all: across counts outward from the edge
of the rectangle at `target_corners_px`, along from the edge's start to its end. An edge's move is its offset, by
which its middle lies further out, and its tilt, by which its end does so on top of that, and its start less.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.inference.rectify import PLATE_PX, target_corners_px

REACH_PX = 20
"""Strips show so much of the view on either side of an edge."""
PLACES = 26
"""Along an edge a strip has so many columns."""
AVERAGED_PX = (8, 4, 8, 4)
"""View pixels along each edge that make one column: edges are straight, so that nothing is lost but noise."""

OUTWARD = torch.tensor([[0.0, -1.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
ALONG = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
HALF_PX = torch.tensor([PLATE_PX[0] / 2, PLATE_PX[1] / 2] * 2)
"""Half of each edge's length."""


def strips(views: Tensor) -> Tensor:
    """(B, 4, C, 2 REACH_PX, PLACES) from views (B, C, H, W): each row one pixel further out, its middle 0.5 px off."""
    (left, top), (right, bottom) = (
        tuple(round(value + 0.5) for value in corner) for corner in target_corners_px()[[0, 2]]
    )
    middle_x, middle_y = (left + right) // 2, (top + bottom) // 2
    half_x, half_y = (PLACES * AVERAGED_PX[edge] // 2 for edge in (0, 1))
    columns, rows = slice(middle_x - half_x, middle_x + half_x), slice(middle_y - half_y, middle_y + half_y)
    upper = views[:, :, top - REACH_PX : top + REACH_PX, columns].flip(2)
    lower = views[:, :, bottom - REACH_PX : bottom + REACH_PX, columns].flip(3)
    right_one = views[:, :, rows, right - REACH_PX : right + REACH_PX].transpose(2, 3)
    left_one = views[:, :, rows, left - REACH_PX : left + REACH_PX].transpose(2, 3).flip(2, 3)
    whole = zip((upper, right_one, lower, left_one), AVERAGED_PX, strict=True)
    return torch.stack([edge.unflatten(3, (PLACES, px)).mean(dim=4) for edge, px in whole], dim=1)


def places_along() -> Tensor:
    """(4, PLACES) where a strip's columns are: -1 at the edge's start, 1 at its end."""
    centred = torch.arange(PLACES) - (PLACES - 1) / 2
    return torch.tensor(AVERAGED_PX)[:, None] * centred / HALF_PX[:, None]


def edge_moves(corners_px: Tensor) -> Tensor:
    """Offset and tilt (B, 4, 2) in pixels of the lines through corners (B, 4, 2) of the view."""
    starts = corners_px - _targets(corners_px)
    ends = starts.roll(-1, dims=1)
    outward, along = OUTWARD.to(corners_px), ALONG.to(corners_px)
    half = HALF_PX.to(corners_px)
    across_start, across_end = (starts * outward).sum(dim=2), (ends * outward).sum(dim=2)
    along_start, along_end = (starts * along).sum(dim=2) - half, (ends * along).sum(dim=2) + half
    slope = (across_end - across_start) / (along_end - along_start)
    return torch.stack([across_start - slope * along_start, slope * half], dim=2)


def corners_where_edges_meet(moves: Tensor) -> Tensor:
    """Corners (B, 4, 2) of edges with these moves (B, 4, 2), in view pixels: inverse of `edge_moves`."""
    targets, outward = _targets(moves), OUTWARD.to(moves)
    offset, tilt = moves[..., :1], moves[..., 1:]
    starts = targets + outward * (offset - tilt)
    ends = targets.roll(-1, dims=0) + outward * (offset + tilt)
    # Corner k lies on edges k - 1 and k; solved as where p + s d meets the line through q along e.
    along, before = ends - starts, (ends - starts).roll(1, dims=1)
    apart = starts.roll(1, dims=1) - starts
    share = _cross(apart, before) / _cross(along, before)
    return starts + share[..., None] * along


def corner_covariances(move_cov_px2: Tensor) -> Tensor:
    """Covariances (B, 4, 2, 2) of corners whose edges' offset and tilt have covariances (B, 4, 2, 2).

    To first order a corner moves with the end of one edge and the start of the next, each across itself.
    """
    outward = OUTWARD.to(move_cov_px2)
    across = outward[:, :, None] * outward[:, None, :]
    both = move_cov_px2[..., 0, 0] + move_cov_px2[..., 1, 1]
    twice = 2 * move_cov_px2[..., 0, 1]
    at_start, at_end = both - twice, both + twice
    return at_start[..., None, None] * across + at_end.roll(1, dims=1)[..., None, None] * across.roll(
        1, dims=0
    )


def _targets(like: Tensor) -> Tensor:
    return torch.from_numpy(target_corners_px()).to(like)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
