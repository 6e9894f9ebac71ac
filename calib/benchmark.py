"""`python -m calib.benchmark`: calibrate simulated cameras whose truth is known, and count how often ± holds it.

`lens` and `mount` simulate corners, so that hundreds of runs take minutes; `images` renders every view and finds
the board in it. Run i always has seed i.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from calib.boards import Board
from calib.camera import Camera, Intrinsics, Mount, Uncertainty
from calib.crossval import LensCalibration, calibrate_lens, cross_projection
from calib.detect import BoardFinder
from calib.expected import approach
from calib.gather import groups
from calib.lens import PARAMETERS, values
from calib.measured import Measured, Plate, PlateAt
from calib.mount import MOUNT_KEYS, fit_mount
from calib.paper import draw_board
from calib.plates import SeenPlate
from calib.residuals import with_mount
from calib.targets import UPRIGHT, turned
from calib.views import View, make_view
from pipeline.post.motion import estimate_motion
from pipeline.post.plate_formats import EUROPE
from pipeline.post.pose import plate_corners_m
from pipeline.synthetic.boards import BoardCamera, board_poses, noisy_views

Array = NDArray[np.float64]

BOARD = Board("charuco", 7, 10, 25.0)
TAPED_M = (3.0, 5.0, 8.0)
TAPE_SD_M, NOISE_PX = 0.01, 1.0
_LENSES: tuple[tuple[float, tuple[float, float, float, float, float]], ...] = (
    (0.9, (0.0, 0.0, 0.0, 0.0, 0.0)),
    (1.1, (-0.12, 0.0, 0.0, 0.0, 0.0)),
    (0.8, (-0.28, 0.09, 0.0, 0.0, 0.0)),
    (0.85, (-0.25, 0.08, 0.0006, -0.0004, -0.008)),
)
_CHECKED_M = (3.0, 5.0, 7.0, 10.0)


@dataclass(frozen=True, eq=False)
class Run:
    """Errors of one run and its standard deviations (0: not estimated), same order; further figures by name."""

    errors: Array
    sd: Array
    figures: dict[str, float]


def random_lens(rng: np.random.Generator, size_px: tuple[int, int] = (1280, 960)) -> Intrinsics:
    """One of four kinds of lens (none, k1, k1 k2, all coefficients), its centre somewhere near the middle."""
    focal, distortion = _LENSES[rng.integers(len(_LENSES))]
    focal *= size_px[0] * rng.uniform(0.95, 1.05)
    cx, cy = ((np.array(size_px) - 1) / 2 + rng.normal(0, 8, 2)).tolist()
    return Intrinsics(size_px[0], size_px[1], focal, focal * rng.normal(1, 0.0005), cx, cy, distortion)


def lens_run(rng: np.random.Generator) -> Run:
    """Twenty views as exact corners with noise: 0.08 px each, and 0.05 px of a bend that a view has in common."""
    lens = random_lens(rng)
    return _compared(
        lens, calibrate_lens(noisy_views(rng, BOARD, lens, board_poses(rng, BOARD, lens, 20)), BOARD)
    )


def image_run(rng: np.random.Generator) -> Run:
    """Thirty rendered images of 1280 x 960 px with blur and noise; a part of the board may be outside."""
    lens = random_lens(rng)
    camera = BoardCamera(BOARD, draw_board(BOARD, "a4"), lens)
    return _compared(lens, calibrate_lens(photographed(rng, camera, lens, 30), BOARD))


def photographed(rng: np.random.Generator, camera: BoardCamera, lens: Intrinsics, count: int) -> list[View]:
    """Views found in rendered images."""
    finder, views = BoardFinder(BOARD), []
    for number, pose in enumerate(board_poses(rng, BOARD, lens, count)):
        image = camera.photograph(rng, pose, blur_px=rng.uniform(0.4, 1.0), noise=rng.uniform(1, 4))
        found = finder.find(image)
        if found is not None:
            views.append(make_view(f"view {number + 1}", image, BOARD, found))
    return views


def tape_run(rng: np.random.Generator) -> Run:
    """As `mount_run`, but only the tape and the corners err."""
    return mount_run(rng, others=0.0)


def mount_run(rng: np.random.Generator, others: float = 1.0) -> Run:
    """A plate at three taped distances; tape 1 cm, corners 1 px, lens and holding off by as much as they say.

    Args:
        rng: source of everything.
        others: times the usual errors of everything but tape and corners.
    """
    mount = Mount(rng.uniform(1.0, 2.8), rng.uniform(4, 14), rng.normal(0, 1), rng.normal(0, 3))
    ideal = Intrinsics(1280, 960, 1100.0, 1100.0, 639.5, 479.5)
    lens_sd = Uncertainty(fx=1.1, fy=1.1, cx=1.0, cy=1.0)
    scale, cx, cy = others * rng.normal(0, (0.001, 1.0, 1.0))
    off = replace(ideal, fx=1100 * (1 + scale), fy=1100 * (1 + scale), cx=ideal.cx + cx, cy=ideal.cy + cy)
    truth, told = Camera("truth", ideal, mount), Camera("told", off, uncertainty=lens_sd)
    measured, plates = taped_plates(rng, truth, others)
    fit = fit_mount(told, groups(measured, told, plates, Path(), None))
    found = with_mount(told, fit, measured.stop_line)
    errors = [getattr(found.mount, key) - getattr(mount, key) for key in MOUNT_KEYS]
    sds = [getattr(found.uncertainty, key) for key in MOUNT_KEYS]
    return Run(np.array(errors), np.array(sds), _distance_errors(rng, truth, found))


def taped_plates(
    rng: np.random.Generator, truth: Camera, others: float = 1.0
) -> tuple[Measured, dict[str, SeenPlate]]:
    """Measurements whose errors are as large as `calib.measured` takes them to be."""
    plate, corners = Plate(), plate_corners_m(EUROPE[0])
    x = rng.normal(0, 0.3)
    z = plate.centre_height_m + others * rng.normal(0, plate.height_sd_m)
    held = others * rng.normal(0, (3.0, 3.0, 0.7))
    items, plates = [], {}
    for distance in TAPED_M:
        shift = others * rng.normal(0, (plate.lateral_sd_m, plate.each_height_sd_m))
        place = np.array([x + shift[0], distance, z + shift[1]])
        facing = turned(UPRIGHT, *np.radians(held + others * rng.normal(0, (3.0, 3.0, 1.0))))
        pixels = truth.project(truth.camera_from_road(corners @ facing.T + place)) + rng.normal(
            0, NOISE_PX, (4, 2)
        )
        name = f"{distance:g} m"
        plates[name] = SeenPlate(name, pixels, np.tile(NOISE_PX**2 * np.eye(2), (4, 1, 1)))
        items.append(PlateAt(name, distance + rng.normal(0, TAPE_SD_M)))
    return Measured(plate, tuple(items)), plates


def _compared(lens: Intrinsics, found: LensCalibration) -> Run:
    fitted = found.fit.lens
    cross = np.linalg.norm(cross_projection(lens, fitted), axis=2)
    figures = {
        "focal length error, %": 100 * abs(fitted.fx / lens.fx - 1),
        "centre error, px": float(np.hypot(fitted.cx - lens.cx, fitted.cy - lens.cy)),
        "cross-projection error over 95 % of the image, px": float(np.percentile(cross, 95)),
        "stated sd of it, px": float(np.percentile(found.cross_px, 95)),
        "± widened, times": found.optimism,
    }
    return Run(values(fitted) - values(lens), found.sd, figures)


def _distance_errors(rng: np.random.Generator, truth: Camera, found: Camera) -> dict[str, float]:
    """Error, in per cent, that the estimator makes on nearly exact corners because of the calibration."""
    figures = {}
    for distance in _CHECKED_M:
        exact = approach(truth, EUROPE[0], distance) or []
        points = [replace(point, corners_px=point.corners_px + rng.normal(0, 0.1, (4, 2))) for point in exact]
        estimate = estimate_motion(points, found, [EUROPE[0]]).distance_m if points else None
        if estimate is not None:
            figures[f"distance error at {distance:g} m, %"] = 100 * abs(estimate.value / distance - 1)
    return figures


def summary(names: Sequence[str], runs: Sequence[Run]) -> Iterator[str]:
    """Lines of a table: error, stated sd, and how often ± (1.96 sd) held the truth."""
    errors, sd = np.array([run.errors for run in runs]), np.array([run.sd for run in runs])
    yield f"{'quantity':14} {'rms error':>11} {'stated sd':>11} {'largest':>10}  ± holds the truth in"
    for name, error, spread in zip(names, errors.T, sd.T, strict=True):
        known = spread > 0
        error, spread = error[known], spread[known]
        rms, stated = np.sqrt(np.mean(error**2)), np.sqrt(np.mean(spread**2))
        held = np.abs(error) <= 1.96 * spread
        yield (
            f"{name:14} {rms:11.5f} {stated:11.5f} {np.abs(error).max():10.5f}  "
            f"{100 * held.mean():.1f} % of {len(held)} runs"
        )
    for name in dict.fromkeys(name for run in runs for name in run.figures):
        column = [run.figures[name] for run in runs if name in run.figures]
        yield (
            f"{name}: median {np.median(column):.3f}, 95 % of {len(column)} runs under "
            f"{np.percentile(column, 95):.3f}, worst {max(column):.3f}"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Run one benchmark and print its table."""
    kinds: dict[str, tuple[Callable[[np.random.Generator], Run], Sequence[str], int]] = {
        "lens": (lens_run, PARAMETERS, 200),
        "images": (image_run, PARAMETERS, 8),
        "mount": (mount_run, MOUNT_KEYS, 200),
        "tape": (tape_run, MOUNT_KEYS, 200),
    }
    parser = argparse.ArgumentParser(prog="python -m calib.benchmark", description=__doc__)
    parser.add_argument("what", choices=tuple(kinds))
    parser.add_argument("--runs", type=int, help="default 200, of images 8")
    args = parser.parse_args(argv)
    make, names, usual = kinds[args.what]
    cv2.setNumThreads(1)  # many small problems: threads only get in each other's way
    numbers = tqdm(range(args.runs or usual), args.what, disable=not sys.stderr.isatty())
    runs = [make(np.random.default_rng(number)) for number in numbers]
    print("\n".join(summary(names, runs)))


if __name__ == "__main__":
    main()
