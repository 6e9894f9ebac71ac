"""The corner loss: Jensen-Shannon divergence of the heatmaps and distances of their expectations, as pure functions.

Reference: Nibali et al. 2018, as in `dsnt`. Shapes: B images, K keypoints, heatmaps of h x w cells.
"""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
import torch
from msgspec import Meta
from torch import Tensor

from pipeline.model.dsnt import (
    OUTSIDE,
    Window,
    dsnt,
    gaussian_heatmaps,
    normalized_to_cells,
    spatial_softmax,
    window_around_peak,
)

LARGEST = sys.float_info.max
"""What is larger is infinite."""
NotNegative = Annotated[float, Meta(ge=0, le=LARGEST)]


class LossWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the terms of `corner_loss` are weighed.

    Attributes:
        divergence: of the Jensen-Shannon divergence, per nat.
        distance: of the distance between the expectation over the whole heatmap and the corner, per cell.
        windowed: of the same distance within the decoding window, per cell.
    """

    divergence: NotNegative
    distance: NotNegative
    windowed: NotNegative


def corner_loss(logits: Tensor, corners_cells: Tensor, sigma_cells: float, weights: LossWeights) -> Tensor:
    """Loss of every corner, (B, K): Euclidean distances in cells + Jensen-Shannon regularisation.

    Eq. 10 of the reference, and a distance in the window that decoding looks at. The distances aim at the expectation
    of the target heatmap rather than at the corner itself: away from borders they are the same, and where a border or
    the window cuts the heatmap off, all terms then agree.

    Args:
        logits: (B, K, h, w).
        corners_cells: (B, K, 2) true corners in cells.
        sigma_cells: standard deviation of the target Gaussian.
        weights: of the terms.
    """
    heatmaps = spatial_softmax(logits.float())
    size_cells = (logits.shape[-1], logits.shape[-2])
    targets = gaussian_heatmaps(corners_cells, size_cells, sigma_cells)
    loss = weights.divergence * js_divergence(heatmaps, targets)
    if weights.distance:
        expected = normalized_to_cells(dsnt(heatmaps), size_cells)
        wanted = normalized_to_cells(dsnt(targets), size_cells)
        loss = loss + weights.distance * euclidean_distance(expected, wanted)
    if weights.windowed:
        loss = loss + weights.windowed * _windowed_distance(logits.float(), targets)
    return loss


def _windowed_distance(logits: Tensor, targets: Tensor) -> Tensor:
    """Distance of the expectations of heatmaps and targets in the decoding window, in cells, (B, K).

    0 where the window misses the target: there is nothing to refine before the peak is at the right place.
    """
    window = window_around_peak(logits)
    heatmaps = spatial_softmax(logits.masked_fill(~window.inside, OUTSIDE))
    cut = targets * window.inside
    mass = cut.sum(dim=(-2, -1), keepdim=True)
    hit = mass > 0.5
    cut = torch.where(hit, cut / mass.clamp_min(0.5), heatmaps.detach())
    return euclidean_distance(_mean_offset(heatmaps, window), _mean_offset(cut, window)) * hit[..., 0, 0]


def _mean_offset(heatmaps: Tensor, window: Window) -> Tensor:
    """Expected position against the window's centre, (B, K, 2) in cells."""
    x = (heatmaps.sum(dim=-2) * window.x_cells).sum(dim=-1)
    y = (heatmaps.sum(dim=-1) * window.y_cells).sum(dim=-1)
    return torch.stack((x, y), dim=-1)


def js_divergence(p: Tensor, q: Tensor) -> Tensor:
    """Jensen-Shannon divergence in nats of two sets of heatmaps, (B, K, h, w) each -> (B, K), in [0, ln 2]."""
    middle = 0.5 * (p + q)
    return 0.5 * (_kl_divergence(p, middle) + _kl_divergence(q, middle))


def _kl_divergence(p: Tensor, q: Tensor) -> Tensor:
    smallest = torch.finfo(p.dtype).tiny
    return (p * (p.clamp_min(smallest).log() - q.clamp_min(smallest).log())).sum(dim=(-2, -1))


def euclidean_distance(a: Tensor, b: Tensor) -> Tensor:
    """Distance along the last axis; the tiny constant keeps the gradient finite where the points coincide."""
    return ((a - b).square().sum(dim=-1) + 1e-12).sqrt()
