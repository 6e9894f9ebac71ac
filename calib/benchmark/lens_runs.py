"""Runs that calibrate a lens: from rendered images, or from simulated corners."""

from __future__ import annotations

import numpy as np

from calib.benchmark.table import Run
from calib.boards import Board
from calib.camera import Intrinsics
from calib.cross_projection import cross_projection
from calib.crossval import LensCalibration, calibrate_lens
from calib.detect import BoardFinder
from calib.lens import values
from calib.paper import draw_board
from calib.views import ENOUGH_VIEWS, View, make_view
from pipeline.synthetic.boards import BoardCamera, board_poses, noisy_views

BOARD = Board("charuco", 7, 10, 25.0)
_LENSES: tuple[tuple[float, tuple[float, float, float, float, float]], ...] = (
    (0.9, (0.0, 0.0, 0.0, 0.0, 0.0)),
    (1.1, (-0.12, 0.0, 0.0, 0.0, 0.0)),
    (0.8, (-0.28, 0.09, 0.0, 0.0, 0.0)),
    (0.85, (-0.25, 0.08, 0.0006, -0.0004, -0.008)),
)


def random_lens(rng: np.random.Generator, size_px: tuple[int, int] = (1280, 960)) -> Intrinsics:
    """One of four kinds of lens (none, k1, k1 k2, all coefficients), its centre somewhere near the middle."""
    focal, distortion = _LENSES[rng.integers(len(_LENSES))]
    focal *= size_px[0] * rng.uniform(0.95, 1.05)
    cx, cy = ((np.array(size_px) - 1) / 2 + rng.normal(0, 8, 2)).tolist()
    return Intrinsics(size_px[0], size_px[1], focal, focal * rng.normal(1, 0.0005), cx, cy, distortion)


def lens_run(rng: np.random.Generator) -> Run:
    """As many views as are asked for, as exact corners with noise: 0.08 px each, and 0.05 px of a view's bend."""
    lens = random_lens(rng)
    poses = board_poses(rng, BOARD, lens, ENOUGH_VIEWS)
    return _compared(lens, calibrate_lens(noisy_views(rng, BOARD, lens, poses), BOARD))


def image_run(rng: np.random.Generator) -> Run:
    """The same as rendered images of 1280 x 960 px with blur and grain; a part of the board may be outside."""
    lens = random_lens(rng)
    camera = BoardCamera(BOARD, draw_board(BOARD, "a4"), lens)
    return _compared(lens, calibrate_lens(photographed(rng, camera, lens, ENOUGH_VIEWS), BOARD))


def photographed(rng: np.random.Generator, camera: BoardCamera, lens: Intrinsics, count: int) -> list[View]:
    """Views found in rendered images."""
    finder, views = BoardFinder(BOARD), []
    for number, pose in enumerate(board_poses(rng, BOARD, lens, count)):
        image = camera.photograph(rng, pose, blur_px=rng.uniform(0.4, 1.0), noise=rng.uniform(1, 4))
        found = finder.find(image)
        if found is not None:
            views.append(make_view(f"view {number + 1}", image, BOARD, found))
    return views


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
