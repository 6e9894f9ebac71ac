"""What the picture alone says of each line: how much it changes across it.

The network has learned edges from drawn plates and from labels that are themselves off by a pixel; on photographs it
is surer of itself than right. The change across a line has learned nothing: it cannot tell a rim from the edge, but it
is as good on one kind of picture as on another. Both together choose better than either (docs/accuracy.md).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.model.edges.network import SUBPIXELS, EdgeNetwork, line_axes

BLUR_PX = 0.7
"""Standard deviation of the Gaussian whose derivative measures change."""
NOISE = 0.009
"""Added to the change before its logarithm is taken, so that flat areas give no large negative numbers.

Half a grey level a pixel, in ImageNet's standard deviations.
"""
WEIGHT = 2.0
"""A line counts by this power of the change across it."""
PRIOR_SD_PX = (3.0, 2.4)
"""Of offset and tilt: how far the rectified look's edges are off at most, as a rule."""


def with_contrast(logits: Tensor, seen: Tensor, network: EdgeNetwork) -> Tensor:
    """The network's logits (B, 4, tilts, offsets) of the lines, with what strips (B, 4, 3, across, along) show."""
    change = network.along_lines(change_across(seen)).square().sum(dim=2).sqrt()
    offsets, tilts = (axis.to(logits) for axis in line_axes())
    prior = (offsets / PRIOR_SD_PX[0]).square() + (tilts / PRIOR_SD_PX[1]).square()[:, None]
    return logits + WEIGHT * torch.log(change + NOISE) - 0.5 * prior


def change_across(seen: Tensor) -> Tensor:
    """Derivatives across, (B, 4, 3, SUBPIXELS rows, along), of strips (B, 4, 3, rows, along), outward, a pixel."""
    radius = round(4 * BLUR_PX)
    rows = seen.flatten(0, 2)[:, None]
    padded = functional.pad(rows, (0, 0, radius, radius), mode="replicate")
    change = functional.conv2d(padded, _kernels(radius).to(seen))
    return change.transpose(1, 2).flatten(1, 2).unflatten(0, seen.shape[:3])


def _kernels(radius: int) -> Tensor:
    """(SUBPIXELS, 1, 2 radius + 1, 1): the Gaussian's derivative at each row of a pixel; a slope of 1 gives 1."""
    places = (
        torch.arange(-radius, radius + 1)
        - (torch.arange(SUBPIXELS)[:, None] - (SUBPIXELS - 1) / 2) / SUBPIXELS
    )
    weights = places * torch.exp(-0.5 * (places / BLUR_PX) ** 2)
    weights = weights - weights.mean(dim=1, keepdim=True)
    return (weights / (weights * places).sum(dim=1, keepdim=True))[:, None, :, None]
