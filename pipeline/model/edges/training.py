"""One training run of the edge network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.model.averaged import AveragedTraining, ramp_and_cosine
from pipeline.model.dsnt import gaussian_heatmaps
from pipeline.model.edges.lines import edge_moves
from pipeline.model.edges.network import EdgeNetwork, likeliest, moves_to_cells

SIGMA_CELLS = 1.0
"""Standard deviation of the target heatmaps of lines."""
DISTANCE_WEIGHT = 0.5
SOFTENED_PX = 0.1
"""Distances much smaller than this count by their square."""


@dataclass(frozen=True)
class Plan:
    """What two runs must share to give the same network.

    Attributes:
        images: so many are drawn once, and seen several times.
        steps: optimiser steps.
        views: views a step, of as many images.
        learning_rate: its peak; it falls to nothing, as a half cosine.
        drawn_share: share of the images in which a drawn plate takes the place of the photographed one.
        seed: of initialisation and of every sample.
    """

    images: int = 15000
    steps: int = 3500
    views: int = 32
    learning_rate: float = 2e-3
    drawn_share: float = 0.75
    seed: int = 20261126


class EdgeTraining(AveragedTraining[EdgeNetwork]):
    """The run and the step that advances it."""

    owner = "the edge network"
    network_type, plan_type = EdgeNetwork, Plan
    plan: Plan

    @property
    def steps(self) -> int:
        """Optimiser steps at the end of the plan."""
        return self.plan.steps

    def losses(self, views: Tensor, corners_px: Tensor, presence: Tensor) -> dict[str, Tensor]:
        """Of strips of views and their true corners (`prepared`); each shows a plate."""
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bfloat16):
            logits = self.network.of_strips(views)
        return losses(logits, corners_px)

    def learning_rate(self) -> float:
        """Of the step that comes."""
        return self.plan.learning_rate * ramp_and_cosine(self.step, self.plan.steps)


def losses(logits: Tensor, corners_px: Tensor) -> dict[str, Tensor]:
    """Mean losses of a batch, weighted.

    The cross entropy makes the heatmap of lines a distribution that can be believed, wide where labels scatter; the
    distance makes its likeliest line exact.

    Args:
        logits: (B, 4, tilts, offsets) of the lines.
        corners_px: (B, 4, 2) true corners in the view.
    """
    true_moves = edge_moves(corners_px)
    targets = gaussian_heatmaps(moves_to_cells(true_moves), (logits.shape[3], logits.shape[2]), SIGMA_CELLS)
    distance_px = ((likeliest(logits) - true_moves).square().sum(dim=-1) + SOFTENED_PX**2).sqrt()
    return {
        "line": functional.cross_entropy(logits.flatten(2).flatten(0, 1), targets.flatten(2).flatten(0, 1)),
        "distance": DISTANCE_WEIGHT * distance_px.mean(),
    }
