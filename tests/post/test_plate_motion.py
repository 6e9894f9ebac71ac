"""The motion model against OpenCV's projection, and its derivatives against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.post.plate_motion import (
    CAMERA_AXES,
    COUNT,
    STRETCHES,
    PlateAt,
    facing_angles,
    moved_on,
    seconds_lasted,
    speed_at,
    stretch_ages_s,
    travel_by_accelerations,
)
from tests.post.simulated import LENS, MOUNT, MOUNTED, corners_px

ASPECT = np.log(0.11 / 0.52)
AGES = stretch_ages_s(2.0)
TIMES = np.array([-1.7, -0.6, 0.0])


def motion(
    place: list[float], angles: list[float], speed: float, accelerations: list[float], aspect: float = ASPECT
) -> np.ndarray:
    return np.array([*place, *angles, aspect, speed, *accelerations])


def four(times: np.ndarray) -> np.ndarray:
    return np.repeat(times[:, None], 4, axis=1)


def plate_at(values: np.ndarray, axes: np.ndarray, times: np.ndarray) -> PlateAt:
    return PlateAt(values, times, travel_by_accelerations(times, AGES), 0.52, axes)


def rays(values: np.ndarray, axes: np.ndarray, times: np.ndarray) -> np.ndarray:
    points = plate_at(values, axes, times).points
    return points[..., :2] / points[..., 2:]


def test_plate_agrees_with_opencv_projection() -> None:
    angles_deg = (7.0, -4.0, 3.0)
    values = motion(
        [0.3, 5.0, 0.5 - MOUNT.height_m],
        [0.0, 0.0, *np.radians(angles_deg)],
        4.0,
        [1.5] * STRETCHES,
    )
    for ray, time in zip(rays(values, MOUNT.camera_from_road, four(TIMES)), TIMES, strict=True):
        centre = np.array([0.3, 5.0 - 4.0 * time - 0.75 * time**2, 0.5])
        expected = corners_px(centre, MOUNTED, angles_deg=angles_deg)
        np.testing.assert_allclose(ray * LENS.fx + (LENS.cx, LENS.cy), expected, atol=1e-9)


def test_each_corner_has_its_own_time() -> None:
    values = motion([0.3, 5.0, -0.8], [0.0] * 5, 4.0, [0.0] * STRETCHES)
    times = np.array([[0.0, 0.0, -0.01, -0.01]])
    seen = rays(values, np.eye(3), times)[0]
    earlier = rays(values, np.eye(3), four(np.array([-0.01, 0.0])))
    np.testing.assert_allclose(seen[:2], earlier[1, :2])
    np.testing.assert_allclose(seen[2:], earlier[0, 2:])


@pytest.mark.parametrize("axes", [CAMERA_AXES, MOUNT.camera_from_road])
def test_derivatives_are_the_slopes_of_the_rays(axes: np.ndarray) -> None:
    values = motion(
        [0.3, 5.0, -0.8], [0.1, 0.05, 0.04, -0.06, 0.03], 4.0, [1.5, -1.0, 2.0, 0.5, 0.2, -0.4, 0.7]
    )
    plate = plate_at(values, axes, four(TIMES))
    depth = plate.points[..., 2]
    by_point = np.zeros((len(TIMES), 4, 2, 3))
    by_point[..., 0, 0] = by_point[..., 1, 1] = 1 / depth
    by_point[..., 2] = -plate.points[..., :2] / depth[..., None] ** 2
    found, by_way = plate.derivatives(by_point)
    for index in range(COUNT):
        step = np.zeros(COUNT)
        step[index] = 1e-6
        numeric = (rays(values + step, axes, four(TIMES)) - rays(values - step, axes, four(TIMES))) / 2e-6
        np.testing.assert_allclose(found[..., index], numeric, atol=1e-8)
    times = TIMES[:2]
    later, earlier = (rays(values, axes, four(times + step)) for step in (1e-6, -1e-6))
    by_time = by_way[:2] * speed_at(values, seconds_lasted(times, AGES))[:, None, None]
    np.testing.assert_allclose(by_time, (later - earlier) / 2e-6, atol=1e-7)


def test_motion_moved_on_shows_the_same_plate_at_the_same_moment() -> None:
    values = motion([0.3, 5.0, -0.8], [0.1, 0.05, 0.04, -0.06, 0.03], 4.0, [1.5] * STRETCHES)
    later = moved_on(values, -0.3)
    np.testing.assert_allclose(
        rays(later, np.eye(3), four(np.zeros(1))), rays(values, np.eye(3), four(np.array([-0.3])))
    )


def test_facing_angles_of_a_turned_plate() -> None:
    azimuth, elevation, roll = np.radians([20.0, -10.0, 5.0])
    away = [np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)]
    level_right = np.array([np.cos(azimuth), -np.sin(azimuth), 0.0])
    level_down = np.cross(away, level_right)
    right = np.cos(roll) * level_right + np.sin(roll) * level_down
    rotation = np.stack([right, np.cross(away, right), away], axis=1)
    assert facing_angles(rotation) == pytest.approx((azimuth, elevation, roll))
