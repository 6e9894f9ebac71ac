from __future__ import annotations

import logging
import random
import threading
import time
from pathlib import Path

import pytest

from pipeline.capture import CaptureThread, Mailbox, Source, SourceLost, StateChange, make_source
from pipeline.capture.backoff import Backoff
from pipeline.errors import GateError
from pipeline.frames import DropCounter, Frame
from tests.capture.builders import frame, write_video

GUARD_S = 20.0


class FlakyCamera(Source):
    """Gives `frames_each` frames a connection, then is lost; every second attempt to open fails."""

    live = True

    def __init__(self, frames_each: int, sizes_px: list[tuple[int, int]]) -> None:
        super().__init__("entry", "flaky")
        self._frames_each = frames_each
        self._sizes_px = sizes_px
        self._attempts = 0
        self._given = 0
        self._interrupted = threading.Event()

    def open(self) -> None:
        self._attempts += 1
        if self._attempts % 2 == 0:
            raise SourceLost("refused")
        if self.epoch == len(self._sizes_px):
            self._interrupted.wait(GUARD_S)
            raise SourceLost("interrupted")
        self.epoch += 1
        self._given = 0

    def read(self) -> Frame:
        if self._given == self._frames_each:
            raise SourceLost("reset")
        self._given += 1
        return frame(self._given - 1, self._sizes_px[self.epoch - 1])

    def close(self) -> None:
        pass

    def interrupt(self) -> None:
        self._interrupted.set()


def _at_once() -> Backoff:
    return Backoff(first_s=0.001, longest_s=0.002, rng=random.Random(1))


def _states_until(camera: Source, changes: int) -> list[StateChange]:
    """What a thread says of the camera's state until it has changed so often."""
    states: list[StateChange] = []
    reached = threading.Event()

    def on_state(change: StateChange) -> None:
        states.append(change)
        if len(states) == changes:
            reached.set()

    mailbox = Mailbox("latest", DropCounter(), threading.Condition())
    thread = CaptureThread(camera, mailbox, on_state=on_state, backoff=_at_once())
    thread.start()
    assert reached.wait(GUARD_S)
    thread.stop(GUARD_S)
    return states


def _drain(mailbox: Mailbox, ready: threading.Condition) -> list[Frame]:
    """All frames until the mailbox is closed and empty."""
    frames = []
    while True:
        with ready:
            assert ready.wait_for(lambda: len(mailbox) or mailbox.closed, timeout=GUARD_S)
        taken = mailbox.take()
        if taken is None:
            return frames
        frames.append(taken)


