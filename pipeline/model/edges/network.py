"""The network of the edge look: how much speaks for each line near each edge of a plate in a rectified view.

A corner is round, small, and one place; an edge is seen over its whole length. So the network says for every pixel
around an edge how much it speaks for the edge to run there, and a line's logit is the mean along it: a Hough transform
whose evidence is learned. All four edges are told of each other, since a rim, or a holder, runs around the whole plate
at one distance. Over the lines, by offset and tilt, the plate's edge is decoded as a corner is in a heatmap, by DSNT.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.model.dsnt import spatial_softmax, windowed_dsnt
from pipeline.model.edges.lines import PLACES, REACH_PX, places_along, strips

CHANNELS, JOINT_CHANNELS = 16, 48
SUBPIXELS = 2
"""Rows of evidence in a pixel."""
MOST_OFFSET_PX, MOST_TILT_PX, STEP_PX = 6.0, 3.0, 0.5
"""Of the lines: a cell of their heatmap is STEP_PX."""


class EdgeNetwork(nn.Module):
    """Logits of lines, by tilt and offset, for the four edges of views."""

    index: Tensor
    share: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, CHANNELS, (5, 3), padding=(2, 1))
        self.which_edge = nn.Parameter(torch.zeros(4, CHANNELS, 1, 1))
        self.stem_norm = nn.BatchNorm2d(CHANNELS)
        self.each = nn.Sequential(_Block(), _Block())
        self.jointly = nn.Sequential(
            *_profile_conv(4 * CHANNELS, JOINT_CHANNELS),
            *_profile_conv(JOINT_CHANNELS, JOINT_CHANNELS),
            nn.Conv1d(JOINT_CHANNELS, 4 * CHANNELS, kernel_size=5, padding=2),
        )
        self.each_again = nn.Sequential(_Block(), _Block())
        self.evidence = nn.Conv2d(CHANNELS, SUBPIXELS, kernel_size=1)
        self.sharpness = nn.Parameter(torch.tensor(4.0))
        index, share = _places_of_lines()
        self.register_buffer("index", index, persistent=False)
        self.register_buffer("share", share, persistent=False)

    def forward(self, views: Tensor) -> Tensor:
        """Run the network.

        Args:
            views: (B, 3, 224, 416) RGB, normalised with ImageNet's mean and standard deviation.

        Returns:
            (B, 4, tilts, offsets): a heatmap for each edge, in the order of `lines`.
        """
        return self.of_strips(strips(views))

    def of_strips(self, seen: Tensor) -> Tensor:
        """The same from the strips (B, 4, 3, 2 REACH_PX, PLACES) of views."""
        return self.sharpness * self.along_lines(self._evidence(seen).float()[:, :, None])[:, :, 0]

    def along_lines(self, values: Tensor) -> Tensor:
        """Means (B, 4, C, tilts, offsets) along the lines of values (B, 4, C, rows of evidence, PLACES)."""
        flat = values.flatten(3)
        parts = zip(flat.unbind(1), (0, 1, 0, 1), strict=True)
        return torch.stack([self._along(edge, orientation) for edge, orientation in parts], dim=1)

    def _along(self, edge: Tensor, orientation: int) -> Tensor:
        """(B, C, tilts, offsets) of one edge's values (B, C, rows * PLACES), rows one after the other."""
        index, share = self.index[orientation].flatten(), self.share[orientation]
        below, above = (part[..., index].unflatten(2, share.shape) for part in (edge, edge[..., PLACES:]))
        return torch.lerp(below, above, share).mean(dim=-1)

    def _evidence(self, seen: Tensor) -> Tensor:
        """(B, 4, 2 REACH_PX SUBPIXELS, PLACES) from strips (B, 4, 3, 2 REACH_PX, PLACES)."""
        batch = seen.shape[0]
        stem = self.stem(seen.flatten(0, 1)).unflatten(0, (batch, 4)) + self.which_edge
        features = self.each(functional.relu(self.stem_norm(stem.flatten(0, 1))))
        profiles = features.mean(dim=3).unflatten(0, (batch, 4)).flatten(1, 2)
        joint = self.jointly(profiles).unflatten(1, (4, CHANNELS)).flatten(0, 1)
        features = self.each_again(functional.relu(features + joint[..., None]))
        evidence: Tensor = self.evidence(features).transpose(1, 2).flatten(1, 2)
        return evidence.unflatten(0, (batch, 4))


