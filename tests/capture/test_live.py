"""Time-outs and interruption of cameras, on connections that hang on purpose."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from pipeline.capture import SourceLost
from pipeline.capture.live import Connection, LiveSource
from pipeline.capture.timeline import Timeline
from pipeline.frames import DropCounter, Frame
from tests.capture.builders import frame

GUARD_S = 20.0
FOREVER_S = 3600.0

Step = Callable[[], Frame | None]


class ScriptedConnection(Connection):
    """Plays `steps`, the first of them as the connecting; after the last it hangs until `released`."""

    def __init__(self, steps: list[Step], released: threading.Event) -> None:
        self._steps = iter(steps)
        self._released = released
        self.closed = threading.Event()

    def open(self) -> None:
        self._play()

    def read(self) -> Frame | None:
        return self._play()

    def close(self) -> None:
        self.closed.set()

    def _play(self) -> Frame | None:
        for step in self._steps:
            return step()
        self._released.wait(GUARD_S)
        raise SourceLost("released")


class Rig:
    """A live source whose connections follow the given scripts, one after the other."""

    def __init__(self, released: threading.Event) -> None:
        self.connections: list[ScriptedConnection] = []
        self._released = released

    def source(
        self, *scripts: list[Step], open_timeout_s: float = GUARD_S, read_timeout_s: float = GUARD_S
    ) -> LiveSource:
        left = iter(scripts)

        def connect(_timeline: Timeline) -> Connection:
            self.connections.append(ScriptedConnection(next(left), self._released))
            return self.connections[-1]

        return LiveSource(
            "entry",
            "scripted",
            connect,
            drops=DropCounter(),
            open_timeout_s=open_timeout_s,
            read_timeout_s=read_timeout_s,
        )


@pytest.fixture
def rig() -> Iterator[Rig]:
    released = threading.Event()
    yield Rig(released)
    released.set()


def _connect() -> None:
    return None


def _refuse() -> None:
    raise SourceLost("refused")


def _interrupt_soon(source: LiveSource) -> None:
    threading.Timer(0.1, source.interrupt).start()


def test_open_gives_up_on_a_connection_that_hangs(rig: Rig) -> None:
    source = rig.source([], open_timeout_s=0.1)
    with pytest.raises(SourceLost, match=r"no usable frame for 0\.1 s"):
        source.open()
    assert source.epoch == 0


def test_open_gives_up_on_a_camera_that_never_sends_a_usable_frame(rig: Rig) -> None:
    nothing_usable: list[Step] = [_connect, *[lambda: None] * 100]
    with pytest.raises(SourceLost, match="no usable frame"):
        rig.source(nothing_usable, open_timeout_s=0.1).open()


def test_read_gives_up_on_a_camera_that_falls_silent(rig: Rig) -> None:
    source = rig.source([_connect, lambda: frame(0)], read_timeout_s=0.1)
    source.open()
    assert source.read().stamp.index == 0
    with pytest.raises(SourceLost, match=r"no usable frame for 0\.1 s"):
        source.read()


@pytest.mark.parametrize("script", [[], [_connect]], ids=["connecting", "waiting for a frame"])
def test_interrupt_ends_a_blocked_open(rig: Rig, script: list[Step]) -> None:
    source = rig.source(script, open_timeout_s=FOREVER_S)
    _interrupt_soon(source)
    with pytest.raises(SourceLost, match="interrupted"):
        source.open()


def test_interrupt_ends_a_blocked_read(rig: Rig) -> None:
    source = rig.source([_connect, lambda: frame(0)], read_timeout_s=FOREVER_S)
    source.open()
    source.read()
    _interrupt_soon(source)
    with pytest.raises(SourceLost, match="interrupted"):
        source.read()


def test_interrupt_before_open_makes_it_fail_at_once(rig: Rig) -> None:
    source = rig.source([], open_timeout_s=FOREVER_S)
    source.interrupt()
    with pytest.raises(SourceLost, match="interrupted"):
        source.open()


def test_a_hanging_connection_is_not_joined_by_another_one(rig: Rig) -> None:
    source = rig.source([], [_connect, lambda: frame(0)], open_timeout_s=0.1)
    for reason in ["no usable frame", "still hangs", "still hangs"]:
        with pytest.raises(SourceLost, match=reason):
            source.open()
    assert len(rig.connections) == 1


def test_a_connection_that_was_left_closes_itself(rig: Rig) -> None:
    released = threading.Event()
    rig = Rig(released)
    source = rig.source([], open_timeout_s=0.1)
    with pytest.raises(SourceLost):
        source.open()
    assert not rig.connections[0].closed.is_set()
    released.set()
    assert rig.connections[0].closed.wait(GUARD_S)


def test_open_after_a_failure_makes_a_fresh_connection_in_the_next_epoch(rig: Rig) -> None:
    lost: list[Step] = [_connect, lambda: frame(0), _refuse]
    source = rig.source(lost, [_refuse], [_connect, lambda: frame(0)])
    source.open()
    source.read()
    with pytest.raises(SourceLost, match="refused"):
        source.read()
    with pytest.raises(SourceLost, match="refused"):
        source.open()
    source.open()
    assert source.epoch == 2  # the attempt that failed did not begin an epoch
    assert [connection.closed.is_set() for connection in rig.connections] == [True, True, False]


def test_read_ends_the_epoch_when_the_frame_size_changes(rig: Rig) -> None:
    source = rig.source([_connect, lambda: frame(0, (8, 6)), lambda: frame(1, (16, 12))])
    source.open()
    source.read()
    with pytest.raises(SourceLost, match=r"frame size changed from \(8, 6\) to \(16, 12\)"):
        source.read()


def test_an_unexpected_error_of_a_connection_reaches_the_reader(rig: Rig) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        rig.source([fail]).open()


def test_connection_whose_thread_cannot_start_leaves_a_source_that_can_be_opened_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = rig.source([_connect, lambda: frame(0)], [_connect, lambda: frame(0)])
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", _no_thread)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            source.open()
    source.close()
    source.open()
    assert source.read().stamp.index == 0


def _no_thread(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
