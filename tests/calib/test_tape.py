"""A camera on a post beside the lane: the tape runs straight from below the lens to below the plate."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calib.acceptance import Tape, check_board, check_plate
from calib.camera import Camera, Mount, Uncertainty
from calib.gather import groups
from calib.measured import Measured, PlateAt
from calib.mount import fit_mount
from calib.mount_problem import MountProblem
from calib.plates import SeenPlate
from calib.residuals import tape_residuals, with_mount
from calib.targets import UPRIGHT, Target
from pipeline.errors import GateError
from pipeline.post.plate_formats import EUROPE
from tests.calib.conftest import BOARD
from tests.calib.seen import IDEAL, plate_px

BESIDE = [
    (1.0, -8.0),
    (1.75, -15.0),
]  # metres from the camera to the plates' line, degrees: turned towards it


def camera_beside(lane_yaw_deg: float) -> Camera:
    return Camera("post", IDEAL, Mount(1.8, 9.0, 0.6, lane_yaw_deg, 2.5))


def plate_at(camera: Camera, x_m: float, y_m: float) -> SeenPlate:
    """A plate 0.5 m above the road, seen exactly."""
    pixels = plate_px(camera, (x_m, y_m, 0.5))
    return SeenPlate(f"{y_m:g}", pixels, np.tile(0.09 * np.eye(2), (4, 1, 1)))


def measured_beside(truth: Camera, x_m: float) -> tuple[Measured, dict[str, SeenPlate]]:
    plates = {f"{y_m:g}": plate_at(truth, x_m, y_m) for y_m in (3.0, 5.0, 8.0)}
    return Measured(plate_at=tuple(PlateAt(name, math.hypot(x_m, float(name))) for name in plates)), plates


@pytest.mark.parametrize(("x_m", "lane_yaw_deg"), BESIDE)
def test_mount_of_a_camera_beside_the_lane(x_m: float, lane_yaw_deg: float) -> None:
    truth = camera_beside(lane_yaw_deg)
    measured, plates = measured_beside(truth, x_m)
    told = replace(truth, mount=None)
    found = groups(measured, told, plates, Path(), None)
    camera = with_mount(told, fit_mount(told, found), measured.stop_line)
    assert camera.mount is not None
    assert camera.mount.height_m == pytest.approx(1.8, abs=0.003)
    assert camera.mount.pitch_deg == pytest.approx(9.0, abs=0.03)
    assert camera.mount.lane_yaw_deg == pytest.approx(lane_yaw_deg, abs=0.1)
    assert max(abs(item.error_cm) for item in tape_residuals(told, found, None)) < 1.0
    check = check_plate(
        camera, [plate_at(truth, x_m, 4.0)], EUROPE[0], Tape(math.hypot(x_m, 4.0), 0.01), "2026-01-31"
    )
    assert check.error_m == pytest.approx(0.0, abs=0.01)


def test_slopes_of_the_measurements_are_those_of_their_residuals() -> None:
    measured, plates = measured_beside(camera_beside(-15.0), 1.75)
    by_road, by_lens = measured.plate_at[0], PlateAt("5", range_m=5.5)
    told = replace(camera_beside(-15.0), mount=None)
    mixed = replace(measured, plate_at=(by_road, by_lens))
    problem = MountProblem(told, tuple(groups(mixed, told, plates, Path(), None)), None)
    start = problem.start(9.0)
    assert start is not None
    state = start + np.random.default_rng(0).normal(0, 0.02, problem.size)
    rows = problem.linearised(state)[1]
    steps = 1e-5 * np.eye(problem.size)
    central = [problem.linearised(state + s)[0] - problem.linearised(state - s)[0] for s in steps]
    np.testing.assert_allclose(rows, np.transpose(central) / 2e-5, rtol=2e-3, atol=0.05)


@pytest.mark.parametrize(("x_m", "lane_yaw_deg"), BESIDE)
def test_check_goes_straight_to_the_plate_or_along_the_lane(x_m: float, lane_yaw_deg: float) -> None:
    camera = camera_beside(lane_yaw_deg)
    plates = [plate_at(camera, x_m, 4.0)]
    straight = check_plate(camera, plates, EUROPE[0], Tape(math.hypot(x_m, 4.0), 0.01), "2026-01-31")
    along = check_plate(camera, plates, EUROPE[0], Tape(4.0, 0.01, stop_line_m=2.5), "2026-01-31")
    assert straight.error_m == pytest.approx(0.0, abs=0.01)
    assert along.error_m == pytest.approx(0.0, abs=0.01)


def test_check_of_a_plate_at_two_places_is_refused() -> None:
    camera = camera_beside(0.0)
    plates = [plate_at(camera, 0.0, y_m) for y_m in (4.0, 4.1, 6.0)]
    assert "agrees" in check_plate(camera, plates[:2], EUROPE[0], Tape(4.1, 0.03), "2026-01-31").verdict
    with pytest.raises(GateError, match=r"different places: .* px wide in 6 and .* px in 4;"):
        check_plate(camera, plates, EUROPE[0], Tape(4.0, 0.01), "2026-01-31")


def standing_board(camera: Camera, x_m: float, y_m: float) -> Target:
    """The board with the middle of its lower edge 0.3 m above the road."""
    points = BOARD.points_m - (BOARD.size_m[0] / 2, BOARD.size_m[1], 0.0)
    pixels = camera.project(camera.camera_from_road(points @ UPRIGHT.T + (x_m, y_m, 0.3)))
    return Target("board.png", points, pixels, np.tile(0.01 * np.eye(2), (len(points), 1, 1)))


def test_check_with_a_board_goes_straight_or_along_the_lane() -> None:
    camera = camera_beside(-30.0)
    target = standing_board(camera, 1.75, 3.0)
    straight = check_board(camera, target, BOARD, Tape(math.hypot(1.75, 3.0), 0.01), "2026-01-31")
    along = check_board(camera, target, BOARD, Tape(3.0, 0.01, stop_line_m=2.5), "2026-01-31")
    assert straight.error_m == pytest.approx(0.0, abs=1e-3)
    assert along.error_m == pytest.approx(0.0, abs=1e-3)


def test_direction_of_the_lane_matters_along_it_only() -> None:
    """A lane direction that is known to 1 degree is 1.75 m * 1 degree = 3.05 cm along the lane, 1.75 m beside it."""
    surely, unsure = (
        camera_beside(-15.0),
        replace(camera_beside(-15.0), uncertainty=Uncertainty(lane_yaw_deg=1.0)),
    )
    plates, target = [plate_at(surely, 1.75, 4.0)], standing_board(surely, 1.75, 4.0)

    def sds_m(camera: Camera, along_lane: bool) -> tuple[float, float]:
        tape = Tape(4.0, 0.01, stop_line_m=2.5 if along_lane else None)
        by_plate = check_plate(camera, plates, EUROPE[0], tape, "2026-01-31")
        return by_plate.sd_m, check_board(camera, target, BOARD, tape, "2026-01-31").sd_m

    assert sds_m(unsure, False) == pytest.approx(sds_m(surely, False), rel=0.05)
    added = np.sqrt(np.square(sds_m(unsure, True)) - np.square(sds_m(surely, True)))
    assert added == pytest.approx(1.75 * math.radians(1.0), rel=0.05)
