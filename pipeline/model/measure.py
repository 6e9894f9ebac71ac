"""Run a locator on labelled photographs; everything is measured in pixels of the 640x480 letterbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.frames import PlateLocation
from pipeline.inference.letterbox import Letterbox
from pipeline.model.dataset import Photograph, Plate, to_tensor
from pipeline.model.dsnt import cells_to_px, windowed_dsnt
from pipeline.model.network import DilatedResNet50DSNT

Locate = Callable[[NDArray[np.uint8]], PlateLocation]
"""From a photograph (height, width, 3) uint8 BGR to the plate in its own pixels."""

SIZE_PX = (640, 480)
FOUND_SHARE_OF_WIDTH = 0.25


@dataclass(frozen=True, eq=False)
class Result:
    """One photograph: the labelled closest plate (None where there is no plate) and what the network said."""

    photograph: Photograph
    plate: Plate | None
    location: PlateLocation

    @property
    def errors_px(self) -> NDArray[np.float64]:
        """(4, 2) found minus labelled corners."""
        assert self.plate is not None
        return self.location.corners_px - self.plate.corners_px

    @property
    def error_px(self) -> float:
        """Mean distance of the four corners from their labels."""
        return float(np.linalg.norm(self.errors_px, axis=1).mean())

    @property
    def width_px(self) -> float:
        """Labelled width of the plate."""
        assert self.plate is not None
        return self.plate.width_px

    @property
    def width_bias(self) -> float:
        """Found over labelled width, minus 1."""
        return Plate(self.location.corners_px, "found").width_px / self.width_px - 1

    @property
    def found(self) -> bool:
        """Whether the answer is this plate: a mean corner error under a quarter of its width."""
        return self.error_px < FOUND_SHARE_OF_WIDTH * self.width_px


def measure(locate: Locate, photographs: Iterable[Photograph]) -> list[Result]:
    """Run a locator on every photograph."""
    return [compare(photograph, locate(photograph.read())) for photograph in photographs]


def compare(photograph: Photograph, location: PlateLocation) -> Result:
    """An answer in the photograph's own pixels beside its label, both brought to the letterbox."""
    box = Letterbox.fit((photograph.width_px, photograph.height_px), SIZE_PX)
    closest = photograph.closest
    return Result(
        photograph,
        None if closest is None else Plate(box.to_input_px(closest.corners_px), closest.label),
        PlateLocation(
            location.presence,
            box.to_input_px(location.corners_px),
            location.corner_cov_px2 * np.outer(box.scale, box.scale),
        ),
    )


def network_locator(
    network: DilatedResNet50DSNT, covariance_scale: float = 1.0, bfloat16: bool = False
) -> Locate:
    """A locator that runs a network of torch on the letterbox; `bfloat16` is about four times faster and less exact."""

    def locate(image: NDArray[np.uint8]) -> PlateLocation:
        box = Letterbox.fit((image.shape[1], image.shape[0]), SIZE_PX)
        logits, presence = run_network(network, image, box, bfloat16)
        means, covariances = windowed_dsnt(logits)
        return to_location(presence, means, covariances * covariance_scale, network.stride_px, box)

    return locate


@torch.inference_mode()
def run_network(
    network: DilatedResNet50DSNT, image: NDArray[np.uint8], box: Letterbox, bfloat16: bool = False
) -> tuple[Tensor, Tensor]:
    """Heatmap logits (1, 4, h, w) and presence logit (1,) of a photograph (height, width, 3) uint8 BGR."""
    letterboxed = np.empty((SIZE_PX[1], SIZE_PX[0], 3), np.uint8)
    box.draw(image, letterboxed)
    batch = to_tensor(letterboxed)[None].contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
        return network(batch)


def to_location(
    presence: Tensor, means: Tensor, covariances: Tensor, stride_px: int, box: Letterbox
) -> PlateLocation:
    """The plate in the photograph's own pixels, from the logit (1,) and decoded cells (1, 4, 2) and (1, 4, 2, 2)."""
    return PlateLocation(
        presence=presence.sigmoid().item(),
        corners_px=box.to_image_px(cells_to_px(means, stride_px)[0].double().numpy()),
        corner_cov_px2=box.cov_to_image_px2(covariances[0].double().numpy() * stride_px**2),
    )
