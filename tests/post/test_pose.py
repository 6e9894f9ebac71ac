from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calib.camera import Camera
from pipeline.post.plate_formats import EUROPE
from pipeline.post.pose import plate_poses
from tests.post.simulated import LENS, MOUNTED, corners_px

LONG = EUROPE[0]


@pytest.mark.parametrize("angles_deg", [(25.0, -5.0, 3.0), (-30.0, 8.0, 0.0), (5.0, 0.0, -8.0)])
@pytest.mark.parametrize("distortion", [(0.0,) * 5, (-0.3, 0.1, 0.001, -0.001, 0.0)])
def test_pose_of_exact_corners_is_the_truth(
    angles_deg: tuple[float, float, float], distortion: tuple[float, float, float, float, float]
) -> None:
    camera = replace(MOUNTED, intrinsics=replace(LENS, distortion=distortion))
    centre = np.array([0.4, 4.0, 0.5])
    best = plate_poses(corners_px(centre, camera, angles_deg=angles_deg), camera, LONG)[0]
    np.testing.assert_allclose(best.centre_m, camera.camera_from_road(centre), atol=1e-3)
    assert best.error_px < 1e-2


def test_pose_of_exact_corners_seen_square_on_is_the_truth() -> None:
    """The branching point, where rounding alone decides whether OpenCV gives numbers."""
    rng = np.random.default_rng(1)
    level = Camera("level", LENS)
    x, y = LONG.width_m / 2, LONG.height_m / 2
    flat = np.array([[-x, -y, 0.0], [x, -y, 0.0], [x, y, 0.0], [-x, y, 0.0]])
    for _ in range(150):
        centre = rng.uniform([-1.0, -0.5, 2.0], [1.0, 0.5, 12.0]) * (rng.random(3) < (0.5, 0.5, 1.0))
        points = flat + centre
        pixels = points[:, :2] / points[:, 2:] * LENS.fx + (LENS.cx, LENS.cy)
        best = plate_poses(pixels, level, LONG)[0]
        np.testing.assert_allclose(best.centre_m, centre, atol=1e-3 * centre[2])
        assert best.error_px < 1e-2


def test_both_branches_are_returned_and_mirror_each_other() -> None:
    poses = plate_poses(corners_px(np.array([0.0, 5.0, 0.5]), angles_deg=(25.0, 0.0, 0.0)), MOUNTED, LONG)
    assert len(poses) == 2
    facing = [np.degrees(np.arctan2(pose.rotation[0, 2], pose.rotation[2, 2])) for pose in poses]
    assert facing[0] == pytest.approx(25.0, abs=1.0)
    assert facing[1] == pytest.approx(-25.0, abs=3.0)
    assert poses[0].error_px < poses[1].error_px


def test_lower_error_alone_often_picks_the_wrong_branch() -> None:
    """Why both are kept: the design's 16 to 46 % at yaw under 30 degrees."""
    rng = np.random.default_rng(5)
    exact = corners_px(np.array([0.0, 5.0, 0.5]), angles_deg=(15.0, 0.0, 0.0))
    wrong = 0
    for _ in range(60):
        first = plate_poses(exact + rng.normal(size=(4, 2)), MOUNTED, LONG)[0]
        wrong += first.rotation[0, 2] < 0
    assert 6 <= wrong <= 30


def test_corners_of_no_plate_have_no_pose() -> None:
    corners = corners_px(np.array([0.0, 5.0, 0.5]))
    assert plate_poses(corners[[1, 0, 3, 2]], MOUNTED, LONG) == []  # mirrored
    assert plate_poses(np.full((4, 2), 300.0), MOUNTED, LONG) == []  # collapsed
    assert plate_poses(np.full((4, 2), np.nan), MOUNTED, LONG) == []
