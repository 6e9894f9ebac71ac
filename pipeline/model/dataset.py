"""The samples that training draws from photographs."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from pipeline.errors import GateError
from pipeline.model.augment import Sample, make_negative, make_positive
from pipeline.model.photographs import Photograph, quads_of, select, weight_of
from pipeline.model.view import Augmentation, is_upright

IMAGENET_MEAN_RGB = (0.485, 0.456, 0.406)
IMAGENET_SD_RGB = (0.229, 0.224, 0.225)

ODD_SHARE = 0.1
"""More plates than this that are not upright are told of."""

HOPELESS = 8
"""A photograph of which so many views in a row did not work out is told of; most work out four times in five."""


def to_tensor(image: NDArray[np.uint8]) -> torch.Tensor:
    """(H, W, 3) uint8 BGR -> (3, H, W) float32, normalised as ImageNet's networks expect."""
    rgb = torch.from_numpy(np.ascontiguousarray(image[:, :, ::-1])).permute(2, 0, 1).float() / 255
    mean, sd = torch.tensor(IMAGENET_MEAN_RGB), torch.tensor(IMAGENET_SD_RGB)
    return (rgb - mean[:, None, None]) / sd[:, None, None]


class TrainingSamples(Dataset):
    """An endless, reproducible sequence of augmented samples: item `i` depends on the seed and `i` alone.

    A training run that is resumed at step n therefore sees exactly what an uninterrupted run would have seen.
    """

    def __init__(
        self, photographs: Sequence[Photograph], augmentation: Augmentation, length: int, seed: int
    ) -> None:
        train = [photo for photo in select(photographs, "train") if photo.plates]
        if not train:
            raise GateError("the index has no photograph of split `train` with a plate")
        _require_upright(train)
        self._with_plate = train + [photo for photo in select(photographs, "weak") if photo.plates]
        weights = np.array([weight_of(photo) for photo in self._with_plate])
        self._weights = weights / weights.sum()
        self._backgrounds = select(photographs, "background") or train
        self._augmentation, self._length, self._seed = augmentation, length, seed
        self._failures: Counter[Path] = Counter()

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Image (3, H, W), corners (4, 2) in its pixels (zeros without a plate), presence (0 or 1)."""
        sample = self.sample(index)
        corners = np.zeros((4, 2)) if sample.corners_px is None else sample.corners_px
        presence = float(sample.corners_px is not None)
        return to_tensor(sample.image), torch.from_numpy(corners).float(), torch.tensor(presence)

    def sample(self, index: int) -> Sample:
        """The image and the corners themselves."""
        return next(self._attempts(np.random.default_rng((self._seed, index))))

    def _attempts(self, rng: np.random.Generator) -> Iterator[Sample]:
        """Samples of the kinds in their proportions; a draw that did not work out is drawn again."""
        settings = self._augmentation
        while True:
            kind = rng.random()
            if kind < settings.background_share:
                photo = self._backgrounds[rng.integers(len(self._backgrounds))]
                yield make_negative(rng, photo.read(), quads_of(photo), settings)
            elif kind < settings.background_share + settings.erased_share:
                photo = self._with_plate[rng.integers(len(self._with_plate))]
                yield make_negative(rng, photo.read(), quads_of(photo), settings)
            else:
                drawn = rng.random() < settings.drawn_share
                number = rng.choice(len(self._with_plate), p=None if drawn else self._weights)
                photo = self._with_plate[number]
                sample = make_positive(rng, photo.read(), quads_of(photo), settings, draw=drawn)
                self._tell_hopeless(photo, sample)
                if sample is not None:
                    yield sample

    def _tell_hopeless(self, photo: Photograph, sample: Sample | None) -> None:
        """Warn, once, of a photograph whose plate is hardly ever learned; `_require_upright` tells of others."""
        self._failures[photo.path] = self._failures[photo.path] + 1 if sample is None else 0
        if self._failures[photo.path] == HOPELESS and is_upright(quads_of(photo)[0]):
            warnings.warn(
                f"{photo.path}: its plate is hardly learned, as {HOPELESS} views in a row showed another one of about "
                "its size, or not the whole plate; is it marked twice?",
                stacklevel=2,
            )


def _require_upright(photographs: Sequence[Photograph]) -> None:
    """Plates that are not labelled upright are not learned; where they are many, the corners begin at another one.

    Raises:
        GateError: none is.
    """
    odd = [photo for photo in photographs if not is_upright(quads_of(photo)[0])]
    if len(odd) == len(photographs):
        raise GateError(
            f"no plate of split `train` is labelled upright, as {odd[0].path.name}: corners begin at the top left of "
            "the plate as it is read, and run clockwise"
        )
    if len(odd) > ODD_SHARE * len(photographs):
        warnings.warn(
            f"{len(odd)} of {len(photographs)} plates are not learned, as that of {odd[0].path.name}: their corners do "
            "not begin at the top left, or they are turned by more than 45 degrees",
            stacklevel=3,
        )
