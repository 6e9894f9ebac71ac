"""The mount from taped plates, boards and passages, on simulated corners with known truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from calib.benchmark.mount_runs import BY_HAND, ON_STAND, mount_run, taped_plates
from calib.camera import Camera, Mount, Uncertainty
from calib.gather import groups
from calib.measured import BoardAt, Measured, Passages, Plate, PlateAt, StopLine, TapedCamera
from calib.mount import MOUNT_KEYS, fit_mount
from calib.plates import SeenPlate, read_passages
from calib.residuals import stop_line, tape_residuals, with_mount
from calib.targets import FLAT, UPRIGHT, turned
from pipeline.errors import GateError
from pipeline.synthetic.boards import BoardCamera, BoardPose
from tests.calib.conftest import BOARD, LENS
from tests.calib.seen import IDEAL, passage_update, plate_px

TRUTH = Camera("truth", IDEAL, Mount(1.8, 9.0, 0.6, 2.0, 2.5))
LENS_ONLY = replace(TRUTH, mount=None)


def plate_at(
    distance_m: float,
    noise_px: float = 0.0,
    seed: int = 0,
    height_m: float = 0.5,
    x_m: float = 0.1,
    angles_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> SeenPlate:
    facing = turned(UPRIGHT, *np.radians(angles_deg))
    pixels = plate_px(TRUTH, (x_m, distance_m, height_m), facing)
    pixels += np.random.default_rng(seed).normal(0, noise_px, (4, 2)) if noise_px else 0.0
    return SeenPlate(f"{distance_m:g}", pixels, np.tile(max(noise_px, 0.3) ** 2 * np.eye(2), (4, 1, 1)))


def fitted(measured: Measured, plates: list[SeenPlate], folder: Path = Path()) -> Camera:
    found = groups(measured, LENS_ONLY, {plate.name: plate for plate in plates}, folder, BOARD)
    height = (measured.camera.height_m, measured.camera.height_sd_m) if measured.camera else None
    return with_mount(LENS_ONLY, fit_mount(LENS_ONLY, found, height), measured.stop_line)


def test_turned_axes_by_hand() -> None:
    # Upright: x right, y down, z away. Turned right by 90 degrees it faces along -X: its x axis points to -Y.
    np.testing.assert_allclose(turned(UPRIGHT, 0, 0, 0) @ [1, 2, 3], [1, 3, -2], atol=1e-12)
    np.testing.assert_allclose(turned(UPRIGHT, np.pi / 2, 0, 0) @ [1, 0, 0], [0, -1, 0], atol=1e-12)
    # Lying: x right, y towards the camera, z into the road.
    np.testing.assert_allclose(turned(FLAT, 0, 0, 0) @ [1, 2, 3], [1, -2, -3], atol=1e-12)


def test_exact_plates_give_the_exact_mount() -> None:
    plates = [plate_at(distance) for distance in (3, 5, 8)]
    measured = Measured(plate_at=tuple(PlateAt(plate.name, float(plate.name)) for plate in plates))
    mount = fitted(measured, plates).mount
    assert mount is not None
    for key in MOUNT_KEYS:
        assert getattr(mount, key) == pytest.approx(getattr(TRUTH.mount, key), abs=0.02)


@pytest.mark.parametrize("seed", range(8))
def test_three_taped_plates_give_height_and_pitch(seed: int) -> None:
    """Tape 1 cm, corners 1 px, everything else as stated: 3 cm and 0.3 degrees."""
    rng = np.random.default_rng(seed)
    plates = [plate_at(distance, 1.0, seed * 3 + i) for i, distance in enumerate((3, 5, 8))]
    taped = tuple(PlateAt(plate.name, float(plate.name) + rng.normal(0, 0.01)) for plate in plates)
    camera = fitted(Measured(plate_at=taped), plates)
    assert camera.mount is not None
    assert abs(camera.mount.height_m - 1.8) < 0.03
    assert abs(camera.mount.pitch_deg - 9.0) < 0.3


@pytest.mark.parametrize("plate", [BY_HAND, ON_STAND], ids=["by hand", "on a stand"])
def test_interval_holds_the_truth_and_distances_are_right(plate: Plate) -> None:
    runs = [mount_run(np.random.default_rng(seed), plate) for seed in range(8)]
    held = np.array([np.abs(run.errors) <= 1.96 * run.sd for run in runs])
    assert held.mean() > 0.8  # 32 numbers; the 200 runs of `python -m calib.benchmark` are in the docs
    for run in runs:
        assert (
            max(share for name, share in run.figures.items() if name.startswith("distance")) < 1.0
        )  # per cent


def test_plate_on_a_stand_gives_a_surer_height_than_one_by_hand() -> None:
    plates = [plate_at(distance, 1.0, i) for i, distance in enumerate((3, 5, 8))]
    taped = tuple(PlateAt(plate.name, float(plate.name)) for plate in plates)
    by_hand, on_stand = (fitted(Measured(plate, taped), plates).uncertainty for plate in (BY_HAND, ON_STAND))
    assert (on_stand.height_m or 0) < 0.8 * (by_hand.height_m or 0)
    assert (on_stand.roll_deg or 0) < 0.5 * (by_hand.roll_deg or 0)


def test_range_from_the_lens_is_as_good_as_the_road() -> None:
    plates = [plate_at(distance) for distance in (3, 5, 8)]
    ranges = [float(np.linalg.norm([0.1, distance, 0.5 - 1.8])) for distance in (3, 5, 8)]
    taped = tuple(PlateAt(plate.name, range_m=value) for plate, value in zip(plates, ranges, strict=True))
    mount = fitted(Measured(plate_at=taped), plates).mount
    assert mount is not None
    assert mount.height_m == pytest.approx(1.8, abs=0.003)
    assert mount.pitch_deg == pytest.approx(9.0, abs=0.02)


def test_taped_range_is_predicted_as_well_as_is_stated() -> None:
    """Each of three plates held by hand, 14 times: the camera's height is part of the range."""
    ratios = []
    for seed in range(14):
        rng = np.random.default_rng(seed)
        held = rng.normal(0, (0.0, 0.01, *np.radians([3, 3, 0.75])))
        plates, taped = [], []
        for distance in (3, 5, 8):
            x_m, z_m, *facing = held + rng.normal(0, (0.03, 0.003, *np.radians([3, 3, 0.75])))
            place = np.array([0.1 + x_m, distance, 0.5 + z_m])
            pixels = plate_px(TRUTH, place, turned(UPRIGHT, *facing)) + rng.normal(0, 1, (4, 2))
            plates.append(SeenPlate(str(distance), pixels, np.tile(np.eye(2), (4, 1, 1))))
            range_m = float(np.linalg.norm(place - (0, 0, 1.8))) + rng.normal(0, 0.01)
            taped.append(PlateAt(str(distance), range_m=range_m))
        seen = {plate.name: plate for plate in plates}
        found = groups(Measured(BY_HAND, tuple(taped)), LENS_ONLY, seen, Path(), None)
        ratios += [0.01 * item.error_cm / item.sd_m for item in tape_residuals(LENS_ONLY, found, None)]
    assert np.sqrt(np.mean(np.square(ratios))) == pytest.approx(1.0, abs=0.12)


