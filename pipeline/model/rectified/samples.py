"""What the rectified look is trained on: views of training images around corners that are nearly right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from pipeline.frames import CORNER_SIGNS, plate_width_px
from pipeline.inference.rectify import is_convex, rectified, transform_points
from pipeline.model.augment import Sample
from pipeline.model.dataset import TrainingSamples, to_tensor
from pipeline.model.loop import Batch
from pipeline.model.photographs import Photograph
from pipeline.model.view import Augmentation, tilted_rectangle

IMAGE_PX = (400, 300)
PLATE_WIDTH_PX = (22.0, 250.0)
"""Images and plates before they are rectified: from a sixth of the view's resolution to twice it."""
VIEWS_AN_IMAGE = 3
"""Each image is rectified around several wrong corners: drawing it costs more than training on a view."""
DISTURBANCE = (0.005, 0.05)
"""Standard deviations of the wrong corners, as shares of the plate's width; log-uniform from one to another."""
MOST_OF_HEIGHT = 0.3
"""A wrong corner is not further off than this share of the plate's height, so that it stays in the view."""
MISPLACED_SHARE = 0.04
"""Views beside the plate, of another thing: without a plate as those of images that have none."""


def augmentation(drawn_share: float) -> Augmentation:
    """How the images are made."""
    return Augmentation(
        *IMAGE_PX, PLATE_WIDTH_PX, drawn_share=drawn_share, background_share=0.04, erased_share=0.04
    )


class RectifiedSamples(Dataset):
    """Views by number, each entry those of one image: (3, 3, h, w) normalised RGB, (3, 4, 2) corners, (3,) presence.

    Item `i` depends on the seed and `i` alone.
    """

    def __init__(
        self, photographs: Sequence[Photograph], settings: Augmentation, images: int, seed: int
    ) -> None:
        self._images, self._seed = TrainingSamples(photographs, settings, images, seed), seed

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Batch:
        rng = np.random.default_rng((self._seed, index, 1))
        sample = self._images.sample(index)
        views = [_view(rng, sample) for _ in range(VIEWS_AN_IMAGE)]
        images, corners, presence = zip(*views, strict=True)
        return (
            torch.stack([to_tensor(image) for image in images]),
            torch.from_numpy(np.array(corners)).float(),
            torch.tensor(presence),
        )


def _view(rng: np.random.Generator, sample: Sample) -> tuple[NDArray[np.uint8], NDArray[np.float64], float]:
    """A rectified view, where the true corners are in it (zeros without a plate), and presence, 0 or 1."""
    if sample.corners_px is None or rng.random() < MISPLACED_SHARE:
        view, _ = rectified(sample.image, _elsewhere(rng, sample))
        return view, np.zeros((4, 2)), 0.0
    view, homography = rectified(sample.image, disturbed(rng, sample.corners_px))
    return view, transform_points(homography, sample.corners_px), 1.0


def disturbed(rng: np.random.Generator, corners_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners (4, 2) that are wrong as a network's are: all shifted, the plate too large or small, each one off.

    The given ones are a plate's, convex; so are those that come out, as `rectified` needs them.
    """
    width_px = plate_width_px(corners_px)
    height_px = plate_width_px(np.roll(corners_px, 1, axis=0))
    sd_px = width_px * np.exp(rng.uniform(*np.log(DISTURBANCE)))
    growth = CORNER_SIGNS * rng.normal(0, sd_px, 2)
    moves = rng.normal(0, sd_px, 2) + growth + rng.normal(0, 0.6 * sd_px, (4, 2))
    furthest_px = float(np.linalg.norm(moves, axis=1).max())
    moves *= min(1.0, MOST_OF_HEIGHT * height_px / furthest_px)
    while not is_convex(corners_px + moves):
        moves *= 0.5
    return corners_px + moves


def _elsewhere(rng: np.random.Generator, sample: Sample) -> NDArray[np.float64]:
    """Corners of something that has the shape of a plate but is none, or is off by half a plate and more."""
    if sample.corners_px is not None:
        size = np.ptp(sample.corners_px, axis=0)
        way = rng.uniform(0.5, 1.5) * size * np.sign(rng.uniform(-1, 1, 2))
        return sample.corners_px + way * rng.permutation([1.0, rng.random()])
    half = np.exp(rng.uniform(*np.log(PLATE_WIDTH_PX))) / 2 * np.array([1, np.exp(rng.uniform(-1.6, -0.3))])
    tilt_deg = rng.normal(0, 6)
    return tilted_rectangle(rng.uniform((0, 0), IMAGE_PX), half, tilt_deg)
