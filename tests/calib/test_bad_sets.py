"""Sets of images that cannot give, or may spoil, a calibration: each is refused or flagged for the right reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calib.__main__ import main
from calib.boards import Board
from calib.camera import Intrinsics
from calib.crossval import calibrate_lens
from calib.judge_lens import judge_lens
from calib.judge_views import judge_views
from calib.views import View
from pipeline.synthetic.boards import BoardCamera, BoardPose, board_poses, noisy_views
from tests.calib.conftest import BOARD, CHESSBOARD, LENS

Image = NDArray[np.uint8]
SPEC = "charuco:7x10:25"


def refusal(
    capsys: pytest.CaptureFixture[str], folder: Path, images: Sequence[Image], board: str = SPEC
) -> str:
    """What `intrinsics` says about images that it does not accept."""
    for number, image in enumerate(images):
        cv2.imwrite(str(folder / f"{number:02d}.png"), image)
    code = main(["intrinsics", str(folder), "--board", board, "-o", str(folder / "camera.toml")])
    assert code == 2
    assert not (folder / "camera.toml").exists()
    return capsys.readouterr().err


def facing(tilt_deg: float, count: int) -> list[BoardPose]:
    """The board at different places, always with the same tilt."""
    lean = np.asarray(cv2.Rodrigues(np.radians([tilt_deg, 0.0, 0.0]))[0])
    places = np.random.default_rng(0).uniform((-0.1, -0.08, 0.45), (0.1, 0.08, 0.7), (count, 3))
    return [BoardPose(lean, place) for place in places]


def test_too_few_views(capsys: pytest.CaptureFixture[str], tmp_path: Path, photographs: list[Image]) -> None:
    assert "too few views: 4 usable views" in refusal(capsys, tmp_path, photographs[:4])


def test_same_image_again_and_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, photographs: list[Image]
) -> None:
    said = refusal(capsys, tmp_path, [photographs[0], photographs[1], *[photographs[2]] * 8])
    assert "too few views" in said
    assert "like another one" in said


@pytest.mark.parametrize("tilt_deg", [0.0, 30.0], ids=["frontal", "tilted alike"])
def test_parallel_views(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, board_camera: BoardCamera, tilt_deg: float
) -> None:
    rng = np.random.default_rng(1)
    images = [board_camera.photograph(rng, pose) for pose in facing(tilt_deg, 9)]
    assert "all views parallel" in refusal(capsys, tmp_path, images)


def test_inner_corners_miscounted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, chessboard_camera: BoardCamera
) -> None:
    rng = np.random.default_rng(1)
    images = [chessboard_camera.photograph(rng, pose) for pose in board_poses(rng, CHESSBOARD, LENS, 3)]
    said = refusal(capsys, tmp_path, images, "chessboard:9x6:25")
    assert "inner corners miscounted" in said
    assert "--board chessboard:10x7:" in said


def test_chessboard_named_charuco(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, chessboard_camera: BoardCamera
) -> None:
    rng = np.random.default_rng(1)
    images = [chessboard_camera.photograph(rng, pose) for pose in board_poses(rng, CHESSBOARD, LENS, 3)]
    assert "wrong board: the images show a chessboard" in refusal(capsys, tmp_path, images)


def test_charuco_named_chessboard(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, photographs: list[Image]
) -> None:
    said = refusal(capsys, tmp_path, photographs[:3], "chessboard:7x10:25")
    assert "wrong board: the images show markers" in said


def test_charuco_of_another_size(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, photographs: list[Image]
) -> None:
    said = refusal(capsys, tmp_path, photographs[:3], "charuco:5x7:25")
    assert "wrong board" in said
    assert "5x7 board has markers 0 to 16" in said


def test_square_size_missing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, photographs: list[Image]
) -> None:
    assert "square size missing" in refusal(capsys, tmp_path, photographs[:3], "charuco:7x10")


def test_mixed_sizes(capsys: pytest.CaptureFixture[str], tmp_path: Path, photographs: list[Image]) -> None:
    smaller = [np.asarray(cv2.resize(image, (640, 480)), np.uint8) for image in photographs[:5]]
    assert "mixed sizes: the images have different sizes (640x480, 800x600)" in refusal(
        capsys, tmp_path, [*photographs[5:12], *smaller]
    )


@pytest.mark.parametrize(
    ("blur_px", "smear_px", "reason"), [(0.6, 16.0, "motion blur"), (4.5, 0.0, "out of focus")]
)
def test_blurred_beyond_recognition(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    board_camera: BoardCamera,
    poses: list[BoardPose],
    blur_px: float,
    smear_px: float,
    reason: str,
) -> None:
    rng = np.random.default_rng(1)
    images = [board_camera.photograph(rng, pose, blur_px=blur_px, smear_px=smear_px) for pose in poses[:7]]
    assert reason in refusal(capsys, tmp_path, images)


def test_blurred_but_recognised(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, chessboard_camera: BoardCamera
) -> None:
    rng = np.random.default_rng(1)
    poses = board_poses(rng, CHESSBOARD, LENS, 7)
    images = [chessboard_camera.photograph(rng, pose, smear_px=11) for pose in poses]
    assert "motion blur" in refusal(capsys, tmp_path, images, "chessboard:10x7:25")


def test_no_board(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    scene = np.zeros((600, 800), np.uint8)
    for _ in range(60):
        x, y = rng.integers(0, (800, 600))
        cv2.circle(scene, (int(x), int(y)), int(rng.integers(5, 60)), int(rng.integers(0, 255)), -1)
    assert "no board: no charuco" in refusal(capsys, tmp_path, [scene] * 7)


@pytest.mark.parametrize("grey", [0, 128], ids=["covered", "overexposed"])
def test_images_that_show_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path, grey: int) -> None:
    assert "no board: the images show nothing" in refusal(
        capsys, tmp_path, [np.full((60, 80), grey, np.uint8)] * 7
    )


def test_no_images(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "no images here" in refusal(capsys, tmp_path, [])


def findings(views: list[View], board: Board = BOARD) -> dict[str, str]:
    """Codes of what is to be improved, with the texts."""
    found = judge_views(views, board) + judge_lens(calibrate_lens(views, board), board)
    return {item.code: item.text for item in found if item.level != "good"}


def simulated(lens: Intrinsics, count: int = 16, **noise: float) -> list[View]:
    rng = np.random.default_rng(7)
    return noisy_views(rng, BOARD, lens, board_poses(rng, BOARD, lens, count), **noise)


def test_good_views_are_not_flagged() -> None:
    assert set(findings(simulated(LENS, 24))) <= {"coverage_position", "uncertain_edge"}


def test_lens_model_that_folds_the_corners_over_is_flagged() -> None:
    result = calibrate_lens(simulated(LENS, 12), BOARD)
    codes = []
    for k1 in (0.0, -0.6):  # r + k1 r^3 grows up to r = 0.745 only, where it is 0.497 focal lengths
        lens = replace(result.fit.lens, distortion=(k1, 0.0, 0.0, 0.0, 0.0))
        found = judge_lens(replace(result, fit=replace(result.fit, lens=lens)), BOARD)
        codes.append("folded_corners" in {item.code for item in found})
    assert np.hypot(LENS.width, LENS.height) / 2 / LENS.fx > 0.5
    assert codes == [False, True]


def test_autofocus_is_suspected() -> None:
    """Every view has the focal length that goes with its distance: 6 % longer for the nearest."""
    rng, views = np.random.default_rng(7), []
    poses = board_poses(rng, BOARD, LENS, 16)
    nearness = np.array([1 / pose.centre_m[2] for pose in poses])
    for pose, share in zip(poses, (nearness - nearness.min()) / np.ptp(nearness), strict=True):
        zoomed = replace(LENS, fx=LENS.fx * (1 + 0.06 * share), fy=LENS.fy * (1 + 0.06 * share))
        views += noisy_views(rng, BOARD, zoomed, [pose])
    assert "autofocus_suspected" in findings(views)


def test_stretched_print_is_suspected() -> None:
    """The printer made the squares 1.5 % higher than wide: seen corners stay, the believed ones differ."""
    rng = np.random.default_rng(7)
    tall = replace(LENS, fy=LENS.fy * 1.015)
    views = noisy_views(rng, BOARD, tall, board_poses(rng, BOARD, tall, 16))
    assert "stretched_print" in findings(views)


def test_views_in_the_middle_only_are_flagged() -> None:
    rng = np.random.default_rng(7)
    poses = [
        replace(pose, centre_m=pose.centre_m * (0.1, 0.1, 1.6)) for pose in board_poses(rng, BOARD, LENS, 14)
    ]
    found = findings(noisy_views(rng, BOARD, LENS, poses))
    assert "coverage_position" in found
    assert "uncertain_edge" in found


def test_little_tilt_is_flagged_and_the_focal_length_is_uncertain() -> None:
    rng = np.random.default_rng(7)
    poses = board_poses(rng, BOARD, LENS, 12, most_tilt_deg=14)
    found = findings(noisy_views(rng, BOARD, LENS, poses))
    assert {"coverage_tilt_x", "coverage_tilt_y"} <= set(found)
    assert {"focal", "weak_focal"} & set(found)


def test_noisy_corners_are_flagged() -> None:
    assert "noisy_corners" in findings(simulated(LENS, noise_px=0.8))


def test_one_bad_view_is_named() -> None:
    views = simulated(LENS)
    rough = views[3].corners_px + np.random.default_rng(1).normal(0, 2, views[3].corners_px.shape)
    views[3] = replace(views[3], corners_px=rough)
    assert "view 4 was left out" in findings(views)["bad_view"]


def test_covered_corner_is_left_out_and_said() -> None:
    """A finger over a corner moves it by pixels; the view stays, and the result is as without it."""
    views = simulated(LENS, 20)
    pushed = views[4].corners_px.copy()
    pushed[7] += (3.0, -2.0)
    views[4] = replace(views[4], corners_px=pushed)
    assert "1 single corner left out" in findings(views)["stray_corners"]
    result = calibrate_lens(views, BOARD)
    assert not result.bad
    assert abs(result.fit.lens.fx / LENS.fx - 1) < 0.002
