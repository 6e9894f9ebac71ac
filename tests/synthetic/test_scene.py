"""The truth of the scene: motion in closed form, corners by an independent projection, pixels where they should be."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from calib.camera import Mount
from pipeline.errors import GateError
from pipeline.post.plate_formats import formats_named
from pipeline.synthetic.approach import Approach, Course, SpeedCourse
from pipeline.synthetic.render import draw_panels, frames, in_front, moved, plate_panel
from pipeline.synthetic.scene import Scenario, gate_camera
from pipeline.synthetic.sketch import Panel
from pipeline.synthetic.vehicle import PLATE_CENTRE_Z_M, car_front
from tests.synthetic.scenarios import TWO_CARS

SMALL = Scenario(camera=gate_camera(320, 240), approach=Approach(start_m=6.0, end_m=4.0), fps=5.0, seed=2)


def independent_corners(scenario: Scenario, distance_m: float) -> np.ndarray:
    """Corners by cv2.projectPoints with a rotation put together from Rodrigues vectors."""
    mount, lens = scenario.camera.mount, scenario.camera.intrinsics
    plate = scenario.plate_format
    half_w, half_h = plate.width_m / 2, plate.height_m / 2
    corners = np.array([(-half_w, half_h), (half_w, half_h), (half_w, -half_h), (-half_w, -half_h)])
    x = scenario.lane_offset_m + corners[:, 0]
    y = np.full(4, distance_m)
    z = PLATE_CENTRE_Z_M + corners[:, 1]
    # A level camera that looks along the lane: right is X, down is -Z, forward is Y.
    level = np.column_stack([x, mount.height_m - z, y])
    yaw = cv2.Rodrigues(np.array([0.0, math.radians(mount.lane_yaw_deg), 0.0]))[0]
    pitch = cv2.Rodrigues(np.array([math.radians(mount.pitch_deg), 0.0, 0.0]))[0]
    roll = cv2.Rodrigues(np.array([0.0, 0.0, math.radians(mount.roll_deg)]))[0]
    rotation = cv2.Rodrigues(roll @ pitch @ yaw)[0]
    matrix = np.array([[lens.fx, 0, lens.cx], [0, lens.fy, lens.cy], [0, 0, 1]])
    return cv2.projectPoints(level, rotation, np.zeros(3), matrix, None)[0].reshape(4, 2)


@pytest.mark.parametrize("mount", [Mount(1.3, 8, 0, 0, 2.0), Mount(1.1, 5, 3, -6, 1.0)])
def test_truth_agrees_with_an_independent_projection(mount: Mount) -> None:
    camera = replace(gate_camera(), mount=mount)
    scenario = Scenario(camera=camera, lane_offset_m=0.4, plate_format=formats_named(["us-305x152"])[0])
    for time_s in (0.0, 0.72, 1.6):
        distance_m = 10.0 - 15.0 / 3.6 * time_s
        truth = scenario.truth(time_s)
        assert truth.corners_px == pytest.approx(independent_corners(scenario, distance_m), abs=1e-3)
        assert truth.distance_m == pytest.approx(distance_m - mount.stop_line_m)
        assert truth.range_m == pytest.approx(math.hypot(0.4, distance_m, mount.height_m - PLATE_CENTRE_Z_M))
        assert truth.speed_kmh == pytest.approx(15.0)


@pytest.mark.parametrize(
    ("course", "last_kmh", "last_m"),
    [
        (Approach(stop_m=3.0, deceleration_mps2=3.0), 0.0, 1.0),
        (SpeedCourse(4.0, ((0.0, 0.0), (0.5, 0.0), (1.5, -9.0), (2.0, -9.0))), -9.0, 4.5),
    ],
)
def test_truth_speed_is_the_change_of_distance(course: Course, last_kmh: float, last_m: float) -> None:
    scenario = Scenario(approach=course)
    step = 1e-4
    for time_s in scenario.times_s[1:-1]:
        before, after = scenario.truth(time_s - step), scenario.truth(time_s + step)
        slope_kmh = -3.6 * (after.distance_m - before.distance_m) / (2 * step)
        assert scenario.truth(time_s).speed_kmh == pytest.approx(slope_kmh, abs=2e-3)
    last = scenario.truth(scenario.times_s[-1])
    assert (last.speed_kmh, last.distance_m) == (pytest.approx(last_kmh), pytest.approx(last_m))


def test_truths_are_those_of_the_plates_in_the_image() -> None:
    scenario = TWO_CARS
    both, later = scenario.truths(0.0), scenario.truths(2.4)
    assert [truth.vehicle for truth in both] == [0, 1]
    assert both[0].distance_m < both[1].distance_m
    assert [truth.vehicle for truth in later] == [1]  # the first car is below the image
    behind_the_camera = scenario.truth(4.0, vehicle=0)
    assert np.isnan(behind_the_camera.corners_px).all()


def test_car_in_front_hides_the_one_behind() -> None:
    first = replace(TWO_CARS, frame_times_s=(0.0, 0.9), behind=(SpeedCourse(40.0, ((0.0, 0.0), (2.0, 0.0))),))
    alone, _ = frames(first)
    together, second_in_sight = frames(replace(first, behind=TWO_CARS.behind))
    x, y = first.truth(0.0).corners_px.mean(axis=0).astype(int)
    window = slice(y - 6, y + 6), slice(x - 20, x + 20)
    first_plate = [image[window].astype(int) for image, _ in (alone, together)]
    assert np.abs(first_plate[0] - first_plate[1]).mean() < 8  # noise and another drawn number plate at most
    assert not np.array_equal(together[0], second_in_sight[0])


@pytest.mark.parametrize("distance_m", [9.0, 3.2])
def test_drawn_plate_covers_exactly_the_true_quad(distance_m: float) -> None:
    scenario = SMALL
    plate = plate_panel(np.random.default_rng(0), scenario.plate_format)
    half = np.array([scenario.plate_format.width_m, scenario.plate_format.height_m]) / 2
    signs = np.array([(-1, 1), (1, 1), (1, -1), (-1, -1)])
    corners = np.insert(signs * half, 1, 0.0, axis=1) + np.array([0, 0, PLATE_CENTRE_Z_M])
    white = Panel(np.full((176, 832, 4), 255, np.uint8), corners)
    position = np.array([scenario.lane_offset_m, distance_m, 0.0])
    black = np.zeros((240, 320, 3), np.float32)
    cover = draw_panels(scenario.camera, [white], position).cover(black)[..., 0] / 255.0
    quad = independent_corners(scenario, distance_m)
    assert cover.sum() == pytest.approx(cv2.contourArea(quad.astype(np.float32)), rel=0.01)
    rows, columns = np.indices(cover.shape)
    found = np.array([(columns * cover).sum(), (rows * cover).sum()]) / cover.sum()
    moments = cv2.moments(quad.astype(np.float32))
    centroid = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    assert found == pytest.approx(centroid, abs=0.03)
    assert np.ptp(plate.corners_m[:, 0]) > scenario.plate_format.width_m  # the holder lies outside the plate


def test_moved_overlay_spreads_by_the_travel_and_keeps_its_place() -> None:
    white = Panel(
        np.full((50, 200, 4), 255, np.uint8), np.array([(-1, 0, 1), (1, 0, 1), (1, 0, 0.2), (-1, 0, 0.2)])
    )
    overlay = draw_panels(gate_camera(320, 240), [white], np.array([0.0, 5.0, 0.0]))
    corners = np.array([(80.0, 60), (240, 60), (240, 100), (80, 100)])
    shift = np.array([2.0, 0.0])
    blurred = moved(overlay, corners - shift, corners + shift)
    row = overlay.layer.shape[0] // 2
    before, after = overlay.layer[row, :, 3], blurred.layer[row, :, 3]
    assert after.sum() == pytest.approx(before.sum(), rel=0.01)
    assert ((after > 3) & (after < 252)).sum() >= ((before > 3) & (before < 252)).sum() + 4


def test_panel_is_cut_where_it_passes_the_camera() -> None:
    camera = replace(gate_camera(), mount=Mount(1.3, 0.0, 0.0, 0.0))
    bonnet = Panel(
        np.zeros((100, 40, 4), np.uint8),
        np.array([(-1, 4.0, 1), (1, 4.0, 1), (1, -1.0, 0.8), (-1, -1.0, 0.8)]),
    )
    part = in_front(camera, bonnet)
    assert part is not None
    assert part.corners_m[:2] == pytest.approx(bonnet.corners_m[:2])
    assert part.corners_m[2:, 1] == pytest.approx([0.25, 0.25], abs=0.05)  # a row of the texture is 0.05 m
    assert part.corners_m[2:, 2] == pytest.approx([0.85, 0.85], abs=0.005)
    assert part.texture.shape == (75, 40, 4)
    ahead_m = np.array([0.0, 5.0, 0.0])
    assert in_front(camera, Panel(bonnet.texture, bonnet.corners_m - ahead_m)) is None
    assert in_front(camera, Panel(bonnet.texture, bonnet.corners_m + ahead_m)) is not None


def test_frames_are_the_same_for_the_same_seed_and_differ_otherwise() -> None:
    first, again = list(frames(SMALL)), list(frames(SMALL))
    assert len(first) == len(SMALL.times_s) == 3
    for (image, truth), (image_again, _), time_s in zip(first, again, SMALL.times_s, strict=True):
        assert image.shape == (240, 320, 3)
        assert truth.time_s == time_s
        assert np.array_equal(image, image_again)
    other = next(frames(replace(SMALL, seed=3)))[0]
    assert not np.array_equal(first[0][0], other)


def test_night_is_dark_but_the_plate_is_lit() -> None:
    day, truth = next(frames(SMALL))
    night, _ = next(frames(replace(SMALL, night=True)))
    x0, y0 = truth.corners_px.min(axis=0).astype(int) + 1
    x1, y1 = truth.corners_px.max(axis=0).astype(int)
    assert night.mean() < 0.4 * day.mean()
    assert night[y0:y1, x0:x1].mean() > 2 * night.mean()


def test_car_front_is_ordered_from_far_to_near() -> None:
    depths = [panel.corners_m[:, 1].mean() for panel in car_front(np.random.default_rng(0))]
    assert depths[-1] == min(depths)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"end_m": 1.0}, "1.5 m"),
        ({"speed_kmh": 0.0}, "speed"),
        ({"stop_m": 9.0}, "room"),
        ({"start_m": 2.0}, "room"),
    ],
)
def test_approach_refuses_what_cannot_be(change: dict[str, float], word: str) -> None:
    with pytest.raises(GateError, match=word):
        Approach(**change)


def test_scenario_refuses_a_camera_without_mount() -> None:
    with pytest.raises(GateError, match="mount"):
        Scenario(camera=replace(gate_camera(), mount=None))
