"""Batching: by size or deadline, fair, prompt for one camera, repeatable in a replay. Real mailboxes."""

from __future__ import annotations

import threading
import time
from collections import Counter

import numpy as np
import pytest

from pipeline.capture.mailbox import Mailbox, Policy
from pipeline.frames import DropCounter, Frame, FrameStamp
from pipeline.inference.batcher import Batcher

HANG_GUARD_S = 30.0
NEVER_S = 3600.0


def frame(camera: str, index: int = 0) -> Frame:
    return Frame(FrameStamp(camera, index, 1, index / 25, "pts"), np.zeros((2, 2, 3), np.uint8))


def names(batch: list[Frame] | None) -> list[str]:
    assert batch is not None
    return [f"{item.stamp.camera}{item.stamp.index}" for item in batch]


class Cameras:
    """Mailboxes that share a condition."""

    def __init__(self, count: int, policy: Policy = "latest") -> None:
        self.ready = threading.Condition()
        self.boxes = [Mailbox(policy, DropCounter(), self.ready) for _ in range(count)]

    def batcher(self, max_batch: int = 4, deadline_s: float | None = NEVER_S) -> Batcher:
        return Batcher(self.boxes, self.ready, max_batch, deadline_s)


class Waiting:
    """Runs `next_batch` in a thread, for tests of what ends its wait."""

    def __init__(self, batcher: Batcher) -> None:
        self._result: list[list[Frame] | None] = []
        self._thread = threading.Thread(target=lambda: self._result.append(batcher.next_batch()), daemon=True)
        self._thread.start()

    def result(self) -> list[Frame] | None:
        self._thread.join(HANG_GUARD_S)
        assert self._result, "next_batch still waits"
        return self._result[0]

    def still_waits(self, for_s: float = 0.1) -> bool:
        self._thread.join(for_s)
        return self._thread.is_alive()


def test_single_live_camera_never_waits_for_more() -> None:
    cameras = Cameras(1)
    cameras.boxes[0].put(frame("a"))
    assert names(Waiting(cameras.batcher()).result()) == ["a0"]


def test_last_camera_left_never_waits_for_closed_ones() -> None:
    cameras = Cameras(2)
    cameras.boxes[1].close()
    cameras.boxes[0].put(frame("a"))
    assert names(Waiting(cameras.batcher()).result()) == ["a0"]


def test_frames_of_all_cameras_go_together_at_once() -> None:
    cameras = Cameras(3)
    for box, name in zip(cameras.boxes, "abc", strict=True):
        box.put(frame(name))
    assert names(Waiting(cameras.batcher()).result()) == ["a0", "b0", "c0"]


def test_full_batch_does_not_wait_for_the_other_cameras() -> None:
    cameras = Cameras(3)
    cameras.boxes[0].put(frame("a"))
    cameras.boxes[2].put(frame("c"))
    assert names(Waiting(cameras.batcher(max_batch=2)).result()) == ["a0", "c0"]


def test_frame_of_the_other_camera_joins_before_the_deadline() -> None:
    cameras = Cameras(2)
    cameras.boxes[0].put(frame("a"))
    waiting = Waiting(cameras.batcher())
    assert waiting.still_waits()
    cameras.boxes[1].put(frame("b"))
    assert names(waiting.result()) == ["a0", "b0"]


def test_deadline_ends_the_wait_for_a_silent_camera() -> None:
    cameras = Cameras(2)
    cameras.boxes[0].put(frame("a"))
    assert names(Waiting(cameras.batcher(deadline_s=0.02)).result()) == ["a0"]


def test_close_of_the_awaited_camera_ends_the_wait() -> None:
    cameras = Cameras(2)
    cameras.boxes[0].put(frame("a"))
    waiting = Waiting(cameras.batcher())
    assert waiting.still_waits()
    cameras.boxes[1].close()
    assert names(waiting.result()) == ["a0"]


def test_busy_cameras_are_served_equally() -> None:
    cameras = Cameras(3)
    batcher = cameras.batcher(max_batch=2)
    served: Counter[str] = Counter()
    for _ in range(30):
        for box, name in zip(cameras.boxes, "abc", strict=True):
            box.put(frame(name))
        served.update(item.stamp.camera for item in batcher.next_batch() or [])
    assert served == {"a": 20, "b": 20, "c": 20}


@pytest.mark.parametrize("deadline_s", [NEVER_S, None])
def test_end_comes_after_the_last_frame_of_closed_mailboxes(deadline_s: float | None) -> None:
    cameras = Cameras(2)
    cameras.boxes[1].put(frame("b"))
    for box in cameras.boxes:
        box.close()
    batcher = cameras.batcher(deadline_s=deadline_s)
    assert names(Waiting(batcher).result()) == ["b0"]
    assert Waiting(batcher).result() is None


@pytest.mark.parametrize("deadline_s", [NEVER_S, None])
def test_stop_ends_the_wait_for_a_first_frame(deadline_s: float | None) -> None:
    cameras = Cameras(2)
    batcher = cameras.batcher(deadline_s=deadline_s)
    waiting = Waiting(batcher)
    assert waiting.still_waits()
    batcher.stop()
    assert waiting.result() is None
    cameras.boxes[0].put(frame("a"))
    assert Waiting(batcher).result() is None


@pytest.mark.parametrize("deadline_s", [NEVER_S, None])
def test_stop_loses_no_frame_that_was_taken(deadline_s: float | None) -> None:
    cameras = Cameras(2)
    cameras.boxes[0].put(frame("a"))
    batcher = cameras.batcher(deadline_s=deadline_s)
    waiting = Waiting(batcher)
    assert waiting.still_waits()
    batcher.stop()
    assert names(waiting.result()) == ["a0"]


def test_replay_waits_for_a_full_batch() -> None:
    cameras = Cameras(1, "every")
    batcher = cameras.batcher(max_batch=3, deadline_s=None)
    waiting = Waiting(batcher)
    for index in range(2):
        cameras.boxes[0].put(frame("a", index))
    assert waiting.still_waits()
    cameras.boxes[0].put(frame("a", 2))
    assert names(waiting.result()) == ["a0", "a1", "a2"]


def replay_with_delays(seed: int) -> list[list[str]]:
    """Two recordings of 7 and 3 frames, each put by a thread that dawdles by chance."""
    cameras = Cameras(2, "every")

    def play(index: int, name: str, count: int) -> None:
        rng = np.random.default_rng((seed, index))
        for number in range(count):
            time.sleep(rng.uniform(0, 0.01))
            cameras.boxes[index].put(frame(name, number))
        cameras.boxes[index].close()

    threads = [threading.Thread(target=play, args=args, daemon=True) for args in [(0, "a", 7), (1, "b", 3)]]
    for thread in threads:
        thread.start()
    batcher = cameras.batcher(deadline_s=None)
    batches = []
    while (batch := Waiting(batcher).result()) is not None:
        batches.append(names(batch))
    return batches


@pytest.mark.parametrize("seed", range(5))
def test_replay_gives_the_same_batches_whatever_the_timing(seed: int) -> None:
    assert replay_with_delays(seed) == [["a0", "b0", "a1", "b1"], ["a2", "b2", "a3", "a4"], ["a5", "a6"]]
