"""RTSP against a real server on loopback."""

from __future__ import annotations

import itertools
import logging
import queue
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from pipeline.capture import CaptureThread, Mailbox, SourceLost, StateChange, make_source
from pipeline.capture.backoff import Backoff
from pipeline.frames import DropCounter, Frame
from tests.capture.rtsp_process import RtspServer

GUARD_S = 30.0


class Watch:
    """A running capture thread with its mailbox and the states that it reports."""

    def __init__(self, url: str, *, open_timeout_s: float = 10.0, read_timeout_s: float = 5.0) -> None:
        self.drops = DropCounter()
        self.states: queue.Queue[tuple[str, str, int]] = queue.Queue()
        self._ready = threading.Condition()
        self._mailbox = Mailbox("latest", self.drops, self._ready)
        source = make_source(
            "entry", url, drops=self.drops, open_timeout_s=open_timeout_s, read_timeout_s=read_timeout_s
        )
        backoff = Backoff(first_s=0.1, longest_s=0.3, rng=random.Random(1))
        self.thread = CaptureThread(source, self._mailbox, on_state=self._on_state, backoff=backoff)

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.stop()

    def next_state(self) -> tuple[str, str, int]:
        return self.states.get(timeout=GUARD_S)

    def next_frame(self) -> Frame:
        with self._ready:
            assert self._ready.wait_for(lambda: len(self._mailbox), timeout=GUARD_S), "no frame came"
            taken = self._mailbox.take()
        assert taken is not None
        return taken

    def wait_for_superseded(self, more: int) -> None:
        """Until `more` frames than now were dropped for newer ones."""
        enough, guard_s = self._superseded() + more, time.monotonic() + GUARD_S
        while self._superseded() < enough:
            assert time.monotonic() < guard_s, "no newer frames came"
            time.sleep(0.02)

    def _superseded(self) -> int:
        return self.drops.snapshot().get("superseded", 0)

    def _on_state(self, change: StateChange) -> None:
        assert change.size_px == ((160, 120) if change.state == "online" else None)
        self.states.put((change.state, change.reason, change.epoch))


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_frames_come_with_rising_times_and_the_cameras_wall_clock(rtsp_server: RtspServer) -> None:
    drops = DropCounter()
    with make_source("entry", rtsp_server.url, drops=drops) as source:
        frames = [source.read() for _ in range(50)]
        while frames[-1].stamp.time_source != "rtcp":  # the server's first report comes within some seconds
            assert len(frames) < 500
            frames.append(source.read())
        reported = [frames[-1].stamp, *(source.read().stamp for _ in range(20))]
        now_s = time.time()
    stamps = [frame.stamp for frame in frames]
    gaps_s = {round(b.time_s - a.time_s, 6) for a, b in itertools.pairwise(stamps)}
    assert gaps_s == {0.04}
    assert stamps[0].time_s == 0.0 and stamps[0].time_source == "pts"
    assert {(frame.size_px, frame.stamp.epoch) for frame in frames} == {((160, 120), 1)}
    offsets_s = [stamp.utc_s - stamp.time_s for stamp in reported if stamp.utc_s is not None]
    assert len(offsets_s) == 21 and max(offsets_s) - min(offsets_s) < 0.005
    assert abs(now_s - (offsets_s[-1] + reported[-1].time_s)) < GUARD_S
    assert drops.snapshot().get("undecodable", 0) == 0


def test_a_looped_recording_never_ends_and_its_times_keep_rising(looping_rtsp_server: RtspServer) -> None:
    with make_source("entry", looping_rtsp_server.url, drops=DropCounter()) as source:
        frames = [source.read() for _ in range(30)]
    assert frames[-1].stamp.time_s - frames[0].stamp.time_s == pytest.approx(29 / 25, abs=0.001)
    levels = [float(frame.image.mean()) for frame in frames]
    assert levels[:12] == pytest.approx(levels[12:24], abs=8)  # the same pictures, a round later
    assert max(levels) - min(levels) > 60


