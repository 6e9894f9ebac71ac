"""Run a locator on labelled photographs; everything is measured in pixels of the 640x480 letterbox."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.frames import PlateLocation, plate_width_px
from pipeline.inference.letterbox import Letterbox
from pipeline.inference.locator import Locator
from pipeline.model.photographs import Photograph, Plate

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
    def found_width_px(self) -> float:
        """Width of the plate that was found."""
        return plate_width_px(self.location.corners_px)

    @property
    def width_bias(self) -> float:
        """Found over labelled width, minus 1."""
        return self.found_width_px / self.width_px - 1

    @property
    def found(self) -> bool:
        """Whether the answer is this plate: a mean corner error under a quarter of its width."""
        return self.error_px < FOUND_SHARE_OF_WIDTH * self.width_px


def measure(locator: Locator, photographs: Iterable[Photograph]) -> list[Result]:
    """Run a locator on every photograph."""
    return [compare(photograph, locator.locate([photograph.read()])[0]) for photograph in photographs]


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
