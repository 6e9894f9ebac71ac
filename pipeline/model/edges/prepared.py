"""The edge network's training set, drawn once and kept beside the run, and the batches that are taken from it.

Drawing an image costs more than ten steps of so small a network on it; a strip is small enough for all of them to be
held in memory. So every view is seen a few times, each time brighter or darker, and mirrored or not.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from pipeline.errors import GateError
from pipeline.files import make_folder, write_whole
from pipeline.inference.rectify import INPUT_PX
from pipeline.model.dataset import IMAGENET_MEAN_RGB, IMAGENET_SD_RGB
from pipeline.model.edges.samples import EdgeSamples
from pipeline.model.loop import Batch, loaded
from pipeline.model.view import flip_corners

PART_IMAGES = 500
ORIGIN = "made_of.txt"
CONTRAST_SD, BRIGHTNESS_SD = 0.2, 0.3
"""Of how views are varied, as factor and in standard deviations of ImageNet's pixels."""


class PreparedViews:
    """All views of the samples: strips (n, 4, 3, 40, 26) uint8 and true corners (n, 4, 2)."""

    def __init__(self, strips: Tensor, corners_px: Tensor) -> None:
        self._strips, self._corners_px = strips, corners_px

    def batches(self, views: int, first: int, steps: int, seed: int) -> Iterator[Batch]:
        """Those of the steps from `first` on; that of a step depends on the seed and its number alone."""
        for step in range(first, steps):
            yield self._batch(np.random.default_rng((seed, step)), views)

    def _batch(self, rng: np.random.Generator, views: int) -> Batch:
        chosen = torch.from_numpy(rng.integers(len(self._strips), size=views))
        mean, sd = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN_RGB, IMAGENET_SD_RGB))
        seen, corners_px = (self._strips[chosen].float() / 255 - mean) / sd, self._corners_px[chosen]
        mirrored = torch.from_numpy(rng.random(views) < 0.5)
        seen = torch.where(mirrored[:, None, None, None, None], mirrored_strips(seen), seen)
        in_mirror_px = torch.from_numpy(flip_corners(corners_px.numpy(), INPUT_PX[0]))
        corners_px = torch.where(mirrored[:, None, None], in_mirror_px, corners_px)
        contrast, brightness = (_normal(rng, views, sd) for sd in (CONTRAST_SD, BRIGHTNESS_SD))
        return seen * (1 + contrast) + brightness, corners_px, torch.ones(views)


def mirrored_strips(seen: Tensor) -> Tensor:
    """The strips (B, 4, C, across, along) of the views mirrored left to right."""
    return seen[:, [0, 3, 2, 1]].flip(-1)


def prepare(samples: EdgeSamples, folder: Path, workers: int, made_of: str) -> PreparedViews:
    """Draw all samples, in parts that are kept in the folder; parts that are there already are read.

    Args:
        samples: what to draw.
        folder: where the parts are.
        workers: processes that draw.
        made_of: tells these samples from others; it is kept beside the parts.

    Raises:
        GateError: a part cannot be read or written, or the parts are of other samples.
    """
    make_folder(folder)
    origin = folder / ORIGIN
    if origin.exists() and origin.read_text(encoding="utf-8") != made_of:
        raise GateError(f"{folder}: holds views of another set, network or plan; give another --out")
    origin.write_text(made_of, encoding="utf-8")
    paths = [folder / f"{first:06d}.npz" for first in range(0, len(samples), PART_IMAGES)]
    missing = [number for number, path in enumerate(paths) if not path.exists()]
    rest = [
        index
        for number in missing
        for index in range(number * PART_IMAGES, min((number + 1) * PART_IMAGES, len(samples)))
    ]
    drawn: list[tuple[Tensor, Tensor]] = []
    with tqdm(total=len(samples), initial=len(samples) - len(rest), unit="image", desc="drawing") as progress:
        for index, item in zip(rest, loaded(samples, None, rest, workers), strict=True):
            drawn.append(item)
            progress.update()
            if (index + 1) % PART_IMAGES == 0 or index + 1 == len(samples):
                _write(paths[index // PART_IMAGES], drawn)
                drawn = []
    parts = [_read(path) for path in paths]
    strips, corners_px = (torch.from_numpy(np.concatenate(arrays)) for arrays in zip(*parts, strict=True))
    return PreparedViews(strips, corners_px)


def discard_prepared(folder: Path) -> None:
    """Remove what `prepare` left in a folder."""
    for path in [*folder.glob("*.npz"), *folder.glob("*.part"), folder / ORIGIN]:
        path.unlink(missing_ok=True)


def _write(path: Path, drawn: list[tuple[Tensor, Tensor]]) -> None:
    strips, corners_px = (torch.cat(arrays).numpy() for arrays in zip(*drawn, strict=True))
    buffer = io.BytesIO()
    np.savez(buffer, strips=strips, corners_px=corners_px)
    write_whole(path, "prepared views", buffer.getvalue())


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["strips"], arrays["corners_px"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise GateError(f"{path}: not prepared views ({error}); delete it, it is made anew") from error


def _normal(rng: np.random.Generator, count: int, sd: float) -> Tensor:
    return torch.from_numpy(rng.normal(0, sd, (count, 1, 1, 1, 1))).float()
