"""One training run: the network, its moving average, the optimiser and the step; all that a checkpoint holds."""

from __future__ import annotations

import copy
import math
from dataclasses import asdict
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.model.calibration import Calibration
from pipeline.model.checkpoint import contents_of, read_checkpoint, write_checkpoint
from pipeline.model.dsnt import px_to_cells
from pipeline.model.loop import computes_bfloat16
from pipeline.model.loss import corner_loss
from pipeline.model.network import STRIDE_PX, DilatedResNet50DSNT
from pipeline.model.recipe import Recipe
from pipeline.model.schedule import average_decay, half_cosine, ramp
from pipeline.model.weights import load_exported, load_imagenet

OWNER = "the large network"
STATE = {
    "recipe",
    "stride_on_first_conv",
    "learn_statistics",
    "stride_px",
    "step",
    "calibration",
    "network",
    "average",
    "optimizer",
}
WARM_UP_STEPS, RATE_FLOOR = 40, 0.02
FROZEN = ("stem", "layer1")
"""ImageNet's first filters stay as they are: they are the costliest to train and have the least to learn here."""


class Training:
    """The state of a run and the step that advances it.

    `average` is the moving average of the weights, the network that is evaluated and exported. `calibration` is
    measured on validation photographs when the run ends. A GPU is used where torch finds one. `bfloat16` tells whether
    convolutions are computed in that precision.
    """

    def __init__(
        self,
        recipe: Recipe,
        stride_on_first_conv: bool,
        learn_statistics: bool = True,
        stride_px: int = STRIDE_PX,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.learn_statistics = learn_statistics
        self.step = 0
        self.calibration = Calibration()
        network = DilatedResNet50DSNT(stride_on_first_conv, stride_px)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.bfloat16 = computes_bfloat16(self.device)
        self.network = network.to(self.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        for name in FROZEN:
            self.network.get_submodule(name).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self._parameter_groups(), weight_decay=recipe.weight_decay)

    @property
    def steps(self) -> int:
        """Optimiser steps at the end of the recipe."""
        return self.recipe.steps

    def _parameter_groups(self) -> list[dict]:
        fresh = [*self.network.layer4.parameters(), *self.network.heatmaps.parameters()]
        fresh += [*self.network.evidence.parameters()]
        pretrained = [*self.network.layer2.parameters(), *self.network.layer3.parameters()]
        return [{"params": pretrained, "name": "pretrained"}, {"params": fresh, "name": "fresh"}]

    def start_from_imagenet(self, weights_file: Path | None) -> list[str]:
        """Load the backbone; returns the names of the tensors that stay random."""
        missing = load_imagenet(self.network, weights_file)
        self.average.load_state_dict(self.network.state_dict())
        return missing

    @classmethod
    def start_from_exported(cls, recipe: Recipe, model: Path) -> Training:
        """A new run that goes on from an exported network; its batch statistics, folded there, stay as they are."""
        network = load_exported(model)
        training = cls(recipe, network.stride_on_first_conv, learn_statistics=False)
        training.network.load_state_dict(network.state_dict())
        training.average.load_state_dict(network.state_dict())
        return training

    def train_step(self, images: Tensor, corners_px: Tensor, presence: Tensor) -> dict[str, float]:
        """One optimiser step on a batch; returns the losses."""
        self._set_mode_and_rates()
        images = images.to(self.device, memory_format=torch.channels_last)
        corners_px, presence = corners_px.to(self.device), presence.to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bfloat16):
            logits, presence_logits = self.network(images)
        recipe, has_plate = self.recipe, presence > 0.5
        phase, _ = recipe.at(self.step)
        targets_cells = px_to_cells(corners_px[has_plate], self.network.stride_px)
        corners = corner_loss(logits[has_plate], targets_cells, recipe.sigma_cells, phase.loss)
        corner = corners.mean() if has_plate.any() else logits.sum() * 0
        presence_loss = functional.binary_cross_entropy_with_logits(presence_logits, presence)
        self.optimizer.zero_grad(set_to_none=True)
        (corner + recipe.presence_weight * presence_loss).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self._update_average()
        self.step += 1
        return {"corner": corner.item(), "presence": presence_loss.item()}

    def _set_mode_and_rates(self) -> None:
        """Pretrained batch statistics are kept; a fresh layer4's are learned. One warm-up and cosine a phase."""
        self.network.eval()
        self.network.layer4.train(self.learn_statistics)
        phase, step = self.recipe.at(self.step)
        rate = phase.learning_rate * ramp(step, WARM_UP_STEPS) * half_cosine(step, phase.steps, RATE_FLOOR)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * (phase.pretrained_rate if group["name"] == "pretrained" else 1.0)

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = average_decay(self.recipe.average_decay, self.step)
        for kept, new in zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if kept.dtype.is_floating_point:
                kept.lerp_(new, 1 - decay)

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        state = {
            "recipe": msgspec.to_builtins(self.recipe),
            "stride_on_first_conv": self.network.stride_on_first_conv,
            "learn_statistics": self.learn_statistics,
            "stride_px": self.network.stride_px,
            "step": self.step,
            "calibration": asdict(self.calibration),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        write_checkpoint(path, state)

    @classmethod
    def load(cls, path: Path) -> Training:
        """The run as it was when the checkpoint was written.

        Raises:
            GateError: not a checkpoint of such a run.
        """
        state = read_checkpoint(path, STATE, OWNER)
        with contents_of(path, OWNER):
            recipe = msgspec.convert(state["recipe"], Recipe)
            training = cls(
                recipe, state["stride_on_first_conv"], state["learn_statistics"], state["stride_px"]
            )
            training.network.load_state_dict(state["network"])
            training.average.load_state_dict(state["average"])
            training.optimizer.load_state_dict(state["optimizer"])
            training.step, training.calibration = int(state["step"]), _calibration(state["calibration"])
        return training


def load_network(path: Path) -> tuple[DilatedResNet50DSNT, Calibration]:
    """The averaged network of a checkpoint, ready for evaluation and export, and its calibration.

    Raises:
        GateError: not a checkpoint of the large network.
    """
    state = read_checkpoint(path, STATE, OWNER)
    with contents_of(path, OWNER):
        network = DilatedResNet50DSNT(state["stride_on_first_conv"], state["stride_px"])
        network.load_state_dict(state["average"])
        calibration = _calibration(state["calibration"])
    return network.eval().requires_grad_(False), calibration


def _calibration(stated: dict[str, float]) -> Calibration:
    if not all(map(math.isfinite, stated.values())):
        raise ValueError("a number of its calibration is not finite")
    return Calibration(**stated)
