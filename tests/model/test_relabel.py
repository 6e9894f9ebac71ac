"""Boxes become corners where the rectified look is sure, and nothing else of an index changes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch")

from pipeline.model import relabel
from pipeline.model.photographs import Photograph, Plate, read_index, select, weight_of, write_index
from pipeline.synthetic.render import frames
from pipeline.synthetic.scene import Scenario


def box_around(corners_px: NDArray[np.float64], grown: float) -> NDArray[np.float64]:
    low, high = corners_px.min(axis=0), corners_px.max(axis=0)
    margin = grown * (high - low) / 2
    (left, top), (right, bottom) = low - margin, high + margin
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


@pytest.fixture(scope="module")
def scene() -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A frame of the drawn gate and the corners of its plate."""
    image, truth = list(frames(Scenario(fps=4.0)))[-1]
    return image, truth.corners_px


def written(folder: Path, image: NDArray[np.uint8], plates: dict[str, tuple[str, Plate]]) -> Path:
    """An index with the same picture once for each name: its split and its plate."""
    size = image.shape[1], image.shape[0]
    photographs = []
    for name, (split, plate) in plates.items():
        cv2.imwrite(str(folder / f"{name}.png"), image)
        photographs.append(Photograph(folder / f"{name}.png", *size, split, "drawn", name, (plate,)))
    return write_index(photographs, folder)


def test_box_around_a_plate_becomes_its_corners_and_others_stay(scene, tmp_path, capsys):
    image, true_px = scene
    box, nowhere = box_around(true_px, 0.15), box_around(true_px - (0, 180), 0.0)
    data = tmp_path / "data"
    data.mkdir()
    written(
        data,
        image,
        {
            "plate": ("weak", Plate(box, "box")),
            "nowhere": ("weak", Plate(nowhere, "box")),
            "known": ("weak", Plate(box, "loose")),
            "trained": ("train", Plate(box, "box")),
        },
    )
    assert relabel.main(["--data", str(data), "--out", str(tmp_path / "out")]) == 0
    plate, *others = read_index(tmp_path / "out")
    assert plate.closest is not None and plate.closest.label == "pseudo"
    errors_px = np.linalg.norm(plate.closest.corners_px - true_px, axis=1)
    assert errors_px.max() < 0.02 * plate.closest.width_px < np.linalg.norm(box - true_px, axis=1).min()
    np.testing.assert_array_equal([photo.closest.corners_px for photo in others], [nowhere, box, box])
    assert [photo.closest.label for photo in others] == ["box", "loose", "box"]
    assert plate.read().shape == image.shape
    assert "1 of 2 boxes" in capsys.readouterr().out
    assert (tmp_path / "out" / "labels-01.png").exists()


def test_set_without_boxes_and_an_index_that_exists_are_refused(scene, tmp_path, capsys):
    index = written(tmp_path, scene[0], {"one": ("weak", Plate(scene[1], "human"))})
    assert relabel.main(["--data", str(index), "--out", str(tmp_path / "out")]) == 2
    assert "no photograph of split `weak`" in capsys.readouterr().err
    before = index.read_text()
    assert relabel.main(["--data", str(index), "--out", str(tmp_path)]) == 2
    assert "exists" in capsys.readouterr().err and index.read_text() == before


def test_index_is_read_as_it_was_written(scene, tmp_path):
    index = written(tmp_path, scene[0], {"one": ("weak", Plate(scene[1], "pseudo"))})
    assert json.loads(index.read_text())["file"] == "one.png"
    (photo,) = read_index(index)
    assert (photo.split, photo.source, photo.group) == ("weak", "drawn", "one")
    np.testing.assert_array_equal(photo.closest.corners_px, scene[1])
    assert 0 < weight_of(photo) < 1


def test_some_of_the_relabelled_are_held_back(scene):
    plate = (Plate(scene[1], "pseudo"),)
    photographs = [Photograph(Path(f"{n}.png"), 640, 480, "weak", "drawn", str(n), plate) for n in range(200)]
    kept, held_back = select(photographs, "weak"), select(photographs, "weak-validation")
    assert len(kept) + len(held_back) == 200 and 8 <= len(held_back) <= 40
    assert not {photo.group for photo in kept} & {photo.group for photo in held_back}
