"""`python -m calib.benchmark`: calibrate simulated cameras whose truth is known, and count how often ± holds it.

The simulation is one of corners, not of images, so that hundreds of runs take minutes. A smaller number of
runs on rendered images is in the tests.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from calib.boards import Board
from calib.camera import Intrinsics
from calib.crossval import calibrate_lens, cross_projection
from calib.lens import PARAMETERS, values
from pipeline.synthetic.boards import board_poses, noisy_views

Array = NDArray[np.float64]

BOARD = Board("charuco", 7, 10, 25.0)
_LENSES: tuple[tuple[float, tuple[float, float, float, float, float]], ...] = (
    (0.9, (0.0, 0.0, 0.0, 0.0, 0.0)),
    (1.1, (-0.12, 0.0, 0.0, 0.0, 0.0)),
    (0.8, (-0.28, 0.09, 0.0, 0.0, 0.0)),
    (0.85, (-0.25, 0.08, 0.0006, -0.0004, -0.008)),
)


@dataclass(frozen=True, eq=False)
class Run:
    """Errors of one run and its standard deviations, same order; further figures by name."""

    errors: Array
    sd: Array
    extra: dict[str, float]


def random_lens(rng: np.random.Generator, size_px: tuple[int, int] = (1280, 960)) -> Intrinsics:
    """One of four kinds of lens, with the centre somewhere near the middle."""
    focal, distortion = _LENSES[rng.integers(len(_LENSES))]
    focal *= size_px[0] * rng.uniform(0.95, 1.05)
    centre = (np.array(size_px) - 1) / 2 + rng.normal(0, 8, 2)
    return Intrinsics(*size_px, focal, focal * rng.normal(1, 0.0005), *centre.tolist(), distortion)


def lens_run(rng: np.random.Generator, views: int) -> Run:
    """Calibrate one simulated camera."""
    lens = random_lens(rng)
    seen = noisy_views(rng, BOARD, lens, board_poses(rng, BOARD, lens, views))
    found = calibrate_lens(seen, BOARD)
    cross = np.linalg.norm(cross_projection(lens, found.fit.lens), axis=2)
    free = found.fit.lens
    extra = {
        "focal length error, %": 100 * abs(free.fx / lens.fx - 1),
        "centre error, px": float(np.hypot(free.cx - lens.cx, free.cy - lens.cy)),
        "cross-projection error over 95 % of the image, px": float(np.percentile(cross, 95)),
        "stated cross-projection sd over 95 % of the image, px": float(np.percentile(found.cross_px, 95)),
        "optimism": found.optimism,
    }
    return Run(values(free) - values(lens), found.sd, extra)


def summary(names: tuple[str, ...], runs: list[Run]) -> Iterator[str]:
    """Lines of a table: error, stated sd, and how often ± (1.96 sd) held the truth."""
    errors, sd = np.array([run.errors for run in runs]), np.array([run.sd for run in runs])
    yield f"{'quantity':22} {'rms error':>11} {'stated sd':>11} {'± holds truth':>14}"
    for index, name in enumerate(names):
        known = sd[:, index] > 0
        held = np.abs(errors[known, index]) <= 1.96 * sd[known, index]
        rms, stated = np.sqrt(np.mean(errors[known, index] ** 2)), np.sqrt(np.mean(sd[known, index] ** 2))
        yield f"{name:22} {rms:11.5f} {stated:11.5f} {100 * held.mean():12.1f} % of {known.sum()}"
    for name in runs[0].extra:
        column = np.array([run.extra[name] for run in runs])
        yield f"{name}: median {np.median(column):.3f}, 95 % of runs under {np.percentile(column, 95):.3f}, worst {column.max():.3f}"


def simulate(make: Callable[[np.random.Generator], Run], count: int, label: str) -> list[Run]:
    """Runs with seeds 0, 1, ..."""
    numbers = tqdm(range(count), label, disable=not sys.stderr.isatty())
    return [make(np.random.default_rng(number)) for number in numbers]
