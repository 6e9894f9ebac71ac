"""camera.toml in and out, the lens, and the sign of every angle of the mount."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from calib.camera import Camera, Intrinsics, Mount, Uncertainty
from pipeline.errors import GateError

LENS = Intrinsics(1280, 960, 1400.0, 1390.0, 630.0, 470.0, (-0.3, 0.12, 0.001, -0.002, -0.02))
PINHOLE = replace(LENS, distortion=(0.0,) * 5)
LEVEL = Mount(1.3, 0.0, 0.0, 0.0)

EXAMPLE = """
format = 1
camera_id = "entry-1"
[intrinsics]
width = 1280
height = 960
fx = 1400
fy = 1400.0
cx = 639.5
cy = 479.5
distortion = [0.0, 0.0, 0.0, 0.0, 0.0]
[mount]
height_m = 1.30
pitch_deg = 8.0
roll_deg = 0.0
lane_yaw_deg = 0.0
stop_line_m = 2.0
[uncertainty]
fx = 2.0
height_m = 0.02
[provenance]
date = 2026-01-31
tool = "board"
images = ["a.png", "b.png"]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "camera.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_load_example_reads_every_section(tmp_path: Path) -> None:
    camera = Camera.load(write(tmp_path, EXAMPLE))
    assert camera.camera_id == "entry-1"
    assert camera.intrinsics == Intrinsics(1280, 960, 1400.0, 1400.0, 639.5, 479.5)
    assert camera.mount == Mount(1.3, 8.0, 0.0, 0.0, 2.0)
    assert camera.uncertainty == Uncertainty(fx=2.0, height_m=0.02)
    assert camera.provenance["tool"] == "board"


def test_save_then_load_gives_the_same_camera(tmp_path: Path) -> None:
    camera = Camera.load(write(tmp_path, EXAMPLE))
    camera = replace(
        camera, intrinsics=LENS, uncertainty=Uncertainty(cx=1.5, distortion=(0.1, 0.0, 0.0, 0.0, 0.0))
    )
    camera.save(tmp_path / "again.toml")
    assert Camera.load(tmp_path / "again.toml") == camera


def test_save_without_mount_loads_without_mount(tmp_path: Path) -> None:
    Camera("lens-only", LENS).save(tmp_path / "camera.toml")
    assert Camera.load(tmp_path / "camera.toml") == Camera("lens-only", LENS)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("format = 1", "format = 2", "format"),
        ("fx = 1400\n", "", "intrinsics"),
        ("fx = 1400\n", "fx = -3.0\n", "intrinsics.fx"),
        ("fx = 1400\n", "fx = 'wide'\n", "intrinsics.fx"),
        ("fx = 1400\n", "fx = 4.0\n", "intrinsics.fx: 4 px is too short"),
        ("fy = 1400.0\n", "fy = 4.0\n", "intrinsics.fy: 4 px is too short"),
        ("height_m = 1.30", "height_m = 130", "mount.height_m"),
        ("cx = 639.5", "cx = nan", "intrinsics.cx"),
        ("pitch_deg = 8.0", "pitch_deg = 100.0", "mount.pitch_deg"),
        ("pitch_deg = 8.0", "pitch = 8.0", "mount.pitch"),
        ("height_m = 0.02", "height_m = -0.02", "uncertainty.height_m"),
        ("[provenance]", "[provenence]", "provenence"),
        ("distortion = [0.0, 0.0, 0.0, 0.0, 0.0]", "distortion = [0.0]", "intrinsics.distortion"),
        ("[mount]", "[mount", "TOML"),
    ],
)
def test_load_wrong_file_names_file_and_key(tmp_path: Path, old: str, new: str, key: str) -> None:
    path = write(tmp_path, EXAMPLE.replace(old, new, 1))
    with pytest.raises(GateError) as caught:
        Camera.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert key in str(caught.value)


def test_load_missing_file_is_a_gate_error(tmp_path: Path) -> None:
    with pytest.raises(GateError, match="cannot read"):
        Camera.load(tmp_path / "none.toml")


def test_image_size_other_than_calibrated_is_refused() -> None:
    camera = Camera("c", LENS)
    camera.require_image_size(1280, 960)
    with pytest.raises(GateError, match=r"640x480.*1280x960"):
        camera.require_image_size(640, 480)


def test_project_follows_the_distortion_formula() -> None:
    x, y = 0.2, -0.15
    k1, k2, p1, p2, k3 = LENS.distortion
    r2 = x * x + y * y
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    v = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    expected = (1400.0 * u + 630.0, 1390.0 * v + 470.0)
    np.testing.assert_allclose(Camera("c", LENS).project([4 * x, 4 * y, 4.0]), expected, atol=1e-9)


