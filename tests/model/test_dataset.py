from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from pipeline.errors import GateError  # noqa: E402
from pipeline.model.dataset import TrainingSamples, to_tensor  # noqa: E402
from pipeline.model.photographs import read_index, select  # noqa: E402
from pipeline.model.view import Augmentation  # noqa: E402


def test_index_is_read_with_its_plates(plate_index):
    photographs = read_index(plate_index)
    assert len(photographs) == 12
    assert sum(photo.closest is not None for photo in photographs) == 8
    assert photographs[0].read().shape == (300, 400, 3)


def test_broken_line_is_named(tmp_path):
    (tmp_path / "index.jsonl").write_text(
        '{"file": "a.jpg", "width": 4, "height": 3, "plates": []}\n{"file": "b"}\n'
    )
    with pytest.raises(GateError, match=r"index\.jsonl line 2"):
        read_index(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 0}, "whole numbers of pixels, 1 or more"),
        ({"width": 12.7}, "whole numbers of pixels, 1 or more"),
        ({"height": -1}, "whole numbers of pixels, 1 or more"),
        ({"height": float("inf")}, "whole numbers of pixels, 1 or more"),
        ({"split": "trian"}, "there is no split 'trian'; use one of train, "),
        ({"split": ["train"]}, "there is no split"),
        ({"label": "vervied"}, "there is no label 'vervied'; use one of human, verified, "),
        ({"label": None}, "there is no label None"),
        ({"label": []}, "unhashable"),
    ],
)
def test_entry_with_an_odd_value_is_named(tmp_path, changes, message):
    plate = {"corners": [[10, 10], [60, 12], [59, 24], [11, 22]], "label": changes.pop("label", "human")}
    entry = {"file": "a.jpg", "width": 80, "height": 60, "plates": [plate]} | changes
    (tmp_path / "index.jsonl").write_text("\n" + json.dumps(entry))
    with pytest.raises(GateError, match=rf"index\.jsonl line 2: .*{message}"):
        read_index(tmp_path)


def test_line_that_is_nested_too_deeply_is_named(tmp_path):
    (tmp_path / "index.jsonl").write_text("[" * 100_000)
    with pytest.raises(GateError, match=r"index\.jsonl line 1: "):
        read_index(tmp_path)


@pytest.mark.parametrize("order", [[3, 2, 1, 0], [0, 2, 1, 3]])
def test_corners_in_a_wrong_order_are_named(tmp_path, order):
    corners = [[[10, 10], [60, 12], [59, 24], [11, 22]][place] for place in order]
    entry = {"file": "a.jpg", "width": 80, "height": 60, "plates": [{"corners": corners}]}
    (tmp_path / "index.jsonl").write_text(json.dumps(entry))
    with pytest.raises(GateError, match=r"line 1: .*clockwise around the plate"):
        read_index(tmp_path)


def test_corners_that_all_begin_at_another_corner_are_refused(plate_index):
    photographs = [_turned(photo) for photo in read_index(plate_index)]
    with pytest.raises(GateError, match=r"00\.png: corners begin at the top left"):
        TrainingSamples(photographs, Augmentation(160, 120, (40, 140)), 10, seed=1)


def test_some_corners_that_begin_at_another_corner_are_told_of(plate_index):
    photographs = [_turned(photo) if n < 3 else photo for n, photo in enumerate(read_index(plate_index))]
    with pytest.warns(UserWarning, match=r"of \d plates are not learned, as that of 00\.png"):
        TrainingSamples(photographs, Augmentation(160, 120, (40, 140)), 10, seed=1)


def test_plate_that_is_never_learned_is_told_of_once(plate_index):
    """Marked twice, so that each mark seems to be the other's rival."""
    first, *others = read_index(plate_index)
    photographs = [replace(first, plates=first.plates * 2), *others]
    samples = TrainingSamples(photographs, Augmentation(160, 120, (40, 140)), 100, seed=1)
    with pytest.warns(UserWarning, match=r"00\.png: its plate is hardly learned") as told:
        for index in range(100):
            samples.sample(index)
    assert len(told) == 1


def _turned(photo):
    plates = tuple(replace(plate, corners_px=np.roll(plate.corners_px, 2, axis=0)) for plate in photo.plates)
    return replace(photo, plates=plates)


def test_picture_of_another_size_than_its_labels_are_for_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((60, 80, 3), np.uint8))
    (tmp_path / "index.jsonl").write_text('{"file": "a.png", "width": 160, "height": 120, "plates": []}')
    [photo] = read_index(tmp_path)
    with pytest.raises(GateError, match="is 80x60, but its corners in the index are for 160x120"):
        photo.read()


def test_photographs_that_are_missing_are_told_before_any_is_read(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((60, 80, 3), np.uint8))
    entries = [
        {"file": name, "width": 80, "height": 60, "plates": []} for name in ("a.png", "b.png", "c.png")
    ]
    (tmp_path / "index.jsonl").write_text("\n".join(map(json.dumps, entries)))
    with pytest.raises(GateError, match=r"2 of 3 photographs are missing, the first is .*b\.png; put"):
        read_index(tmp_path)


def test_index_that_is_no_text_is_named(tmp_path):
    (tmp_path / "index.jsonl").write_bytes(b"\xff\xfe{}")
    with pytest.raises(GateError, match="not a text file in UTF-8"):
        read_index(tmp_path)


def test_missing_index_is_one_clear_error(tmp_path):
    with pytest.raises(GateError, match="no such index"):
        read_index(tmp_path / "nowhere")


def test_train_and_validation_share_no_photograph_and_no_group(plate_index):
    photographs = read_index(plate_index)
    train, validation = ({photo.group for photo in select(photographs, s)} for s in ("train", "validation"))
    assert not train & validation
    assert len(train) + len(validation) == 8


def test_validation_that_the_index_names_is_taken_as_it_is(plate_index):
    photographs = [
        replace(photo, split="validation" if number < 3 else "train")
        for number, photo in enumerate(read_index(plate_index))
    ]
    assert select(photographs, "validation") == photographs[:3]
    assert select(photographs, "train") == photographs[3:]


def test_samples_depend_on_seed_and_index_alone(plate_index):
    photographs = read_index(plate_index)
    first, again = (
        TrainingSamples(photographs, Augmentation(160, 120, (40, 140)), 20, seed=1) for _ in range(2)
    )
    other = TrainingSamples(photographs, Augmentation(160, 120, (40, 140)), 20, seed=2)
    for index in (7, 3):
        for a, b in zip(first[index], again[index], strict=True):
            assert torch.equal(a, b)
    assert not torch.equal(first[7][0], other[7][0])


def test_samples_hold_plates_and_plate_free_images(plate_index):
    samples = TrainingSamples(read_index(plate_index), Augmentation(160, 120, (40, 140)), 60, seed=3)
    presence = np.array([samples[index][2].item() for index in range(60)])
    assert 0.6 < presence.mean() < 0.97


def test_to_tensor_is_normalised_rgb():
    image = np.zeros((1, 1, 3), np.uint8)
    image[0, 0] = (255, 0, 51)  # blue 1, green 0, red 0.2
    expected = [(0.2 - 0.485) / 0.229, (0 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert to_tensor(image).flatten().tolist() == pytest.approx(expected, abs=1e-5)
