"""One training run of the rectified network: weights, their moving average, the optimiser, and the checkpoint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from pipeline.errors import GateError
from pipeline.model.checkpoint import read_checkpoint, write_checkpoint
from pipeline.model.loop import computes_bfloat16
from pipeline.model.rectified.loss import losses
from pipeline.model.rectified.network import RectifiedNetwork

STATE = {"plan", "step", "covariance_scale", "network", "average", "optimizer"}
WARM_UP_STEPS = 100
AVERAGE_DECAY = 0.998
WEIGHT_DECAY = 0.02


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


class RectifiedTraining:
    """The state of a run and the step that advances it; `average` is what is evaluated and exported."""

    def __init__(self, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.step, self.covariance_scale = plan, 0, 1.0
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.bfloat16 = computes_bfloat16(self.device)
        self.network = RectifiedNetwork().to(self.device).to(memory_format=torch.channels_last)
        self.average = AveragedModel(self.network, avg_fn=_moved_towards, use_buffers=True)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), weight_decay=WEIGHT_DECAY)

    @property
    def steps(self) -> int:
        """Optimiser steps at the end of the plan."""
        return self.plan.all_steps

    def train_step(self, views: Tensor, corners_px: Tensor, presence: Tensor) -> dict[str, float]:
        """One optimiser step on a batch (`samples.RectifiedSamples`); returns the losses."""
        coarse = self.step < self.plan.coarse_steps
        self.optimizer.param_groups[0]["lr"] = self._learning_rate(coarse)
        network = self.network.coarse if coarse else self.network
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bfloat16):
            answer = network(views.to(self.device, memory_format=torch.channels_last))
        parts = losses(answer, corners_px.to(self.device), presence.to(self.device))
        self.optimizer.zero_grad(set_to_none=True)
        sum(parts.values(), torch.zeros((), device=self.device)).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return {name: part.item() for name, part in parts.items()}

    def _learning_rate(self, coarse: bool) -> float:
        """Of this step: a short ramp, then a half cosine, in each part of the run."""
        first, steps = (0, self.plan.coarse_steps) if coarse else (self.plan.coarse_steps, self.plan.steps)
        ramp = min(1.0, (self.step - first + 1) / WARM_UP_STEPS)
        cosine = 0.5 * (1 + math.cos(math.pi * (self.step - first) / steps))
        return self.plan.learning_rate * ramp * (0.01 + 0.99 * cosine)

    def averaged(self) -> RectifiedNetwork:
        """The averaged network, ready for use."""
        network = self.average.module
        assert isinstance(network, RectifiedNetwork)
        return network.eval()

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        state = {
            "plan": vars(self.plan),
            "step": self.step,
            "covariance_scale": self.covariance_scale,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        write_checkpoint(path, state)

    @classmethod
    def load(cls, path: Path) -> RectifiedTraining:
        """The run as it was when the checkpoint was written.

        Raises:
            GateError: not a checkpoint of such a run.
        """
        state = read_checkpoint(path, STATE, "the rectified network")
        try:
            training = cls(Plan(**state["plan"]))
            training.network.load_state_dict(state["network"])
            training.average.load_state_dict(state["average"])
            training.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise GateError(
                f"{path}: not a checkpoint of the rectified network as it is now ({reason})"
            ) from error
        training.step, training.covariance_scale = state["step"], state["covariance_scale"]
        return training


def _moved_towards(kept: Tensor, new: Tensor, steps: Tensor | int) -> Tensor:
    """The moving average after a step; over fewer steps at first, so that the random start is soon forgotten."""
    decay = min(AVERAGE_DECAY, (int(steps) + 1) / (int(steps) + 10))
    return kept.lerp(new, 1 - decay) if kept.dtype.is_floating_point else new