def test_a_killed_server_is_offline_and_online_in_epoch_2_when_it_returns(rtsp_server: RtspServer) -> None:
    with Watch(rtsp_server.url) as watch:
        assert watch.next_state() == ("online", "connected", 1)
        assert watch.next_frame().stamp.epoch == 1
        rtsp_server.kill()
        state, _, epoch = watch.next_state()
        assert (state, epoch) == ("offline", 1)
        rtsp_server.start()
        assert watch.next_state() == ("online", "connected", 2)
        while (frame := watch.next_frame()).stamp.epoch == 1:
            pass
        assert frame.stamp.epoch == 2 and frame.stamp.time_s < GUARD_S
    assert watch.next_state() == ("offline", "stopped", 2)


def test_a_frozen_server_is_offline_after_the_read_timeout_and_comes_back(rtsp_server: RtspServer) -> None:
    with Watch(rtsp_server.url, read_timeout_s=1.0, open_timeout_s=3.0) as watch:
        assert watch.next_state() == ("online", "connected", 1)
        rtsp_server.freeze()
        state, reason, _ = watch.next_state()
        assert state == "offline"
        assert reason in ("no usable frame for 1 s", "the camera did not answer in time")
        rtsp_server.thaw()
        assert watch.next_state() == ("online", "connected", 2)


def test_latest_gives_a_slow_consumer_new_frames_and_counts_the_rest(rtsp_server: RtspServer) -> None:
    with Watch(rtsp_server.url) as watch:
        first = watch.next_frame()
        watch.wait_for_superseded(10)
        second = watch.next_frame()
    assert second.stamp.time_s - first.stamp.time_s > 10 / 25


def test_open_of_a_port_that_never_answers_times_out(silent_port: int) -> None:
    source = make_source(
        "entry", f"rtsp://127.0.0.1:{silent_port}/live", drops=DropCounter(), open_timeout_s=0.5
    )
    with pytest.raises(SourceLost):
        source.open()
    source.close()


def test_stop_returns_while_a_connect_hangs(silent_port: int) -> None:
    with Watch(f"rtsp://127.0.0.1:{silent_port}/live", open_timeout_s=3600.0) as watch:
        time.sleep(0.3)  # well inside the connect
        watch.thread.stop(GUARD_S)
        assert not watch.thread.is_alive()


def test_stop_returns_while_a_read_hangs(rtsp_server: RtspServer) -> None:
    with Watch(rtsp_server.url, read_timeout_s=3600.0) as watch:
        watch.next_frame()
        rtsp_server.freeze()
        time.sleep(0.3)
        watch.thread.stop(GUARD_S)
        assert not watch.thread.is_alive()


def test_the_right_password_opens_and_stays_out_of_the_log(
    locked_rtsp_server: RtspServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = locked_rtsp_server.url.replace("://", "://gate:open-sesame@")
    with caplog.at_level(logging.DEBUG), Watch(url) as watch:
        assert watch.next_state() == ("online", "connected", 1)
    assert "online" in caplog.text and "***@127.0.0.1" in caplog.text
    assert "open-sesame" not in caplog.text


@pytest.mark.parametrize(
    ("path", "password", "reason"), [("live", "wrong-word", "401"), ("absent", "open-sesame", "404")]
)
def test_a_refusal_is_told_without_the_password(
    locked_rtsp_server: RtspServer,
    caplog: pytest.LogCaptureFixture,
    path: str,
    password: str,
    reason: str,
) -> None:
    url = locked_rtsp_server.url.replace("://", f"://gate:{password}@").replace("/live", f"/{path}")
    with caplog.at_level(logging.DEBUG), Watch(url) as watch:
        state, text, epoch = watch.next_state()
    assert (state, epoch) == ("offline", 0)
    assert reason in text
    assert password not in text + caplog.text