def likeliest(logits: Tensor) -> Tensor:
    """Moves (B, 4, 2), offset and tilt in pixels, in the window around the likeliest line of (B, 4, tilts, offsets)."""
    cells, _ = windowed_dsnt(logits)
    return cells * STEP_PX - torch.tensor([MOST_OFFSET_PX, MOST_TILT_PX], device=logits.device)


def expected(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Expected moves (B, 4, 2) over all lines and their covariances (B, 4, 2, 2).

    Between a rim and the edge, where either may be right, it is the answer whose error is smallest on average.
    """
    heatmaps = spatial_softmax(logits)
    offsets, tilts = (axis.to(logits) for axis in line_axes())
    of_offset, of_tilt = heatmaps.sum(dim=-2), heatmaps.sum(dim=-1)
    moves = torch.stack([(of_offset * offsets).sum(-1), (of_tilt * tilts).sum(-1)], dim=-1)
    from_offset, from_tilt = offsets - moves[..., :1], tilts - moves[..., 1:]
    var_offset, var_tilt = (of_offset * from_offset**2).sum(-1), (of_tilt * from_tilt**2).sum(-1)
    cov = (heatmaps * from_tilt[..., :, None] * from_offset[..., None, :]).sum(dim=(-2, -1))
    return moves, torch.stack([var_offset, cov, cov, var_tilt], dim=-1).unflatten(-1, (2, 2))


def moves_to_cells(moves: Tensor) -> Tensor:
    """Where moves (..., 2) lie in the heatmap of lines; what is beyond its border, on it."""
    most = torch.tensor([MOST_OFFSET_PX, MOST_TILT_PX], device=moves.device)
    return (moves.clamp(-most, most) + most) / STEP_PX


class _Block(nn.Module):
    """Two convolutions around which the features pass unchanged; the first sees further across than along."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(CHANNELS, CHANNELS, (5, 3), padding=(2, 1), bias=False)
        self.first_norm = nn.BatchNorm2d(CHANNELS)
        self.second = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(CHANNELS)

    def forward(self, features: Tensor) -> Tensor:
        between = functional.relu(self.first_norm(self.first(features)))
        return functional.relu(features + self.second_norm(self.second(between)))


def _profile_conv(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv1d(inputs, outputs, kernel_size=7, padding=3), nn.BatchNorm1d(outputs), nn.ReLU()


def line_axes() -> tuple[Tensor, Tensor]:
    """Offsets and tilts of the lines, in pixels."""
    offsets = torch.arange(-MOST_OFFSET_PX, MOST_OFFSET_PX + STEP_PX / 2, STEP_PX)
    return offsets, torch.arange(-MOST_TILT_PX, MOST_TILT_PX + STEP_PX / 2, STEP_PX)


def _places_of_lines() -> tuple[Tensor, Tensor]:
    """Where lines run in evidence whose rows lie one after the other: (2, tilts, offsets, PLACES) each.

    For long and for short edges: the index of the evidence below the line at each place, and the share of the next row.
    """
    offsets, tilts = line_axes()
    across_px = offsets[:, None] + tilts[:, None, None] * places_along()[:2, None, None, :]
    last = 2 * REACH_PX * SUBPIXELS - 1
    rows = across_px * SUBPIXELS + last / 2
    below = rows.floor().clamp(0, last - 1)
    return below.long() * PLACES + torch.arange(PLACES), rows - below