@pytest.mark.parametrize("lens", [LENS, PINHOLE])
def test_unproject_undoes_project_everywhere_in_the_image(lens: Intrinsics) -> None:
    camera = Camera("c", lens)
    columns, rows = np.meshgrid(np.linspace(0, 1279, 9), np.linspace(0, 959, 7))
    pixels = np.stack([columns, rows], axis=-1)
    rays = camera.unproject(pixels)
    assert rays.shape == (7, 9, 2)
    back = camera.project(np.concatenate([rays, np.ones((7, 9, 1))], axis=-1))
    np.testing.assert_allclose(back, pixels, atol=1e-5)


def test_project_behind_the_camera_is_nan() -> None:
    pixels = Camera("c", LENS).project([[0.0, 0.0, 5.0], [0.1, 0.1, -5.0]])
    assert np.isfinite(pixels[0]).all()
    assert np.isnan(pixels[1]).all()


def test_level_mount_maps_axes_by_hand() -> None:
    camera = Camera("c", PINHOLE, LEVEL)
    # 2 m to the right, 10 m ahead, on the road: x 2, y 1.3 down, z 10.
    np.testing.assert_allclose(camera.camera_from_road([2.0, 10.0, 0.0]), [2.0, 1.3, 10.0], atol=1e-12)


def test_positive_pitch_looks_down() -> None:
    camera = Camera("c", PINHOLE, replace(LEVEL, pitch_deg=30.0))
    # The axis meets the road at 1.3 / tan(30 deg).
    point = camera.camera_from_road([0.0, 1.3 / np.tan(np.pi / 6), 0.0])
    np.testing.assert_allclose(point, [0.0, 0.0, 2.6], atol=1e-12)


def test_positive_lane_yaw_puts_the_lane_to_the_right() -> None:
    camera = Camera("c", PINHOLE, replace(LEVEL, lane_yaw_deg=20.0))
    x, _, z = camera.camera_from_road([0.0, 10.0, 1.3])
    assert (x, z) == pytest.approx((10 * np.sin(np.radians(20)), 10 * np.cos(np.radians(20))))


def test_positive_roll_turns_the_scene_clockwise() -> None:
    camera = Camera("c", PINHOLE, replace(LEVEL, roll_deg=10.0))
    right_of_horizon = camera.camera_from_road([5.0, 5.0, 1.3])
    # Image y points down, so the right end of the horizon is lower: tan(10 deg) = y / x.
    assert right_of_horizon[1] / right_of_horizon[0] == pytest.approx(np.tan(np.radians(10)))


def test_mount_angles_compose_like_rodrigues_rotations() -> None:
    mount = Mount(2.0, 12.0, -4.0, 7.0)
    pitch, roll, yaw = np.radians([12.0, -4.0, 7.0])
    about_x = cv2.Rodrigues(np.array([pitch, 0.0, 0.0]))[0]
    about_z = cv2.Rodrigues(np.array([0.0, 0.0, roll]))[0]
    about_y = cv2.Rodrigues(np.array([0.0, yaw, 0.0]))[0]
    axes = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    np.testing.assert_allclose(mount.camera_from_road, about_z @ about_x @ about_y @ axes, atol=1e-12)


def test_road_from_camera_undoes_camera_from_road() -> None:
    camera = Camera("c", LENS, Mount(2.0, 12.0, -4.0, 7.0))
    points = np.random.default_rng(3).normal(size=(4, 5, 3))
    np.testing.assert_allclose(camera.road_from_camera(camera.camera_from_road(points)), points, atol=1e-12)


def test_road_frame_without_mount_is_a_gate_error() -> None:
    with pytest.raises(GateError, match="mount"):
        Camera("c", LENS).camera_from_road([0.0, 1.0, 0.0])


def test_lens_variants_move_each_uncertain_quantity_once() -> None:
    sd = Uncertainty(fx=14.0, cx=1.0, distortion=(0.0, 0.05, 0.0, 0.0, 0.0), pitch_deg=0.2)
    camera = Camera("c", LENS, LEVEL, sd)
    focal, centre, lens = camera.one_sd_lenses()
    assert (focal.intrinsics.fx, focal.intrinsics.fy) == pytest.approx((1414.0, 1390.0 * 1.01))
    assert centre.intrinsics == replace(LENS, cx=631.0)
    assert lens.intrinsics.distortion == pytest.approx((-0.3, 0.17, 0.001, -0.002, -0.02))
    assert Camera("c", LENS).one_sd_lenses() == []


def test_row_time_and_time_uncertainty_are_read_and_written(tmp_path: Path) -> None:
    lens = replace(LENS, row_time_s=1.5e-5)
    camera = Camera("c", lens, LEVEL, Uncertainty(time_s=0.004))
    camera.save(tmp_path / "camera.toml")
    assert Camera.load(tmp_path / "camera.toml") == camera
