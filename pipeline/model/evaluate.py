"""Measure a network on labelled photographs: `python -m pipeline.model.evaluate --data INDEX --split dev`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.frames import PlateLocation
from pipeline.model.dataset import Photograph, to_tensor
from pipeline.model.dsnt import cells_to_px, windowed_dsnt
from pipeline.model.network import STRIDE_PX, DilatedResNet50DSNT

Locate = Callable[[NDArray[np.uint8]], PlateLocation]

WIDTH_PX, HEIGHT_PX = 640, 480
FOUND_SHARE_OF_WIDTH = 0.25
"""A plate is found when the mean error of its corners is under this share of its width."""


@dataclass(frozen=True, eq=False)
class Result:
    """One photograph: what was labelled and what was found, in pixels of its 640x480 letterbox."""

    photograph: Photograph
    corners_px: NDArray[np.float64] | None
    location: PlateLocation

    @property
    def width_px(self) -> float:
        """Labelled width of the plate."""
        assert self.corners_px is not None
        top, bottom = self.corners_px[1] - self.corners_px[0], self.corners_px[2] - self.corners_px[3]
        return float(np.linalg.norm(top) + np.linalg.norm(bottom)) / 2

    @property
    def error_px(self) -> float:
        """Mean distance of the four corners from their labels."""
        assert self.corners_px is not None
        return float(np.linalg.norm(self.location.corners_px - self.corners_px, axis=1).mean())

    @property
    def found(self) -> bool:
        """Whether the answer is this plate at all."""
        return self.error_px < FOUND_SHARE_OF_WIDTH * self.width_px


def to_evaluation_size(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float, NDArray[np.float64]]:
    """The 640x480 letterbox of a photograph, with the scale and the offset (2,) that map its pixels there."""
    height, width = image.shape[:2]
    scale = min(WIDTH_PX / width, HEIGHT_PX / height)
    size = round(width * scale), round(height * scale)
    left, top = (WIDTH_PX - size[0]) // 2, (HEIGHT_PX - size[1]) // 2
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    letterbox = np.full((HEIGHT_PX, WIDTH_PX, 3), 114, np.uint8)
    letterbox[top : top + size[1], left : left + size[0]] = cv2.resize(image, size, interpolation=interpolation)
    return letterbox, scale, 0.5 * scale - 0.5 + np.array([left, top])


def evaluate(locate: Locate, photographs: Sequence[Photograph]) -> list[Result]:
    """Run a locator on every photograph."""
    results = []
    for photograph in photographs:
        image, scale, offset = to_evaluation_size(photograph.read())
        plate = photograph.closest
        corners = None if plate is None else plate.corners_px * scale + offset
        results.append(Result(photograph, corners, locate(image)))
    return results


def network_locator(network: DilatedResNet50DSNT) -> Locate:
    """A locator that runs a network of torch on one image."""

    @torch.inference_mode()
    def locate(image: NDArray[np.uint8]) -> PlateLocation:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits, presence = network(to_tensor(image)[None].contiguous(memory_format=torch.channels_last))
        means, covariances = windowed_dsnt(logits)
        corners = cells_to_px(means, STRIDE_PX)[0].double().numpy()
        return PlateLocation(float(presence.sigmoid()), corners, covariances[0].double().numpy() * STRIDE_PX**2)

    return locate


def summary(results: Sequence[Result]) -> dict[str, float]:
    """Found rate and corner errors over the plates that were found."""
    labelled = [result for result in results if result.corners_px is not None]
    found = [result for result in labelled if result.found]
    errors = np.array([result.error_px for result in found]) if found else np.array([np.nan])
    relative = np.array([result.error_px / result.width_px for result in found]) if found else np.array([np.nan])
    return {
        "plates": len(labelled),
        "found_percent": round(100 * len(found) / max(1, len(labelled)), 2),
        "mean_px": round(float(errors.mean()), 3),
        "median_px": round(float(np.median(errors)), 3),
        "p90_px": round(float(np.percentile(errors, 90)), 3),
        "median_percent_of_width": round(100 * float(np.median(relative)), 3),
    }
