"""The thread that reads one source into its mailbox, and brings a lost camera back."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.capture.backoff import Backoff
from pipeline.capture.mailbox import Mailbox
from pipeline.capture.source import Source, SourceLost
from pipeline.frames import CameraState, Frame
from pipeline.redact import redact

log = logging.getLogger(__name__)

_STEADY_FRAMES = 25  # a connection that gave so many was a good one: after it the next attempt comes soon


@dataclass(frozen=True)
class StateChange:
    """What a capture thread says of its camera: its state, why, since which epoch, and the image's size if online."""

    camera: str
    state: CameraState
    reason: str
    epoch: int
    size_px: tuple[int, int] | None


class CaptureThread(threading.Thread):
    """Reads `source` until it ends or the thread is stopped, then closes the mailbox.

    A live source that cannot be reached is tried again for ever, one that is dead at the start included, and one
    whose reading fails in a way that nobody thought of. Its changes of state are reported from this thread: once for
    an outage, and every `online` is followed by an `offline`. A recording reports no states, it just ends, or fails.
    """

    def __init__(
        self,
        source: Source,
        mailbox: Mailbox,
        *,
        on_state: Callable[[StateChange], None] | None = None,
        on_failure: Callable[[Exception], None] | None = None,
        realtime: bool = False,
        backoff: Backoff | None = None,
    ) -> None:
        """Prepares the thread.

        Args:
            source: not yet open; this thread opens and closes it.
            mailbox: where the frames go.
            on_state: called when a camera comes or goes; must not block.
            on_failure: called with what ended the thread before its time, if something did; must not block.
            realtime: hand the frames of a recording over at their presentation times, not at once.
            backoff: delays between attempts to reach a live source.
        """
        super().__init__(name=f"capture-{source.camera}", daemon=True)
        self._source = source
        self._mailbox = mailbox
        self._on_state, self._on_failure = on_state, on_failure
        self._backoff = backoff or Backoff()
        self._realtime = realtime
        self._stopping = threading.Event()
        self._state: CameraState | None = None
        self._reason = ""
        self._bug: type[Exception] | None = None
        self._size_px: tuple[int, int] | None = None
        self._time_zero_s: float | None = None

    def start(self) -> None:
        """Starts reading.

        A recording is opened in the caller's thread, so that the caller sees what is wrong with it.

        Raises:
            GateError: the recording is missing, broken or empty.
        """
        if not self._source.live:
            self._source.open()
        super().start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Stops reading, whatever the source is doing, and waits for the end of the thread.

        To stop several threads at once, call `stop(0)` on each of them first.
        """
        self._stopping.set()
        self._source.interrupt()
        self._mailbox.close()
        if self.is_alive():
            self.join(timeout_s)

    def run(self) -> None:
        """Body of the thread; use `start`."""
        try:
            if self._source.live:
                self._read_live()
            else:
                self._hand_over_frames()
        except Exception as error:  # a source that fails must not look like one that has ended
            if self._on_failure is None:
                raise
            self._on_failure(error)
        finally:
            try:
                self._source.close()
            finally:  # whoever waits there would wait for ever
                self._mailbox.close()

    def _read_live(self) -> None:
        while not self._stopping.is_set():
            try:
                self._source.open()
                self._set_online()
                self._hand_over_frames()
            except SourceLost as lost:
                if not self._stopping.is_set():
                    self._set_offline(str(lost))
            except Exception as error:  # one camera's trouble must not end its thread unnoticed
                if not self._stopping.is_set():
                    self._tell_of_bug(error)
            self._source.close()
            self._stopping.wait(self._backoff.next_s())
        if self._state == "online":
            self._set_offline("stopped")

    def _tell_of_bug(self, error: Exception) -> None:
        """Once with a traceback; a bug that comes again at every connection must not fill the log."""
        level = logging.DEBUG if type(error) is self._bug else logging.ERROR
        log.log(level, "%s: %s", self._source.camera, redact(traceback.format_exc()))
        self._bug = type(error)
        self._set_offline(f"internal error ({type(error).__name__}), see the log")

    def _hand_over_frames(self) -> None:
        handed = 0
        while not self._stopping.is_set():
            frame = self._source.read()
            if frame is None:
                return
            self._check_size(frame)
            if self._realtime and not self._source.live:
                self._wait_until_due(frame.stamp.time_s)
            self._mailbox.put(frame)
            handed += 1
            if handed == _STEADY_FRAMES:
                self._backoff.reset()
                self._bug = None

    def _wait_until_due(self, time_s: float) -> None:
        now_s = time.monotonic()
        if self._time_zero_s is None:
            self._time_zero_s = now_s - time_s
        self._stopping.wait(max(0.0, self._time_zero_s + time_s - now_s))

    def _check_size(self, frame: Frame) -> None:
        if self._size_px not in (None, frame.size_px):
            log.warning(
                "%s: frames are now %s px, were %s px", self._source.camera, frame.size_px, self._size_px
            )
        self._size_px = frame.size_px

    def _set_online(self) -> None:
        log.info("%s: online, epoch %d (%s)", self._source.camera, self._source.epoch, self._source.label)
        self._set_state("online", "connected")

    def _set_offline(self, reason: str) -> None:
        level = logging.DEBUG if (self._state, self._reason) == ("offline", reason) else logging.WARNING
        log.log(level, "%s: offline: %s (%s)", self._source.camera, reason, self._source.label)
        self._set_state("offline", reason)

    def _set_state(self, state: CameraState, reason: str) -> None:
        changed, self._state, self._reason = state != self._state, state, reason
        if changed and self._on_state is not None:
            size_px = self._source.size_px if state == "online" else None
            self._on_state(StateChange(self._source.camera, state, reason, self._source.epoch, size_px))