class RecordingBackoff(Backoff):
    """Keeps what was asked of it; its delays are none."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def next_s(self) -> float:
        self.asked.append("next")
        return 0.0

    def reset(self) -> None:
        self.asked.append("reset")


@pytest.mark.parametrize(("frames_each", "asked"), [(24, ["next"] * 4), (25, ["reset", "next", "next"] * 2)])
def test_only_a_steady_connection_makes_the_next_attempt_come_soon(
    frames_each: int, asked: list[str]
) -> None:
    """Of two connections, after each of which one attempt fails."""
    ready, backoff = threading.Condition(), RecordingBackoff()
    mailbox, gone = Mailbox("every", DropCounter(), ready, capacity=100), threading.Event()

    class Camera(FlakyCamera):
        def open(self) -> None:
            if self.epoch == 2 and self._attempts == 4:
                gone.set()
            super().open()

    thread = CaptureThread(Camera(frames_each, [(4, 2), (4, 2)]), mailbox, backoff=backoff)
    thread.start()
    assert gone.wait(GUARD_S)
    thread.stop(GUARD_S)
    assert backoff.asked[: len(asked)] == asked


def test_a_recording_is_read_to_its_end_and_nothing_is_dropped(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", range(0, 2000, 40))
    drops, ready = DropCounter(), threading.Condition()
    mailbox = Mailbox("every", drops, ready, capacity=2)
    thread = CaptureThread(make_source("entry", str(path), drops=drops), mailbox)
    thread.start()
    frames = _drain(mailbox, ready)
    thread.join(GUARD_S)
    assert [item.stamp.index for item in frames] == list(range(50))
    assert drops.snapshot() == {}
    assert not thread.is_alive()


def test_start_raises_what_is_wrong_with_a_recording(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    drops = DropCounter()
    source = make_source("entry", str(tmp_path / "broken.mp4"), drops=drops)
    thread = CaptureThread(source, Mailbox("every", drops, threading.Condition()))
    with pytest.raises(GateError, match="cannot be read as video"):
        thread.start()
    thread.stop()


def test_realtime_hands_no_frame_over_before_its_time(tmp_path: Path) -> None:
    times_ms = [0, 50, 60, 250, 400]
    path = write_video(tmp_path / "a.mkv", times_ms)
    drops, ready = DropCounter(), threading.Condition()
    mailbox = Mailbox("every", drops, ready)
    thread = CaptureThread(make_source("entry", str(path), drops=drops), mailbox, realtime=True)
    started_s = time.monotonic()
    thread.start()
    for time_ms in times_ms:
        with ready:
            assert ready.wait_for(lambda: len(mailbox), timeout=GUARD_S)
        assert time.monotonic() - started_s >= time_ms / 1000
        taken = mailbox.take()
        assert taken is not None and taken.stamp.time_s == time_ms / 1000
    thread.stop()


def test_stop_ends_a_realtime_replay_in_the_middle_of_a_long_gap(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", [0, 3_600_000])
    drops, ready = DropCounter(), threading.Condition()
    mailbox = Mailbox("every", drops, ready)
    thread = CaptureThread(make_source("entry", str(path), drops=drops), mailbox, realtime=True)
    thread.start()
    with ready:
        assert ready.wait_for(lambda: len(mailbox), timeout=GUARD_S)
    thread.stop(GUARD_S)
    assert not thread.is_alive() and mailbox.closed


def test_stop_ends_a_thread_that_waits_for_a_slow_consumer(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", range(0, 2000, 40))
    drops, ready = DropCounter(), threading.Condition()
    mailbox = Mailbox("every", drops, ready, capacity=1)
    thread = CaptureThread(make_source("entry", str(path), drops=drops), mailbox)
    thread.start()
    with ready:
        assert ready.wait_for(lambda: len(mailbox), timeout=GUARD_S)
    thread.stop(GUARD_S)
    assert not thread.is_alive()


def test_a_lost_camera_comes_back_in_new_epochs_and_each_outage_is_reported_once() -> None:
    camera = FlakyCamera(frames_each=3, sizes_px=[(8, 6)] * 3)
    states: list[tuple[str, str, str, int]] = []
    drops, ready = DropCounter(), threading.Condition()
    mailbox = Mailbox("every", drops, ready)
    all_lost = threading.Event()

    def on_state(change: StateChange) -> None:
        states.append((change.camera, change.state, change.reason, change.epoch))
        if len(states) == 6:
            all_lost.set()

    thread = CaptureThread(camera, mailbox, on_state=on_state, backoff=_at_once())
    thread.start()
    frames = []
    while len(frames) < 9:
        with ready:
            assert ready.wait_for(lambda: len(mailbox), timeout=GUARD_S)
        taken = mailbox.take()
        assert taken is not None
        frames.append(taken)
    assert all_lost.wait(GUARD_S)
    thread.stop(GUARD_S)
    assert not thread.is_alive()
    assert states == [
        ("entry", "online", "connected", 1),
        ("entry", "offline", "reset", 1),
        ("entry", "online", "connected", 2),
        ("entry", "offline", "reset", 2),
        ("entry", "online", "connected", 3),
        ("entry", "offline", "reset", 3),
    ]


def test_a_camera_that_is_dead_at_the_start_is_offline_in_epoch_0() -> None:
    reported = threading.Event()
    states: list[tuple[str, str, int]] = []

    def on_state(change: StateChange) -> None:
        states.append((change.state, change.reason, change.epoch))
        reported.set()

    source = make_source("entry", "rtsp://admin:s3cret@127.0.0.1:1/live", drops=DropCounter())
    thread = CaptureThread(source, Mailbox("latest", DropCounter(), threading.Condition()), on_state=on_state)
    thread.start()
    assert reported.wait(GUARD_S)
    thread.stop(GUARD_S)
    assert not thread.is_alive()
    assert states == [("offline", "Connection refused", 0)]


def test_a_new_frame_size_after_a_reconnect_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    camera = FlakyCamera(frames_each=1, sizes_px=[(8, 6), (8, 6), (16, 12)])
    drops, ready = DropCounter(), threading.Condition()
    mailbox = Mailbox("every", drops, ready)
    thread = CaptureThread(camera, mailbox, backoff=_at_once())
    with caplog.at_level(logging.WARNING):
        thread.start()
        with ready:
            assert ready.wait_for(lambda: len(mailbox) == 3, timeout=GUARD_S)
        thread.stop(GUARD_S)
    sizes = [record.getMessage() for record in caplog.records if "frames are now" in record.getMessage()]
    assert sizes == ["entry: frames are now (16, 12) px, were (8, 6) px"]


def test_a_recording_that_fails_unexpectedly_says_so_before_its_mailbox_is_closed(tmp_path: Path) -> None:
    source = make_source(
        "entry", str(write_video(tmp_path / "a.mkv", range(0, 400, 40))), drops=DropCounter()
    )
    failure, mailbox = ZeroDivisionError("a bug"), Mailbox("every", DropCounter(), threading.Condition())
    seen: list[tuple[Exception, bool]] = []

    def fail() -> Frame:
        raise failure

    source.read = fail  # type: ignore[method-assign]
    thread = CaptureThread(source, mailbox, on_failure=lambda error: seen.append((error, mailbox.closed)))
    thread.start()
    thread.join(GUARD_S)
    assert seen == [(failure, False)] and mailbox.closed


def test_a_bug_that_comes_again_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    class BuggyCamera(FlakyCamera):
        def read(self) -> Frame:
            raise ZeroDivisionError

    states = _states_until(BuggyCamera(frames_each=1, sizes_px=[(8, 6)] * 50), changes=6)
    assert [change.state for change in states[:6]] == ["online", "offline"] * 3
    assert caplog.text.count("in read") == 1


def test_a_bug_that_comes_again_after_a_good_connection_is_told_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class BuggyLater(FlakyCamera):
        def read(self) -> Frame:
            try:
                return super().read()
            except SourceLost:
                raise ZeroDivisionError from None

    _states_until(BuggyLater(frames_each=25, sizes_px=[(8, 6)] * 3), changes=4)
    assert caplog.text.count("ZeroDivisionError\n") >= 2


def test_a_camera_that_fails_unexpectedly_is_offline_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class BuggyCamera(FlakyCamera):
        def read(self) -> Frame:
            if self.epoch == 1:
                raise ZeroDivisionError("at rtsp://admin:s3cret@10.0.0.5/live")
            return super().read()

    drops, ready, states = DropCounter(), threading.Condition(), []
    mailbox = Mailbox("every", drops, ready)
    camera = BuggyCamera(frames_each=1, sizes_px=[(8, 6)] * 2)
    thread = CaptureThread(camera, mailbox, on_state=states.append, backoff=_at_once())
    thread.start()
    with ready:
        assert ready.wait_for(lambda: len(mailbox), timeout=GUARD_S)
    thread.stop(GUARD_S)
    assert [change.state for change in states[:3]] == ["online", "offline", "online"]
    assert states[1].reason == "internal error (ZeroDivisionError), see the log"
    assert "in read" in caplog.text and "s3cret" not in caplog.text


def test_a_camera_whose_thread_breaks_says_so_before_its_mailbox_is_closed() -> None:
    class Unclosable(FlakyCamera):
        def close(self) -> None:
            if self.epoch == 1:
                self.epoch = 2
                raise RuntimeError("cannot be left")

    seen: list[tuple[Exception, bool]] = []
    mailbox = Mailbox("every", DropCounter(), threading.Condition())
    thread = CaptureThread(
        Unclosable(frames_each=1, sizes_px=[(8, 6)]),
        mailbox,
        on_failure=lambda error: seen.append((error, mailbox.closed)),
        backoff=_at_once(),
    )
    thread.start()
    thread.join(GUARD_S)
    [(error, closed)] = seen
    assert str(error) == "cannot be left" and not closed and mailbox.closed
