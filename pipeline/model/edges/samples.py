"""What the edge look is trained on: views of training images around the answers of the rectified look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from pipeline.config import ModelConfig
from pipeline.frames import PlateLocation, plate_width_px
from pipeline.inference.looks import open_rectified_look
from pipeline.inference.rectified_look import RectifiedLook
from pipeline.inference.rectify import rectified, transform_points
from pipeline.model.augment import Sample
from pipeline.model.dataset import TrainingSamples
from pipeline.model.edges.lines import strips
from pipeline.model.photographs import Photograph
from pipeline.model.rectified.samples import VIEWS_AN_IMAGE, augmentation, disturbed

FURTHER_OFF = 0.004
"""Standard deviation, as a share of the plate's width, of what is added to the answer for all views but the first."""


class EdgeSamples(Dataset):
    """Strips of views by number, each entry those of one image: (3, 4, 3, 40, 26) uint8 RGB, (3, 4, 2) true corners.

    Item `i` depends on the seed, `i` and the rectified network alone.
    """

    def __init__(
        self, photographs: Sequence[Photograph], drawn_share: float, images: int, seed: int, rectified: Path
    ) -> None:
        settings = replace(augmentation(drawn_share), background_share=0.0, erased_share=0.0)
        self._images, self._seed = TrainingSamples(photographs, settings, images, seed), seed
        self._rectified = rectified

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((self._seed, index, 1))
        sample = self._images.sample(index)
        assert sample.corners_px is not None, "images without a plate were asked for by nobody"
        answer_px = self._answer_px(rng, sample, sample.corners_px)
        off_px = FURTHER_OFF * plate_width_px(sample.corners_px)
        starts = [answer_px] + [answer_px + rng.normal(0, off_px, (4, 2)) for _ in range(VIEWS_AN_IMAGE - 1)]
        views, homographies = zip(*(_rectified(sample, start) for start in starts), strict=True)
        corners = [transform_points(homography, sample.corners_px) for homography in homographies]
        pixels = torch.from_numpy(np.array(views)[..., ::-1].copy()).permute(0, 3, 1, 2).float()
        return strips(pixels).round().to(torch.uint8), torch.from_numpy(np.array(corners)).float()

    def _answer_px(
        self, rng: np.random.Generator, sample: Sample, corners_px: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What the rectified look makes of wrong corners."""
        start = PlateLocation(1.0, disturbed(rng, corners_px), np.tile(np.eye(2), (4, 1, 1)))
        (answer,) = self._look.refine([sample.image], [start])
        return answer.corners_px

    @cached_property
    def _look(self) -> RectifiedLook:
        """Opened by the process that uses it: a session does not survive a fork."""
        return open_rectified_look(ModelConfig(rectified_path=self._rectified, provider="cpu", cpu_threads=1))


def _rectified(
    sample: Sample, corners_px: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The view around these corners and its homography; around the true ones where these are no plate's."""
    try:
        return rectified(sample.image, corners_px)
    except ValueError:
        assert sample.corners_px is not None
        return rectified(sample.image, sample.corners_px)
