"""Cameras: time-outs and interruption around calls that may hang.

Neither FFmpeg nor V4L2 can be stopped from another thread: closing a PyAV container while it is being read
crashes the process, name resolution ignores every time-out, and a read cut short in the middle of a packet
cannot go on. So each connection runs on a daemon thread of its own, and the reader waits for the frames that
it hands over. When the reader has waited long enough, or is interrupted, it walks away. The connection then
ends by its own time-out and closes what it opened; until it has, no new one is started, so that hanging
threads never pile up.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from pipeline.capture.source import Source, SourceLost
from pipeline.capture.timeline import Timeline
from pipeline.frames import DropCounter, Frame

_LEAVE_WAIT_S = 0.5
_LEFT_CHECK_S = 0.1


class Connection(ABC):
    """One connection to a camera. All calls come from one thread, and each may block for a while."""

    @abstractmethod
    def open(self) -> None:
        """Connects. Raises `SourceLost` if that fails."""

    @abstractmethod
    def read(self) -> Frame | None:
        """One step: the next frame, or None if what arrived was not usable. Raises `SourceLost`."""

    @abstractmethod
    def close(self) -> None:
        """Gives back what was opened, even if `open` failed."""


class LiveSource(Source):
    """A camera that can be lost and opened again; each attempt makes a fresh connection."""

    live = True

    def __init__(
        self,
        camera: str,
        label: str,
        connect: Callable[[Timeline], Connection],
        *,
        drops: DropCounter,
        open_timeout_s: float,
        read_timeout_s: float,
    ) -> None:
        super().__init__(camera, label)
        self._connect = connect
        self._drops = drops
        self._open_timeout_s = open_timeout_s
        self._read_timeout_s = read_timeout_s
        self._interrupted = threading.Event()
        self._pump: _Pump | None = None
        self._first: Frame | None = None

    def open(self) -> None:
        """Connects and waits for the first frame."""
        self.close()
        if self._pump is not None and self._pump.is_alive():
            raise SourceLost("the previous connection still hangs")
        connection = self._connect(Timeline(self.camera, self.epoch + 1, self._drops))
        pump = _Pump(connection, f"connection-{self.camera}")
        pump.start()  # may fail: a thread that never ran cannot be left
        self._pump = pump
        self._first = self._next(self._pump, self._open_timeout_s)
        self.size_px = self._first.size_px
        self.epoch += 1

    def read(self) -> Frame:
        """Next frame; a change of its size ends the connection, so that an epoch has one size."""
        if self._pump is None:
            raise SourceLost("not open")
        frame, self._first = self._first or self._next(self._pump, self._read_timeout_s), None
        if frame.size_px != self.size_px:
            raise SourceLost(f"frame size changed from {self.size_px} to {frame.size_px}")
        return frame

    def close(self) -> None:
        """Leaves the connection."""
        self._first = None
        if self._pump is not None:
            self._pump.leave()

    def interrupt(self) -> None:
        """Makes `open` and `read` raise `SourceLost` from now on."""
        self._interrupted.set()
        if self._pump is not None:
            self._pump.wake_reader()

    def _next(self, pump: _Pump, timeout_s: float) -> Frame:
        # Checked after `self._pump` was set: an interruption comes either before this line or wakes the wait.
        if self._interrupted.is_set():
            raise SourceLost("interrupted")
        try:
            item = pump.outbox.get(timeout=timeout_s)
        except queue.Empty:
            raise SourceLost(f"no usable frame for {timeout_s:g} s") from None
        if isinstance(item, Exception):
            raise item
        return item


class _Pump(threading.Thread):
    """Runs one connection and hands its frames, or the error that ended it, to the reader."""

    def __init__(self, connection: Connection, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.outbox: queue.Queue[Frame | Exception] = queue.Queue(maxsize=1)
        self._connection = connection
        self._left = threading.Event()

    def run(self) -> None:
        try:
            self._connection.open()
            while not self._left.is_set():
                frame = self._connection.read()
                if frame is not None:
                    self._hand_over(frame)
        except Exception as error:  # nothing is hidden: the reader raises it again
            self._hand_over(error)
        finally:
            self._connection.close()

    def leave(self) -> None:
        """Lets the thread end after its current call, and gives it a moment to tell the camera."""
        if not self._left.is_set():
            self._left.set()
            self.join(_LEAVE_WAIT_S)

    def wake_reader(self) -> None:
        """Ends the reader's wait; if the outbox is full it does not wait anyway."""
        with contextlib.suppress(queue.Full):
            self.outbox.put_nowait(SourceLost("interrupted"))

    def _hand_over(self, item: Frame | Exception) -> None:
        while not self._left.is_set():
            with contextlib.suppress(queue.Full):
                self.outbox.put(item, timeout=_LEFT_CHECK_S)
                return
