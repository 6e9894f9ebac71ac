"""The wiring alone, with fakes at its seams: sources that need no camera, a locator that needs no network."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from calib.camera import Camera, Intrinsics
from pipeline.capture import Source, SourceLost
from pipeline.errors import GateError
from pipeline.events import EventComposer
from pipeline.frames import DropCounter, Frame, FrameStamp, PlateLocation
from pipeline.gate import Gate, Settings
from pipeline.inference import inference_thread
from pipeline.lane import Lane
from pipeline.post.tracker import TrackSettings

GUARD_S = 60.0
CORNERS_PX = np.array([[20.0, 20], [60, 20], [60, 30], [20, 30]])


class FakeRecording(Source):
    """A recording of `count` grey frames at 25 frames a second; the frame's grey level is its number."""

    live = False

    def __init__(self, camera: str, count: int) -> None:
        super().__init__(camera, f"fake {camera}")
        self._count, self._next = count, 0

    @property
    def frames_read(self) -> int:
        return self._next

    def open(self) -> None:
        self.epoch += 1

    def read(self) -> Frame | None:
        if self._next == self._count:
            return None
        stamp = FrameStamp(self.camera, self._next, self.epoch, self._next / 25, "pts")
        self._next += 1
        return Frame(stamp, np.full((48, 80, 3), stamp.index, np.uint8))

    def close(self) -> None:
        pass


class FakeCamera(FakeRecording):
    """A camera that is lost when its last frame was seen (`see` is the gate's listener), and comes back for ever."""

    live = True

    def __init__(self, camera: str, count: int) -> None:
        super().__init__(camera, count)
        self.all_seen = threading.Event()

    def read(self) -> Frame | None:
        frame = super().read()
        if frame is None:
            assert self.all_seen.wait(10)
            self.all_seen.clear()
            self._next = 0
            raise SourceLost("cable pulled")
        return frame

    def interrupt(self) -> None:
        self.all_seen.set()

    def see(self, observation) -> None:
        if observation.stamp.index == self._count - 1:
            self.all_seen.set()


class FailingOnce:
    """Mixed into a source: its first connection fails at frame 5 in a way that no source should."""

    def read(self) -> Frame | None:
        frame = super().read()  # type: ignore[misc]
        if frame is not None and (frame.stamp.epoch, frame.stamp.index) == (1, 5):
            raise ZeroDivisionError
        return frame


class FailingRecording(FailingOnce, FakeRecording):
    pass


class FailingCamera(FailingOnce, FakeCamera):
    pass


