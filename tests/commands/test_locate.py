from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

import run_gate
from tests.commands.conftest import FOCAL_PX, SIZE_M, Drive


def test_json_line_has_the_corners_in_the_images_own_pixels(stand_in_model, tmp_path, capsys):
    image = cv2.resize(Drive().image(1.0), (1280, 960), interpolation=cv2.INTER_NEAREST)
    path = tmp_path / "large.png"
    cv2.imwrite(str(path), image)
    assert (
        run_gate.main(["locate", str(path), "--json", "--no-rectified-look", "--model", str(stand_in_model)])
        == 0
    )
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == ["file", "image_size_px", "presence", "corners_px", "corner_cov_px2", "ms"]
    half = np.array(SIZE_M) / 2 * FOCAL_PX / Drive().distance_m(1.0) * 2
    expected = np.array([639.5, 479.5]) + half * [[-1, -1], [1, -1], [1, 1], [-1, 1]]
    assert np.allclose(answer["corners_px"], expected, atol=0.6)
    assert np.shape(answer["corner_cov_px2"]) == (4, 2, 2)
    assert answer["file"] == str(path) and answer["presence"] == 1.0


def test_every_image_of_a_folder_gets_a_line_and_a_broken_one_an_error(
    board_image, stand_in_model, tmp_path, capsys
):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(board_image.read_bytes())
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    assert run_gate.main(["locate", str(tmp_path), "--json", "--model", str(stand_in_model)]) == 2
    printed = capsys.readouterr()
    assert [json.loads(line)["file"][-5:] for line in printed.out.splitlines()] == ["a.png", "b.png"]
    assert "broken.jpg: cannot be read as an image" in printed.err


def test_image_with_a_name_that_is_no_utf8_is_read_and_drawn(
    board_image, stand_in_model, tmp_path, capfdbinary
):
    folder = tmp_path / "S\udcfcd"
    folder.mkdir()
    (folder / "caf\udce9.png").write_bytes(board_image.read_bytes())
    arguments = ["locate", str(folder), "--annotate", str(folder / "out"), "--model", str(stand_in_model)]
    assert run_gate.main([*arguments, "--json"]) == 0
    assert [path.name for path in (folder / "out").iterdir()] == ["caf\udce9.jpg"]
    assert json.loads(capfdbinary.readouterr().out)["presence"] == 1.0


def test_text_says_when_there_is_no_plate(stand_in_model, tmp_path, capsys):
    path = tmp_path / "empty.png"
    cv2.imwrite(str(path), np.full((480, 640, 3), 60, np.uint8))
    assert run_gate.main(["locate", str(path), "--model", str(stand_in_model)]) == 0
    assert "no plate" in capsys.readouterr().out


@pytest.mark.parametrize("present", [True, False])
def test_annotated_image_shows_the_outline(present, board_image, stand_in_model, tmp_path):
    out, picture = tmp_path / "drawn", tmp_path / "board.png"
    image = cv2.imread(str(board_image))
    cv2.imwrite(str(picture), image if present else np.full_like(image, 60))
    assert (
        run_gate.main(["locate", str(picture), "--annotate", str(out), "--model", str(stand_in_model)]) == 0
    )
    drawn = cv2.imread(str(out / "board.jpg")).astype(int)
    green = (drawn[:, :, 1] > 180) & (drawn[:, :, 2] < 120)
    assert green.any() == present


def test_file_in_the_place_of_the_annotated_images_is_refused_in_one_line(
    board_image, stand_in_model, tmp_path, capsys
):
    (tmp_path / "drawn").touch()
    options = ["--annotate", str(tmp_path / "drawn"), "--model", str(stand_in_model)]
    assert run_gate.main(["locate", str(board_image), *options]) == 2
    assert "drawn: cannot make a folder there" in capsys.readouterr().err
