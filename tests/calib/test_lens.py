"""The lens, its uncertainty, and the choice of its model, on views with known truth."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calib.benchmark.lens_runs import lens_run
from calib.boards import Board
from calib.camera import Intrinsics
from calib.cross_projection import cross_projection, cross_projection_sd
from calib.crossval import calibrate_lens
from calib.detect import BoardFinder
from calib.lens import fit_lens, values
from calib.lens_errors import fit_covariance, jackknife_covariance
from calib.views import View, make_view
from pipeline.synthetic.boards import board_poses, noisy_views
from tests.calib.conftest import BOARD, LENS


def views_of(lens: Intrinsics, seed: int = 0, count: int = 14, board: Board = BOARD) -> list[View]:
    rng = np.random.default_rng(seed)
    return noisy_views(rng, board, lens, board_poses(rng, board, lens, count))


def test_fit_standard_deviations_agree_with_opencv() -> None:
    views = views_of(LENS)
    fit = fit_lens(views, BOARD, "full")
    points = [BOARD.points_m[view.ids].astype(np.float32) for view in views]
    seen = [view.corners_px.astype(np.float32) for view in views]
    result = cv2.calibrateCameraExtended(points, seen, (LENS.width, LENS.height), None, None)
    np.testing.assert_allclose(
        np.sqrt(np.diag(fit_covariance(fit, views, BOARD))), result[5].ravel()[:9], rtol=0.03
    )
    np.testing.assert_allclose(fit.rms_px, result[0], rtol=1e-3)


@pytest.mark.parametrize(
    ("distortion", "model"),
    [
        ((0.0, 0.0, 0.0, 0.0, 0.0), "none"),
        ((-0.15, 0.0, 0.0, 0.0, 0.0), "k1"),
        ((-0.28, 0.1, 0.0, 0.0, 0.0), "k1k2"),
        ((-0.28, 0.1, 0.001, -0.001, -0.01), "full"),
    ],
)
def test_model_has_what_the_lens_has(distortion: tuple[float, ...], model: str) -> None:
    result = calibrate_lens(views_of(replace(LENS, distortion=distortion)), BOARD)
    order = ["none", "k1", "k1k2", "full"]
    assert order.index(result.fit.model) >= order.index(model)
    # What is free without need does little harm: the truth is within 4 sd everywhere.
    truth = values(replace(LENS, distortion=distortion))
    assert (np.abs(values(result.fit.lens) - truth) <= 4 * result.sd + 1e-12).all()


def test_rendered_views_give_the_lens_within_the_stated_accuracy(
    photographs: list[NDArray[np.uint8]],
) -> None:
    finder, views = BoardFinder(BOARD), []
    for number, image in enumerate(photographs):
        found = finder.find(image)
        if found is not None:
            views.append(make_view(f"{number}", image, BOARD, found))
    result = calibrate_lens(views, BOARD)
    assert abs(result.fit.lens.fx / LENS.fx - 1) < 0.002
    assert np.hypot(result.fit.lens.cx - LENS.cx, result.fit.lens.cy - LENS.cy) < 3
    cross = np.linalg.norm(cross_projection(LENS, result.fit.lens), axis=2)
    assert np.percentile(cross, 95) < 0.3
    assert (np.abs(values(result.fit.lens) - values(LENS)) < 3.5 * np.maximum(result.sd, 1e-9))[:4].all()


def test_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    runs = [lens_run(np.random.default_rng(seed)) for seed in range(6)]
    held = [np.abs(run.errors[:4]) <= 1.96 * run.sd[:4] for run in runs]
    assert np.mean(held) > 0.8  # 24 numbers; the 200 runs of `python -m calib.benchmark lens` are in the docs


def test_optimism_sees_errors_that_views_have_in_common() -> None:
    rng = np.random.default_rng(3)
    poses = board_poses(rng, BOARD, LENS, 16)
    independent = calibrate_lens(noisy_views(rng, BOARD, LENS, poses, 0.1, 0.0), BOARD)
    bent = calibrate_lens(noisy_views(rng, BOARD, LENS, poses, 0.02, 0.3), BOARD)
    assert independent.optimism < 1.6
    assert bent.optimism > 2


def test_bad_view_is_left_out_and_named() -> None:
    views = views_of(LENS)
    wrong = views[5].corners_px + np.random.default_rng(0).normal(0, 3, views[5].corners_px.shape)
    views[5] = replace(views[5], corners_px=wrong)
    result = calibrate_lens(views, BOARD)
    assert [name for name, _ in result.bad] == ["view 6"]
    assert len(result.views) == 13


def test_cross_projection_of_a_longer_focal_length_grows_from_the_middle() -> None:
    bare = replace(LENS, distortion=(0.0,) * 5, cx=399.5, cy=299.5, fy=700.0)
    moved = cross_projection(bare, replace(bare, fx=bare.fx * 1.001, fy=bare.fy * 1.001))
    assert moved[6, 8] == pytest.approx([0, 0], abs=0.02)
    assert moved[6, 16] == pytest.approx([0.3995, 0], abs=0.02)


def test_cross_projection_removes_a_rotation() -> None:
    """A shifted centre and a turned camera differ by little."""
    bare = replace(LENS, distortion=(0.0,) * 5)
    moved = cross_projection(bare, replace(bare, cx=bare.cx + 1.0))
    assert np.percentile(np.linalg.norm(moved, axis=2), 90) < 0.35


def test_cross_projection_sd_agrees_with_random_lenses() -> None:
    views = views_of(LENS)
    fit = fit_lens(views, BOARD, "k1k2")
    covariance = fit_covariance(fit, views, BOARD)
    stated = cross_projection_sd(fit.lens, covariance)
    rng = np.random.default_rng(0)
    free = np.ix_(range(6), range(6))
    drawn = rng.multivariate_normal(np.zeros(6), covariance[free], 150)
    moves = []
    for step in drawn:
        fx, fy, cx, cy, k1, k2 = (values(fit.lens)[:6] + step).tolist()
        other = replace(fit.lens, fx=fx, fy=fy, cx=cx, cy=cy, distortion=(k1, k2, 0.0, 0.0, 0.0))
        moves.append(np.sum(cross_projection(fit.lens, other) ** 2, axis=2))
    np.testing.assert_allclose(np.sqrt(np.mean(moves, axis=0)), stated, rtol=0.25, atol=0.02)


def test_jackknife_is_the_spread_of_fits_without_one_view() -> None:
    """Against real fits, each without one view; their spread is (n - 1) / n times the sum of squares."""
    views = views_of(LENS)
    fit = fit_lens(views, BOARD, "k1")
    moves = [
        values(fit_lens([*views[:i], *views[i + 1 :]], BOARD, "k1", fit.lens).lens) - values(fit.lens)
        for i in range(len(views))
    ]
    expected = np.sqrt((len(views) - 1) / len(views) * np.sum(np.square(moves), axis=0))
    stated = np.sqrt(np.diag(jackknife_covariance(fit, views, BOARD)))
    np.testing.assert_allclose(stated[:5], expected[:5], rtol=0.15)
    assert not stated[5:].any()