def test_mistyped_distance_is_shown_in_centimetres() -> None:
    plates = [plate_at(distance, 0.7, i) for i, distance in enumerate((3, 4, 5, 6, 8))]
    taped = tuple(PlateAt(plate.name, 6.60 if plate.name == "6" else float(plate.name)) for plate in plates)
    found = groups(Measured(plate_at=taped), LENS_ONLY, {plate.name: plate for plate in plates}, Path(), None)
    residuals = {item.name: item for item in tape_residuals(LENS_ONLY, found, None)}
    assert residuals["6"].error_cm == pytest.approx(60, abs=20)
    assert not residuals["6"].agrees
    assert max(residuals.values(), key=lambda item: abs(item.error_cm) / item.sd_m).name == "6"


def test_taped_camera_height_narrows_the_height() -> None:
    plates = [plate_at(distance, 1.0, i) for i, distance in enumerate((3, 5, 8))]
    taped = tuple(PlateAt(plate.name, float(plate.name)) for plate in plates)
    without = fitted(Measured(plate_at=taped), plates).uncertainty.height_m
    with_it = fitted(Measured(plate_at=taped, camera=TapedCamera(1.8, 0.005)), plates).uncertainty.height_m
    assert without is not None
    assert with_it is not None
    assert with_it < 0.6 * without


