"""One training run of the rectified network: the hourglass alone first, then the whole network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.model.averaged import AveragedTraining, ramp_and_cosine
from pipeline.model.rectified.loss import losses
from pipeline.model.rectified.network import RectifiedNetwork


@dataclass(frozen=True)
class Plan:
    """What two runs must share to give the same network.

    Attributes:
        coarse_steps: optimiser steps in which the hourglass is trained alone.
        steps: those after them, in which the whole network is.
        images: images a step.
        learning_rate: its peak in both parts; over each it falls to nothing, as a half cosine.
        drawn_share: share of the images with a plate in which a drawn one takes its place.
        seed: of initialisation and of every sample.
    """

    coarse_steps: int = 10000
    steps: int = 5200
    images: int = 12
    learning_rate: float = 2e-3
    drawn_share: float = 0.7
    seed: int = 20261125

    @property
    def all_steps(self) -> int:
        """Those of both parts."""
        return self.coarse_steps + self.steps


class RectifiedTraining(AveragedTraining[RectifiedNetwork]):
    """The run and the step that advances it."""

    owner = "the rectified network"
    network_type, plan_type = RectifiedNetwork, Plan
    plan: Plan

    @property
    def steps(self) -> int:
        """Optimiser steps at the end of the plan."""
        return self.plan.all_steps

    def losses(self, views: Tensor, corners_px: Tensor, presence: Tensor) -> dict[str, Tensor]:
        """Of the part of the network that is trained at this step (`samples.RectifiedSamples`)."""
        network = self.network.coarse if self._is_coarse else self.network
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bfloat16):
            answer = network(views.contiguous(memory_format=torch.channels_last))
        return losses(answer, corners_px, presence)

    def learning_rate(self) -> float:
        """Of the step that comes: a ramp and a cosine in each part of the run."""
        plan = self.plan
        first, steps = (0, plan.coarse_steps) if self._is_coarse else (plan.coarse_steps, plan.steps)
        return plan.learning_rate * ramp_and_cosine(self.step - first, steps)

    @property
    def _is_coarse(self) -> bool:
        return self.step < self.plan.coarse_steps
