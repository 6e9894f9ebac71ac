"""What a run says of its lanes: heartbeats and camera events as a whole, and the crop of a plate of known format."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from pipeline import announcer as announcer_module
from pipeline.announcer import Announcer
from pipeline.capture import StateChange
from pipeline.capture.images import ImageFolder
from pipeline.events import CameraEvent, EventComposer, Heartbeat
from pipeline.frames import DropCounter, DropReason
from pipeline.lane import Lane
from pipeline.post.tracker import TrackSettings
from tests.events.builders import make_report

NOW = datetime(2025, 5, 1, 12, 9, 54, 480_000, tzinfo=UTC)
SHA256 = "ab" * 32


class Collected:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.events, self.crops = [], []

    def emit(self, event, jpeg=None) -> None:
        self.events.append(event)
        self.crops.append(jpeg)


@pytest.fixture
def sink() -> Collected:
    return Collected()


@pytest.fixture
def announcer(sink: Collected, monkeypatch: pytest.MonkeyPatch) -> Announcer:
    """At a wall clock that stands still."""
    monkeypatch.setattr(announcer_module, "time", SimpleNamespace(time=NOW.timestamp))
    return Announcer(EventComposer(), sink, "tensorrt", SHA256, plate_crops=True, on_report=None)


@pytest.fixture
def lane(tmp_path) -> Lane:
    """A camera in its third epoch; its source is never opened."""
    drops = DropCounter()
    source = ImageFolder("entry-1", tmp_path, drops, 25.0)
    source.label = "rtsp://***@10.0.0.5/live"
    lane = Lane("entry-1", source, "latest", drops, None, TrackSettings())
    lane.online, lane.epoch, lane.frames, lane.passages = True, 3, 900, 7
    return lane


def test_heartbeat_says_all_that_is_known_of_a_lane(announcer, sink, lane):
    lane.drops.add(DropReason.SUPERSEDED)
    lane.drops.add(DropReason.SUPERSEDED)
    lane.drops.add(DropReason.LATE)
    announcer.heartbeats([lane], uptime_s=61.5, interval_s=7.5)
    expected = Heartbeat(
        schema=1,
        seq=1,
        kind="heartbeat",
        camera="entry-1",
        utc=NOW,
        uptime_s=61.5,
        interval_s=7.5,
        online=True,
        epoch=3,
        frames=900,
        dropped={"late": 1, "superseded": 2},
        fps=None,  # nothing was counted before
        passages=7,
        provider="tensorrt",
        model_sha256=SHA256,
    )
    assert sink.events == [expected]
    lane.online = False
    announcer.heartbeats([lane], uptime_s=69.0, interval_s=7.5)
    assert sink.events[1].online is False


def test_rate_of_a_heartbeat_is_that_since_the_one_before(announcer, sink, lane):
    for frames, uptime_s in ((100, 10.0), (160, 12.0), (160, 14.5), (161, 14.5)):
        lane.frames = frames
        announcer.heartbeats([lane], uptime_s=uptime_s, interval_s=2.0)
    assert [beat.fps for beat in sink.events] == [None, 30.0, 0.0, 1000.0]  # the last: within a millisecond


def test_camera_that_comes_and_goes_is_told_with_its_epoch(announcer, sink, lane):
    lane.online, lane.epoch = False, 0
    announcer.camera_state(lane, StateChange("entry-1", "online", "connected", 4, (640, 480)))
    assert (lane.online, lane.epoch) == (True, 4)
    announcer.camera_state(lane, StateChange("entry-1", "offline", "cable pulled", 5, None))
    assert (lane.online, lane.epoch) == (False, 5)
    common = {"schema": 1, "camera": "entry-1", "utc": NOW, "source": "rtsp://***@10.0.0.5/live"}
    assert sink.events == [
        CameraEvent(
            seq=1,
            kind="camera.online",
            epoch=4,
            reason=None,
            image_size_px=(640, 480),
            provider="tensorrt",
            **common,
        ),
        CameraEvent(
            seq=2,
            kind="camera.offline",
            epoch=5,
            reason="cable pulled",
            image_size_px=None,
            provider=None,
            **common,
        ),
    ]


def test_crop_has_the_shape_of_the_plates_format(announcer, sink, lane):
    """520 x 110 mm at 800 px a metre and 8 px around; the corners in the image are not of that shape."""
    announcer.passages(lane, [make_report()])
    [jpeg] = sink.crops
    crop = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert crop.shape == (104, 432, 3)