def test_uncertain_lens_makes_the_mount_uncertain() -> None:
    plates = [plate_at(distance, 1.0, i) for i, distance in enumerate((3, 5, 8))]
    measured = Measured(plate_at=tuple(PlateAt(plate.name, float(plate.name)) for plate in plates))
    by_name = {plate.name: plate for plate in plates}
    unsure = replace(LENS_ONLY, uncertainty=Uncertainty(cy=10.0))
    sds = [
        fit_mount(item, groups(measured, item, by_name, Path(), None)).covariance
        for item in (LENS_ONLY, unsure)
    ]
    # 10 px of the centre are 10 / 1100 rad of pitch.
    added = np.sqrt(sds[1][1, 1] - sds[0][1, 1])
    assert added == pytest.approx(10 / 1100, rel=0.3)


def test_board_on_the_road(tmp_path: Path, board_camera: BoardCamera) -> None:
    """One board, laid down and turned by 10 degrees, its lower edge 0.5 m ahead of the point under the camera."""
    truth = Camera("truth", LENS, Mount(0.6, 45.0, -1.0, 3.0))
    facing = turned(FLAT, np.radians(10), 0, 0)
    centre = np.array([0.05, 0.5, 0.0]) + facing @ [0.0, -BOARD.size_m[1] / 2, 0.0]
    assert truth.mount is not None
    pose = BoardPose(truth.mount.camera_from_road @ facing, truth.camera_from_road(centre))
    cv2.imwrite(str(tmp_path / "floor.png"), board_camera.photograph(np.random.default_rng(0), pose))
    told = replace(truth, mount=None)
    measured = Measured(board_at=(BoardAt("floor.png", "lying", 0.5),))
    fit = fit_mount(told, groups(measured, told, {}, tmp_path, BOARD))
    assert fit.mount.height_m == pytest.approx(0.6, abs=0.015)
    assert fit.mount.pitch_deg == pytest.approx(45.0, abs=0.6)
    assert fit.mount.roll_deg == pytest.approx(-1.0, abs=0.6)


def write_passages(path: Path, camera_id: str = "truth", cars: Sequence[tuple[float, str]] = ()) -> None:
    """Append events of cars that drive along the lane, each this far to the right and under this name."""
    with path.open("a") as file:
        for car, (x_m, name) in enumerate(cars):
            for number, distance in enumerate(np.arange(10.0, 3.0, -0.4)):
                plate = plate_at(
                    float(distance), 0.5, 100 * car + number, x_m=x_m, angles_deg=(1.0, 2.0, 0.5)
                )
                seq = 100 * car + number + 2
                file.write(passage_update(TRUTH, camera_id, seq, name, plate.corners_px, sd_px=0.5))


def test_passages_give_lane_and_pitch(tmp_path: Path) -> None:
    """Two cars along the lane, one 30 cm to the left of the other; the plate's height is known to 1 cm."""
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps({"kind": "heartbeat", "camera": "truth", "seq": 1}) + "\n")
    write_passages(path, cars=[(-0.1, "car-0"), (0.2, "car-1")])
    camera = fitted(Measured(passages=Passages("events.jsonl", 0.5, 0.01)), [], tmp_path)
    assert camera.mount is not None
    assert camera.mount.lane_yaw_deg == pytest.approx(2.0, abs=0.6)
    assert camera.mount.pitch_deg == pytest.approx(9.0, abs=0.6)
    assert camera.mount.height_m == pytest.approx(1.8, abs=0.08)
    for key in ("lane_yaw_deg", "pitch_deg", "height_m"):
        error, sd = getattr(camera.mount, key) - getattr(TRUTH.mount, key), getattr(camera.uncertainty, key)
        assert abs(error) < 3 * sd


