"""The track simulator against OpenCV and against what its words promise."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from calib.camera import Camera, Intrinsics, Mount
from pipeline.synthetic.drive import Drive, SpeedProfile
from pipeline.synthetic.tracks import EXACT, REALISTIC, Conditions, noise_px, observe, project_px, see_px
from pipeline.synthetic.traffic import Manoeuvre, random_track

LENS = Intrinsics(1280, 960, 1100.0, 1090.0, 630.0, 470.0, (-0.2, 0.05, 0.001, -0.002, -0.01))
CAMERA = Camera("c", LENS, Mount(1.8, 10.0, 2.0, 5.0, 1.0))
STEADY = Drive(np.array([0.4, 6.0, 0.5]), 0.05, 0.0, 0.04, -0.06, 0.02, (0.52, 0.11), SpeedProfile([0], [4]))


def test_projection_agrees_with_opencv() -> None:
    points = STEADY.corners_m(np.zeros((1, 4)))
    in_camera = CAMERA.camera_from_road(points).reshape(-1, 1, 3)
    expected = cv2.projectPoints(in_camera, np.zeros(3), np.zeros(3), LENS.matrix, np.array(LENS.distortion))[
        0
    ]
    np.testing.assert_allclose(project_px(points, CAMERA).reshape(4, 2), expected.reshape(4, 2), atol=1e-9)


def test_plate_is_a_rectangle_of_its_size_that_faces_the_camera() -> None:
    top_left, top_right, bottom_right, bottom_left = STEADY.corners_m(np.zeros((1, 4)))[0]
    assert np.linalg.norm(top_right - top_left) == pytest.approx(0.52)
    assert np.linalg.norm(bottom_left - top_left) == pytest.approx(0.11)
    assert (top_right - top_left) @ (bottom_left - top_left) == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(top_left + bottom_right, top_right + bottom_left)
    away = np.cross(top_right - top_left, bottom_left - top_left)
    assert away[1] > 0


def test_travelled_way_is_the_integral_of_the_speed() -> None:
    profile = SpeedProfile([-1.5, -0.5], [4.0, 0.0])
    fine = np.linspace(-2.0, 0.5, 100001)
    way = np.concatenate(
        [[0.0], np.cumsum(0.5 * (profile.at(fine[1:]) + profile.at(fine[:-1])) * np.diff(fine))]
    )
    way -= np.interp(0.0, fine, way)
    np.testing.assert_allclose(profile.travelled_m(fine), way, atol=1e-6)


def test_rolling_shutter_shows_each_corner_at_its_rows_time() -> None:
    camera = replace(CAMERA, intrinsics=replace(LENS, row_time_s=5e-5))
    pixels = see_px(STEADY, camera, np.zeros(1))[0]
    for corner in range(4):
        times = np.full((1, 4), 5e-5 * pixels[corner, 1])
        np.testing.assert_allclose(
            project_px(STEADY.corners_m(times), camera)[0, corner], pixels[corner], atol=1e-3
        )


def test_noise_has_its_size_and_correlation() -> None:
    noise = noise_px(np.random.default_rng(0), 4000, 0.7, 0.8)
    assert noise.std() == pytest.approx(0.7, rel=0.05)
    assert np.mean(noise[1:] * noise[:-1]) / noise.var() == pytest.approx(0.8, abs=0.02)


def test_conditions_lose_frames_shift_times_and_spoil_the_calibration() -> None:
    times = np.arange(-999, 1) / 25
    track = observe(
        np.random.default_rng(1), replace(STEADY, speed=SpeedProfile([0], [0])), CAMERA, times, 0.7, REALISTIC
    )
    assert len(track.times_s) == pytest.approx(950, abs=25)
    assert np.std(track.times_s - track.capture_s) == pytest.approx(0.005, rel=0.15)
    far = np.max(np.abs(track.corners_px - track.true_px), axis=(1, 2)) > 6
    assert far.mean() == pytest.approx(0.02, abs=0.012)
    assert track.camera.intrinsics.fx != track.true_camera.intrinsics.fx
    assert track.camera.uncertainty.fx == 3.0


def test_exact_conditions_add_only_noise() -> None:
    track = observe(np.random.default_rng(2), STEADY, CAMERA, np.arange(-9, 1) / 25, 0.7, EXACT)
    assert track.camera == track.true_camera
    np.testing.assert_array_equal(track.times_s, track.capture_s)
    assert track.mean_speed_kmh == pytest.approx(14.4)
    assert track.distance_m == pytest.approx(5.0)  # stop line at 1 m


def test_shared_errors_shift_each_corner_on_the_plate() -> None:
    conditions, times = Conditions(shared=0.75), np.arange(-1999, 1) / 2000
    track = observe(np.random.default_rng(3), STEADY, CAMERA, times, 0.8, conditions)
    errors, widths = track.corners_px - track.true_px, track.true_px[:, 1, 0] - track.true_px[:, 0, 0]
    on_plate = np.mean(errors / widths[:, None, None], axis=0) * widths.max()
    rest = errors - on_plate * (widths / widths.max())[:, None, None]
    assert rest.std() == pytest.approx(0.4, rel=0.05)
    many = [
        observe(np.random.default_rng(seed), STEADY, CAMERA, times[-1:], 0.8, conditions)
        for seed in range(200)
    ]
    assert np.std([one.corners_px - one.true_px for one in many]) == pytest.approx(0.8, rel=0.05)


@pytest.mark.parametrize("manoeuvre", ["steady", "braking", "stopping", "stopped", "glance"])
def test_random_tracks_stay_in_the_image_and_repeat_with_their_seed(manoeuvre: Manoeuvre) -> None:
    first, second = (random_track(np.random.default_rng(3), Conditions(), manoeuvre) for _ in range(2))
    np.testing.assert_array_equal(first.corners_px, second.corners_px)
    lens = first.camera.intrinsics
    assert np.all((first.true_px > 0) & (first.true_px < (lens.width, lens.height)))
    if manoeuvre in ("stopping", "stopped"):
        assert first.speed_kmh == 0.0
    if manoeuvre == "braking":
        assert first.speed_kmh < first.mean_speed_kmh