class FakeLocator:
    """Sees the same plate in every frame; remembers the batches and can fail."""

    def __init__(self, failing: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.interrupted = threading.Event()
        self._failing = failing

    def locate(self, images):
        if self._failing:
            raise GateError("the network failed")
        self.batches.append([int(image[0, 0, 0]) for image in images])
        return [PlateLocation(1.0, CORNERS_PX, np.tile(np.eye(2), (4, 1, 1))) for _ in images]

    def interrupt(self) -> None:
        self.interrupted.set()


class Collected:
    """A sink that keeps what it gets and tells when an event of a kind has come."""

    def __init__(self, wanted: str = "", then=lambda: None) -> None:
        self.events, self.crops = [], []
        self._wanted, self._then = wanted, then

    def emit(self, event, jpeg=None) -> None:
        self.events.append(event)
        self.crops.append(jpeg)
        if event.kind == self._wanted:
            self._then()

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def lane(source: Source, calibration: Camera | None = None) -> Lane:
    return Lane(source.camera, source, "every", DropCounter(), calibration, TrackSettings())


def replaying(**changes) -> Settings:
    return Settings(**({"batch_deadline_s": None, "max_batch": 1} | changes))


def run(gate: Gate) -> bool:
    """`Gate.run`; a gate that waits for ever, as for an event that never comes, is stopped and fails the test."""
    hung = threading.Event()

    def give_up() -> None:
        hung.set()
        gate.stop()

    guard = threading.Timer(GUARD_S, give_up)
    guard.start()
    try:
        return gate.run()
    finally:
        guard.cancel()
        assert not hung.is_set(), f"did not end within {GUARD_S:g} s"


def test_every_frame_of_a_recording_is_located_in_order_and_makes_one_passage():
    locator, sink, seen, told = FakeLocator(), Collected(), [], []
    gate = Gate(
        [lane(FakeRecording("a", 20))], locator, EventComposer(), sink, replaying(),
        on_frame=lambda observation: seen.append(observation.stamp.index),
        on_report=lambda report: told.append(f"passage.{report.kind}"),
    )  # fmt: skip
    assert run(gate) is True
    assert locator.batches == [[index] for index in range(20)]
    assert seen == list(range(20))
    assert told == [kind for kind in sink.kinds if kind.startswith("passage.")]
    assert sink.kinds[0] == "passage.new" and sink.kinds[-1] == "passage.end"
    assert sink.kinds.count("passage.new") == 1
    assert not locator.interrupted.is_set()


def test_batches_of_two_recordings_take_turns():
    locator = FakeLocator()
    lanes = [lane(FakeRecording("a", 4)), lane(FakeRecording("b", 4))]
    run(Gate(lanes, locator, EventComposer(), Collected(), replaying(max_batch=4)))
    assert locator.batches == [[0, 0, 1, 1], [2, 2, 3, 3]]


def test_events_of_each_camera_are_numbered_on_their_own():
    sink = Collected()
    lanes = [lane(FakeRecording("a", 6)), lane(FakeRecording("b", 6))]
    run(Gate(lanes, FakeLocator(), EventComposer(), sink, replaying(max_batch=2)))
    for camera in ("a", "b"):
        numbers = [event.seq for event in sink.events if event.camera == camera]
        assert numbers == list(range(1, len(numbers) + 1))


def test_failure_of_the_network_reaches_the_caller():
    gate = Gate(
        [lane(FakeRecording("a", 3))], FakeLocator(failing=True), EventComposer(), Collected(), replaying()
    )
    with pytest.raises(GateError, match="the network failed"):
        run(gate)


def test_failure_of_a_sink_reaches_the_caller_and_stops_the_threads():
    class Full:
        def emit(self, event, jpeg=None):
            raise GateError("the disk is full")

    before = set(threading.enumerate())
    with pytest.raises(GateError, match="disk is full"):
        run(Gate([lane(FakeRecording("a", 200))], FakeLocator(), EventComposer(), Full(), replaying()))
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not left & {"capture-a", "inference"}


def test_recording_that_fails_in_an_unknown_way_has_not_ended_well():
    gate = Gate(
        [lane(FailingRecording("a", 8))], FakeLocator(), EventComposer(), Collected(), replaying()
    )  # fmt: skip
    with pytest.raises(ZeroDivisionError):
        run(gate)


def test_stop_interrupts_the_network_and_the_end_of_a_recording_does_not():
    gate_of: list[Gate] = []
    locator, sink = FakeLocator(), Collected("passage.new", lambda: gate_of[0].stop())
    settings = replaying(batch_deadline_s=0.01)
    gate_of.append(Gate([lane(FakeCamera("a", 8))], locator, EventComposer(), sink, settings))
    assert run(gate_of[0]) is False
    assert locator.interrupted.is_set()
    untouched = FakeLocator()
    assert (
        run(Gate([lane(FakeRecording("a", 8))], untouched, EventComposer(), Collected(), replaying())) is True
    )
    assert not untouched.interrupted.is_set()


class InterruptibleLocator(FakeLocator):
    """Answers four frames; the next one takes until it is interrupted."""

    def locate(self, images):
        if len(self.batches) == 4:
            assert self.interrupted.wait(GUARD_S)
            raise GateError("interrupted")
        return super().locate(images)


@pytest.mark.parametrize("locator", [FakeLocator(), InterruptibleLocator()])
def test_frames_that_wait_when_a_run_is_stopped_are_counted(locator):
    gate_of: list[Gate] = []
    source = FakeRecording("a", 250)
    stopped = lane(source)
    sink = Collected("passage.new", lambda: gate_of[0].stop())
    gate_of.append(Gate([stopped], locator, EventComposer(), sink, replaying()))
    assert run(gate_of[0]) is False
    counts = stopped.drops.snapshot()
    assert 0 < counts["stopped"] == source.frames_read - stopped.frames


def test_camera_that_fails_in_an_unknown_way_is_reported_and_comes_back():
    gate_of: list[Gate] = []
    online: list[int] = []
    sink = Collected("camera.online", lambda: online.append(1) or (len(online) == 2 and gate_of[0].stop()))
    settings = replaying(batch_deadline_s=0.01)
    gate_of.append(Gate([lane(FailingCamera("a", 8))], FakeLocator(), EventComposer(), sink, settings))
    assert run(gate_of[0]) is False
    [first, *_] = [event for event in sink.events if event.kind == "camera.offline"]
    assert first.reason == "internal error (ZeroDivisionError), see the log"


def test_frames_that_come_out_of_the_network_after_their_connection_ended_begin_no_passage():
    """The camera is lost while its last frames are in the network: they must not be a vehicle once more."""
    gate_of: list[Gate] = []
    offline = threading.Event()

    class SlowLocator(FakeLocator):
        def locate(self, images):
            if images[0][0, 0, 0] == 5:
                assert offline.wait(10)
            return super().locate(images)

    class Watching(Collected):
        def emit(self, event, jpeg=None):
            super().emit(event, jpeg)
            if event.kind == "passage.new":
                source.all_seen.set()
            if event.kind == "camera.offline":
                offline.set()
            if event.kind == "camera.online" and event.epoch == 2:
                gate_of[0].stop()

    source = FakeCamera("a", 6)
    sink, lanes = Watching(), [lane(source)]
    settings = replaying(batch_deadline_s=0.01)
    gate_of.append(Gate(lanes, SlowLocator(), EventComposer(), sink, settings))
    run(gate_of[0])
    kinds = [event.kind for event in sink.events if event.epoch == 1]
    assert kinds.index("passage.end") < kinds.index("camera.offline")
    assert kinds[-1] == "camera.offline"
    assert lanes[0].drops.snapshot()["late"] >= 1


def test_lost_camera_is_reported_ends_its_passage_and_returns_in_a_new_epoch():
    gate_of: list[Gate] = []
    online = []

    def second_time() -> None:
        online.append(1)
        if len(online) == 2:
            gate_of[0].stop()

    sink = Collected("camera.online", second_time)
    source = FakeCamera("a", 8)
    settings = replaying(batch_deadline_s=0.01)
    gate_of.append(Gate([lane(source)], FakeLocator(), EventComposer(), sink, settings, source.see))
    assert run(gate_of[0]) is False
    states = [event for event in sink.events if event.kind.startswith("camera.")]
    assert [event.kind for event in states][:3] == ["camera.online", "camera.offline", "camera.online"]
    assert states[1].reason == "cable pulled"
    assert states[2].epoch == 2
    assert "passage.end" in sink.kinds
    assert sink.kinds[-1] == "camera.offline"


def test_heartbeats_carry_counts_and_provider():
    gate_of: list[Gate] = []

    class UntilAllIsCounted(Collected):
        def emit(self, event, jpeg=None):
            super().emit(event, jpeg)
            if event.kind == "heartbeat" and event.frames >= 10:
                gate_of[0].stop()

    sink, source = UntilAllIsCounted(), FakeCamera("a", 5)
    settings = replaying(batch_deadline_s=0.01, heartbeat_s=0.05, provider="cpu", model_sha256="a" * 64)
    gate_of.append(Gate([lane(source)], FakeLocator(), EventComposer(), sink, settings, source.see))
    run(gate_of[0])
    beats = [event for event in sink.events if event.kind == "heartbeat"]
    assert all(beat.provider == "cpu" and beat.model_sha256 == "a" * 64 for beat in beats)
    assert all(
        beat.passages == (beat.frames + 2) // 5 for beat in beats
    )  # one in each connection, at frame 3
    assert {beat.epoch for beat in beats} <= set(range(beats[-1].epoch + 1))


def test_network_that_hangs_ends_the_run_instead_of_looking_alive(monkeypatch):
    monkeypatch.setattr(inference_thread, "LONGEST_S", 0.2)
    released = threading.Event()

    class Hanging(FakeLocator):
        def locate(self, images):
            assert released.wait(20)
            return super().locate(images)

        def interrupt(self):
            released.set()

    settings = replaying(batch_deadline_s=0.01, heartbeat_s=0.05)
    gate = Gate([lane(FakeCamera("a", 5))], Hanging(), EventComposer(), Collected(), settings)
    with pytest.raises(GateError, match="the network has not answered"):
        run(gate)


def test_heartbeats_that_a_stall_has_cost_are_not_made_up_for():
    gate_of: list[Gate] = []

    class Stalling(Collected):
        """Blocks at its first event for as long as 20 heartbeats; then ends the run at the sixth."""

        def emit(self, event, jpeg=None):
            super().emit(event, jpeg)
            if len(self.events) == 1:
                time.sleep(1.0)
            if self.kinds.count("heartbeat") == 6:
                gate_of[0].stop()

    sink, source = Stalling(), FakeCamera("a", 1)
    settings = replaying(batch_deadline_s=0.01, heartbeat_s=0.05)
    gate_of.append(Gate([lane(source)], FakeLocator(), EventComposer(), sink, settings))
    run(gate_of[0])
    times_s = [event.uptime_s for event in sink.events if event.kind == "heartbeat"]
    assert times_s[5] - times_s[1] > 0.1  # made up for, they all come at once


def test_crops_are_sent_with_passages_unless_switched_off():
    for wanted in (True, False):
        sink = Collected()
        settings = replaying(plate_crops=wanted)
        run(Gate([lane(FakeRecording("a", 6))], FakeLocator(), EventComposer(), sink, settings))
        assert sink.crops and all((crop is not None) == wanted for crop in sink.crops)


def _calibration_for_another_size() -> Camera:
    return Camera("a", Intrinsics(1280, 960, 1400.0, 1400.0, 639.5, 479.5))


def test_recording_of_another_size_than_its_calibration_is_refused():
    gate = Gate(
        [lane(FakeRecording("a", 6), _calibration_for_another_size())],
        FakeLocator(), EventComposer(), Collected(), replaying(),
    )  # fmt: skip
    with pytest.raises(GateError, match="1280"):
        run(gate)


def test_live_camera_of_another_size_than_its_calibration_goes_on_without_numbers():
    gate_of: list[Gate] = []
    sink = Collected("passage.end", lambda: gate_of[0].stop())
    source = FakeCamera("a", 8)
    lanes, settings = [lane(source, _calibration_for_another_size())], replaying(batch_deadline_s=0.01)
    gate_of.append(Gate(lanes, FakeLocator(), EventComposer(), sink, settings, source.see))
    run(gate_of[0])
    passages = [event for event in sink.events if event.kind.startswith("passage.")]
    assert passages and all(
        event.quality == "uncalibrated" and event.distance_m is None for event in passages
    )


class ShrinkingCamera(FakeCamera):
    """In its second connection the camera sends smaller images, as when somebody has changed its settings."""

    def read(self) -> Frame | None:
        frame = super().read()
        assert frame is not None
        return Frame(frame.stamp, frame.image[:24, :40]) if self.epoch == 2 else frame


def test_camera_that_comes_back_with_another_image_size_has_no_numbers_meanwhile():
    gate_of: list[Gate] = []
    ends = []
    sink = Collected("passage.end", lambda: ends.append(1) or (len(ends) == 3 and gate_of[0].stop()))
    source = ShrinkingCamera("a", 8)
    lanes = [lane(source, Camera("a", Intrinsics(80, 48, 90.0, 90.0, 39.5, 23.5)))]
    settings = replaying(batch_deadline_s=0.01)
    gate_of.append(Gate(lanes, FakeLocator(), EventComposer(), sink, settings, source.see))
    run(gate_of[0])
    qualities: dict[int, set[str]] = {1: set(), 2: set(), 3: set()}
    for event in sink.events:
        if event.kind.startswith("passage.") and event.epoch in qualities:
            qualities[event.epoch].add(event.quality)
    assert "uncalibrated" not in qualities[1] | qualities[3] and qualities[2] == {"uncalibrated"}
    names = {event.passage for event in sink.events if event.kind == "passage.end"}
    assert len(names) == len(ends)
