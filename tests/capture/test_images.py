from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.capture import make_source
from pipeline.errors import GateError
from pipeline.frames import DropCounter
from tests.capture.builders import read_all


def _write_image(path: Path, level: int) -> None:
    assert cv2.imwrite(str(path), np.full((6, 8, 3), level, np.uint8))


def test_read_gives_images_in_natural_order_at_the_stated_rate(tmp_path: Path) -> None:
    for name, level in [("frame10.png", 30), ("frame2.png", 20), ("frame1.png", 10)]:
        _write_image(tmp_path / name, level)
    frames = read_all(make_source("entry", str(tmp_path), drops=DropCounter(), fps=30000 / 1001))
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [10, 20, 30]
    assert [frame.stamp.time_s for frame in frames] == pytest.approx([0, 1001 / 30000, 2002 / 30000])
    assert {(frame.stamp.time_source, frame.stamp.utc_s) for frame in frames} == {("pts", None)}


def test_read_skips_a_broken_image_and_keeps_the_times_of_the_others(tmp_path: Path) -> None:
    for index in range(4):
        _write_image(tmp_path / f"{index}.png", index)
    (tmp_path / "1.png").write_bytes(b"not an image")
    drops = DropCounter()
    frames = read_all(make_source("entry", str(tmp_path), drops=drops, fps=10))
    assert [(frame.stamp.index, frame.stamp.time_s) for frame in frames] == [(0, 0.0), (2, 0.2), (3, 0.3)]
    assert drops.snapshot() == {"undecodable": 1}


def test_frame_count_hint_counts_only_images(tmp_path: Path) -> None:
    for index in range(3):
        _write_image(tmp_path / f"{index}.png", index)
    (tmp_path / "notes.txt").write_text("no image")
    with make_source("entry", str(tmp_path), drops=DropCounter()) as source:
        assert source.frame_count_hint == 3


def test_open_of_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(GateError, match="no images here"):
        make_source("entry", str(tmp_path), drops=DropCounter()).open()


def test_open_of_a_folder_with_broken_images_only_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"not an image")
    with pytest.raises(GateError, match="not one frame"):
        make_source("entry", str(tmp_path), drops=DropCounter()).open()


@pytest.mark.parametrize("fps", [0.0, -5.0, float("nan"), float("inf")])
def test_make_source_refuses_a_rate_that_makes_no_sense(tmp_path: Path, fps: float) -> None:
    _write_image(tmp_path / "a.png", 1)
    with pytest.raises(GateError, match="images a second"):
        make_source("entry", str(tmp_path), drops=DropCounter(), fps=fps)
