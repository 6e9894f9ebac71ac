from __future__ import annotations

import numpy as np
import pytest

from pipeline.post.plate_motion import CAMERA_AXES, COUNT, STRETCHES, facing_angles, predict
from tests.post.simulated import LENS, MOUNT, MOUNTED, corners_px

ASPECT = np.log(0.11 / 0.52)


def test_predict_agrees_with_opencv_projection() -> None:
    angles_deg = (7.0, -4.0, 3.0)
    motion = np.array(
        [0.3, 5.0, 0.5 - MOUNT.height_m, 4.0, 0.0, 0.0, *np.radians(angles_deg), ASPECT, *[1.5] * STRETCHES]
    )
    times = np.array([-0.4, -0.1, 0.0])
    rays, _ = predict(motion, times, 0.52, MOUNT.camera_from_road)
    for ray, time in zip(rays, times, strict=True):
        centre = np.array([0.3, 5.0 - 4.0 * time - 0.75 * time**2, 0.5])
        expected = corners_px(centre, MOUNTED, angles_deg=angles_deg)
        np.testing.assert_allclose(ray * LENS.fx + (LENS.cx, LENS.cy), expected, atol=1e-9)


@pytest.mark.parametrize("axes", [CAMERA_AXES, MOUNT.camera_from_road])
def test_predict_jacobian_is_the_slope_of_the_rays(axes: np.ndarray) -> None:
    motion = np.array(
        [0.3, 5.0, -0.8, 4.0, 0.1, 0.05, 0.04, -0.06, 0.03, ASPECT, 1.5, -1.0, 2.0, 0.5, 0.2, -0.4]
    )
    times = np.array([-1.7, -0.6, 0.0])
    _, jacobian = predict(motion, times, 0.52, axes)
    for index in range(COUNT):
        step = np.zeros(COUNT)
        step[index] = 1e-6
        numeric = (
            predict(motion + step, times, 0.52, axes)[0] - predict(motion - step, times, 0.52, axes)[0]
        ) / 2e-6
        np.testing.assert_allclose(jacobian[..., index], numeric, atol=1e-8)


def test_facing_angles_of_a_turned_plate() -> None:
    angles = np.radians([20.0, -10.0, 5.0])
    motion = np.array([0.0, 5.0, 0.0, 0.0, 0.0, 0.0, *angles, 0.0, *[0.0] * STRETCHES])
    rays, _ = predict(motion, np.zeros(1), 0.001, np.eye(3))  # a tiny plate: its edges are its axes
    assert np.isfinite(rays).all()
    azimuth, elevation, roll = angles
    away = [np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)]
    level_right = np.array([np.cos(azimuth), -np.sin(azimuth), 0.0])
    level_down = np.cross(away, level_right)
    right = np.cos(roll) * level_right + np.sin(roll) * level_down
    rotation = np.stack([right, np.cross(away, right), away], axis=1)
    assert facing_angles(rotation) == pytest.approx(tuple(angles))
