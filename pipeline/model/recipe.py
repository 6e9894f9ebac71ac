"""The training recipe: a small TOML file that names every choice of a training run."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pipeline.errors import GateError
from pipeline.model.loss import LossWeights

DEFAULT_RECIPE = Path(__file__).parent / "recipe.toml"


class Phase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the training with one image size and one learning-rate cycle.

    Attributes:
        width_px, height_px: size of the training images; both divide by 8.
        steps: optimiser steps.
        batch: images a step.
        learning_rate: peak rate of the fresh layers (layer4 and the heads).
        pretrained_rate: peak rate of the ImageNet layers, as a share of `learning_rate`.
        plate_width_px: smallest and largest width of the target plate in the training image.
        drawn_share: share of the images with a plate in which a drawn one, with exact corners, takes its place.
        loss: weights of the terms of the corner loss (`loss.LossWeights`).
    """

    width_px: int
    height_px: int
    steps: int
    batch: int
    learning_rate: float
    pretrained_rate: float
    plate_width_px: tuple[float, float]
    drawn_share: float
    loss: LossWeights


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that two runs must share to give the same network.

    Attributes:
        seed: of initialisation and of every sample.
        sigma_cells: standard deviation of the target heatmaps, in cells of 8 px.
        presence_weight: weight of the presence cross entropy, per nat.
        average_decay: the weights that are kept are an exponential moving average with this decay a step.
        weight_decay: of AdamW.
        phase: the phases in their order.
    """

    seed: int
    sigma_cells: float
    presence_weight: float
    average_decay: float
    weight_decay: float
    phase: tuple[Phase, ...]

    @property
    def steps(self) -> int:
        """Steps of all phases together."""
        return sum(phase.steps for phase in self.phase)

    def at(self, step: int) -> tuple[Phase, int]:
        """The phase that holds a step of the whole run, and the number of the step within that phase."""
        for phase in self.phase:
            if step < phase.steps:
                return phase, step
            step -= phase.steps
        raise IndexError("step beyond the end of the recipe")


def load_recipe(path: Path) -> Recipe:
    """Read a recipe; what is wrong in it is named with its place."""
    try:
        recipe = msgspec.toml.decode(path.read_bytes(), type=Recipe)
    except OSError as error:
        raise GateError(f"{path}: cannot be read ({error.strerror})") from error
    except msgspec.DecodeError as error:
        raise GateError(f"{path}: {error}") from error
    if any(phase.width_px % 8 or phase.height_px % 8 for phase in recipe.phase):
        raise GateError(f"{path}: width_px and height_px of every phase must divide by 8")
    return recipe