def test_a_journal_of_two_cameras_and_two_runs_gives_the_passages_of_one_camera_apart(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for x_m in (-0.1, 0.2):  # the gate was restarted, and counts its passages anew
        write_passages(path, "truth", [(x_m, "truth-1-0001")])
        write_passages(path, "exit-1", [(x_m, "exit-1-1-0001")])
    passages = list(read_passages(path, LENS_ONLY))
    assert [name for name, _, _ in passages] == ["truth-1-0001"] * 2
    for x_m, (_, _, plates) in zip((-0.1, 0.2), passages, strict=True):
        alone = tmp_path / f"{x_m}.jsonl"
        write_passages(alone, "gate", [(x_m, "gate-1-0001")])  # an only camera may have another name
        [(_, _, expected)] = read_passages(alone, LENS_ONLY)
        np.testing.assert_array_equal([p.corners_px for p in plates], [p.corners_px for p in expected])


def test_passages_of_other_cameras_or_of_another_image_size_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write_passages(path, "exit-1", [(0.0, "exit-1-1-0001")])
    with pytest.raises(GateError, match="no passage in images of 640x480"):
        list(read_passages(path, replace(LENS_ONLY, intrinsics=replace(IDEAL, width=640, height=480))))
    write_passages(path, "exit-2", [(0.0, "exit-2-1-0001")])
    with pytest.raises(GateError, match="exit-1, exit-2 and none of truth"):
        list(read_passages(path, LENS_ONLY))


def test_stop_line_from_clicks() -> None:
    ends = TRUTH.project(TRUTH.camera_from_road([[-0.8, 2.5, 0.0], [0.7, 2.5, 0.0]]))
    clicks = tuple((float(x), float(y)) for x, y in ends)
    plates = [plate_at(distance) for distance in (3, 5, 8)]
    taped = tuple(PlateAt(plate.name, float(plate.name)) for plate in plates)
    camera = fitted(Measured(plate_at=taped, stop_line=StopLine(clicks)), plates)
    assert camera.mount is not None
    assert camera.mount.stop_line_m == pytest.approx(2.5, abs=0.01)
    assert 0.003 < (camera.uncertainty.stop_line_m or 0) < 0.1


def test_click_in_the_sky_is_refused() -> None:
    plates = [plate_at(distance) for distance in (3, 5, 8)]
    taped = tuple(PlateAt(plate.name, float(plate.name)) for plate in plates)
    found = groups(Measured(plate_at=taped), LENS_ONLY, {plate.name: plate for plate in plates}, Path(), None)
    with pytest.raises(GateError, match="not on the road"):
        stop_line(LENS_ONLY, fit_mount(LENS_ONLY, found), StopLine(((600.0, 10.0), (700.0, 10.0))))


def test_simulated_tapes_err_as_much_as_they_say() -> None:
    """Against the way straight to where the plate's corners were seen: a tape errs by its standard deviation."""
    rng, errors_m = np.random.default_rng(0), []
    for _ in range(100):
        measured, plates = taped_plates(rng, TRUTH, ON_STAND)
        for item in measured.plate_at:
            ray = TRUTH.unproject(plates[item.image].corners_px).mean(axis=0)
            right, ahead, _ = TRUTH.road_from_camera(np.append(ray, 1.0))
            errors_m.append(
                (item.distance_m or 0.0) - float(item.image[:-2]) * np.hypot(right, ahead) / ahead
            )
    assert np.mean(errors_m) == pytest.approx(0.0, abs=0.002)
    assert np.std(errors_m) == pytest.approx(PlateAt("").tape_sd_m, rel=0.1)


def test_camera_high_above_the_road_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As no camera file may say so; 1.8 m stand for more than 30 m."""
    monkeypatch.setattr("calib.mount.MOST_HEIGHT_M", 1.5)
    plates = [plate_at(distance) for distance in (3, 5, 8)]
    taped = tuple(PlateAt(plate.name, float(plate.name)) for plate in plates)
    with pytest.raises(GateError, match="2 m above the road"):
        fitted(Measured(plate_at=taped), plates)


def test_nothing_measured_is_refused() -> None:
    with pytest.raises(GateError, match="no plate or board"):
        fit_mount(LENS_ONLY, [])
