"""A training run of a small network of its own: weights, their moving average, the optimiser, and the checkpoint.

What is trained, on which losses and how fast, is said by the runs made of this: `rectified.training`, `edges.training`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from pipeline.model.checkpoint import contents_of, read_checkpoint, write_checkpoint
from pipeline.model.loop import computes_bfloat16
from pipeline.model.schedule import average_decay, half_cosine, ramp

STATE = {"plan", "step", "covariance_scale", "network", "average", "optimizer"}
WARM_UP_STEPS, RATE_FLOOR = 100, 0.01
AVERAGE_DECAY = 0.998
WEIGHT_DECAY = 0.02

NetworkT = TypeVar("NetworkT", bound=nn.Module)


class AveragedTraining(ABC, Generic[NetworkT]):
    """The state of a run and the step that advances it; `average` is what is evaluated and exported.

    Attributes:
        owner: what is trained, as errors name it.
        network_type, plan_type: its class, and that of its plan.
        plan: what two runs must share to give the same network; a dataclass of numbers, its seed among them.
        step: optimiser steps so far.
        covariance_scale: what calibration multiplies the network's own variances with; 1 if there is none.
    """

    owner: str
    network_type: type[NetworkT]
    plan_type: type

    def __init__(self, plan: Any) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.step, self.covariance_scale = plan, 0, 1.0
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.bfloat16 = computes_bfloat16(self.device)
        self.network = self.network_type().to(self.device).to(memory_format=torch.channels_last)
        self.average = AveragedModel(self.network, avg_fn=_moved_towards, use_buffers=True)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), weight_decay=WEIGHT_DECAY)

    @property
    @abstractmethod
    def steps(self) -> int:
        """Optimiser steps at the end of the plan."""

    @abstractmethod
    def losses(self, views: Tensor, corners_px: Tensor, presence: Tensor) -> dict[str, Tensor]:
        """Weighted losses of a batch, whose sum is minimised."""

    @abstractmethod
    def learning_rate(self) -> float:
        """Of the step that comes."""

    def train_step(self, views: Tensor, corners_px: Tensor, presence: Tensor) -> dict[str, float]:
        """One optimiser step on a batch of what the network sees; returns the losses."""
        self.optimizer.param_groups[0]["lr"] = self.learning_rate()
        parts = self.losses(*(part.to(self.device) for part in (views, corners_px, presence)))
        self.optimizer.zero_grad(set_to_none=True)
        sum(parts.values(), torch.zeros((), device=self.device)).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return {name: part.item() for name, part in parts.items()}

    def averaged(self) -> NetworkT:
        """The averaged network, ready for use."""
        network = self.average.module
        assert isinstance(network, self.network_type)
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
    def load(cls, path: Path) -> Self:
        """The run as it was when the checkpoint was written.

        Raises:
            GateError: not a checkpoint of such a run.
        """
        state = read_checkpoint(path, STATE, cls.owner)
        with contents_of(path, cls.owner):
            training = cls(cls.plan_type(**state["plan"]))
            training.network.load_state_dict(state["network"])
            training.average.load_state_dict(state["average"])
            training.optimizer.load_state_dict(state["optimizer"])
            training.step, training.covariance_scale = int(state["step"]), float(state["covariance_scale"])
        return training


def ramp_and_cosine(step: int, steps: int) -> float:
    """Share of the peak learning rate at a step: a short ramp, then a half cosine that falls to nothing."""
    return ramp(step, WARM_UP_STEPS) * half_cosine(step, steps, RATE_FLOOR)


def _moved_towards(kept: Tensor, new: Tensor, steps: Tensor | int) -> Tensor:
    """The moving average after a step."""
    decay = average_decay(AVERAGE_DECAY, int(steps))
    return kept.lerp(new, 1 - decay) if kept.dtype.is_floating_point else new
