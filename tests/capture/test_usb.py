"""No camera is plugged in here: OpenCV's capture is replaced by a fake at its seam."""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.capture import SourceLost, make_source
from pipeline.capture import usb as usb_module
from pipeline.frames import DropCounter

Picture = tuple[float, bool]


class FakeVideoCapture:
    """Stands in for `cv2.VideoCapture`: gives `pictures` as (driver time in ms, decodes), then no more."""

    pictures: ClassVar[list[Picture]] = []
    present: ClassVar[bool] = True
    opened: ClassVar[list[tuple[int | str, int]]] = []
    released: ClassVar[int] = 0

    def __init__(self, device: int | str, backend: int) -> None:
        FakeVideoCapture.opened.append((device, backend))
        self._left = list(self.pictures)
        self._current: Picture = (0.0, False)

    def isOpened(self) -> bool:
        return self.present

    def grab(self) -> bool:
        if not self._left:
            return False
        self._current = self._left.pop(0)
        return True

    def get(self, prop: int) -> float:
        assert prop == cv2.CAP_PROP_POS_MSEC
        return self._current[0]

    def retrieve(self) -> tuple[bool, NDArray[np.uint8] | None]:
        return (True, np.zeros((6, 8, 3), np.uint8)) if self._current[1] else (False, None)

    def release(self) -> None:
        FakeVideoCapture.released += 1


@pytest.fixture
def capture(monkeypatch: pytest.MonkeyPatch) -> type[FakeVideoCapture]:
    monkeypatch.setattr(usb_module.cv2, "VideoCapture", FakeVideoCapture)
    FakeVideoCapture.pictures, FakeVideoCapture.present = [], True
    FakeVideoCapture.opened, FakeVideoCapture.released = [], 0
    return FakeVideoCapture


def test_read_takes_the_drivers_times(capture: type[FakeVideoCapture]) -> None:
    capture.pictures = [(70_000.0, True), (70_033.5, True)]
    with make_source("entry", "usb:2", drops=DropCounter()) as source:
        stamps = [source.read().stamp for _ in range(2)]
    assert [(stamp.time_s, stamp.time_source) for stamp in stamps] == [
        (0.0, "pts"),
        (pytest.approx(0.0335), "pts"),
    ]
    assert capture.opened == [(2, cv2.CAP_V4L2)]


def test_read_falls_back_to_arrival_for_the_whole_epoch(capture: type[FakeVideoCapture]) -> None:
    capture.pictures = [(0.0, True), (70_000.0, True), (0.0, True)]
    with make_source("entry", "/dev/video0", drops=DropCounter()) as source:
        stamps = [source.read().stamp for _ in range(3)]
    assert {stamp.time_source for stamp in stamps} == {"arrival"}
    assert stamps[0].time_s == 0.0 < stamps[1].time_s < stamps[2].time_s < 60
    assert all(stamp.utc_s is not None for stamp in stamps)


def test_read_counts_what_cannot_be_used(capture: type[FakeVideoCapture]) -> None:
    capture.pictures = [(1000.0, True), (1000.0, True), (1040.0, False), (1080.0, True)]
    drops = DropCounter()
    with make_source("entry", "usb:0", drops=drops) as source:
        assert [source.read().stamp.index for _ in range(2)] == [0, 3]
    assert drops.snapshot() == {"undecodable": 1, "bad_time": 1}


def test_open_of_a_missing_device_is_lost_and_releases_it(capture: type[FakeVideoCapture]) -> None:
    capture.present = False
    source = make_source("entry", "usb:0", drops=DropCounter())
    with pytest.raises(SourceLost, match="missing, busy or not a camera"):
        source.open()
    source.close()
    assert capture.released == 1


def test_read_after_unplugging_is_lost_and_open_starts_a_new_epoch(capture: type[FakeVideoCapture]) -> None:
    capture.pictures = [(1000.0, True)]
    source = make_source("entry", "usb:0", drops=DropCounter())
    source.open()
    assert source.read().stamp.epoch == 1
    with pytest.raises(SourceLost, match="no more frames"):
        source.read()
    source.open()
    assert source.read().stamp.epoch == 2
    assert len(capture.opened) == 2  # a fresh capture for each attempt
    source.close()
