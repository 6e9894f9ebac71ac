"""The training recipe: a small TOML file that names every choice of a training run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from pipeline.errors import GateError
from pipeline.files import read_toml
from pipeline.model.loss import LARGEST, LossWeights, NotNegative
from pipeline.model.network import STRIDE_PX

DEFAULT_RECIPE = Path(__file__).parent / "recipe.toml"

Side = Annotated[int, Meta(ge=STRIDE_PX, multiple_of=STRIDE_PX)]
Count = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0, le=LARGEST)]


class Phase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the training with one image size and one learning-rate cycle.

    Attributes:
        width_px, height_px: size of the training images; both divide by the stride, 8.
        steps: optimiser steps.
        batch: images a step.
        learning_rate: peak rate of the fresh layers (layer4 and the heads).
        pretrained_rate: peak rate of the ImageNet layers, as a share of `learning_rate`.
        plate_width_px: smallest and largest width of the target plate in the training image.
        drawn_share: share of the images with a plate in which a drawn one, with exact corners, takes its place.
        loss: weights of the terms of the corner loss (`loss.LossWeights`).
    """

    width_px: Side
    height_px: Side
    steps: Count
    batch: Count
    learning_rate: Positive
    pretrained_rate: Share
    plate_width_px: tuple[Positive, Positive]
    drawn_share: Share
    loss: LossWeights

    def __post_init__(self) -> None:
        if self.plate_width_px[0] > self.plate_width_px[1]:
            raise ValueError("the smallest plate_width_px comes first")


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

    seed: Natural
    sigma_cells: Positive
    presence_weight: NotNegative
    average_decay: Annotated[float, Meta(ge=0, lt=1)]
    weight_decay: NotNegative
    phase: Annotated[tuple[Phase, ...], Meta(min_length=1)]

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
        return msgspec.convert(read_toml(path, "recipe"), Recipe)
    except msgspec.ValidationError as error:
        raise GateError(f"{path}: {error}") from error
