"""The wiring of one run: sources -> batcher -> network -> post -> events.

Three kinds of threads work here. A capture thread a camera reads frames into a mailbox. One inference thread takes
batches from the mailboxes and locates the plates. The caller's thread, in `Gate.run`, turns locations into passages
and emits their events; everything that can happen to a run reaches it through one inbox, so that trackers, event
numbers and sinks belong to one thread.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.announcer import Announcer, ReportListener
from pipeline.capture import CaptureThread, Mailbox, StateChange
from pipeline.events import EventComposer, EventSink
from pipeline.frames import DropReason, Frame, PlateLocation, PlateObservation
from pipeline.inference.batcher import Batcher
from pipeline.inference.inference_thread import InferenceThread
from pipeline.inference.locator import Locator
from pipeline.lane import Lane

FrameListener = Callable[[PlateObservation], None]


@dataclass(frozen=True)
class Settings:
    """How a run behaves.

    Attributes:
        batch_deadline_s: how long a frame may wait for frames of other cameras; None makes batches deterministic.
        max_batch: largest batch for the network.
        realtime: recordings are handed over at their presentation times.
        heartbeat_s: interval of the heartbeats, None for none (recordings: they would carry host times).
        plate_crops: send a rectified crop of the plate with every passage event.
        provider, model_sha256: what runs, for the heartbeats and camera events.
    """

    batch_deadline_s: float | None
    max_batch: int
    realtime: bool = False
    heartbeat_s: float | None = None
    plate_crops: bool = True
    provider: str | None = None
    model_sha256: str | None = None


@dataclass(frozen=True, eq=False)
class _Located:
    frames: list[Frame]
    locations: list[PlateLocation]


@dataclass(frozen=True)
class _Ended:
    error: Exception | None
    stopped: bool = False


class Gate:
    """One run over some cameras or recordings."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        locator: Locator,
        composer: EventComposer,
        sink: EventSink,
        settings: Settings,
        on_frame: FrameListener | None = None,
        on_report: ReportListener | None = None,
    ) -> None:
        """Wire the stages; nothing runs yet.

        Args:
            lanes: the cameras.
            locator: the network.
            composer: numbers the events; several runs may share one.
            sink: takes the events.
            settings: how to run.
            on_frame: called for every frame after its events, in the thread of `run`.
            on_report: called for every report of a passage after its event, in the same thread.
        """
        self._lanes = {lane.camera: lane for lane in lanes}
        self._locator, self._settings, self._on_frame = locator, settings, on_frame
        self._announcer = Announcer(
            composer, sink, settings.provider, settings.model_sha256, settings.plate_crops, on_report
        )
        self._inbox: queue.SimpleQueue[_Located | StateChange | _Ended] = queue.SimpleQueue()
        ready = threading.Condition()
        self._mailboxes = mailboxes = [Mailbox(lane.policy, lane.drops, ready) for lane in lanes]
        self._captures = [
            CaptureThread(
                lane.source,
                mailbox,
                on_state=self._inbox.put,
                on_failure=lambda error: self._inbox.put(_Ended(error)),
                realtime=settings.realtime,
            )
            for lane, mailbox in zip(lanes, mailboxes, strict=True)
        ]
        self._batcher = Batcher(mailboxes, ready, settings.max_batch, settings.batch_deadline_s)
        self._inference = InferenceThread(
            self._batcher,
            locator,
            on_batch=lambda frames, locations: self._inbox.put(_Located(frames, locations)),
            on_end=lambda error: self._inbox.put(_Ended(error)),
        )

    def run(self) -> bool:
        """Run until every recording has ended or `stop` is called; emits the last events before it returns.

        Returns:
            True at the end of the recordings, False after `stop`.

        Raises:
            GateError: a recording is broken, or the network or a sink failed.
        """
        started_s = time.monotonic()
        finished = False
        try:
            for capture in self._captures:
                capture.start()
            self._inference.start()
            finished = self._handle_until_ended(started_s)
        finally:
            self._shut_down(interrupt=not finished)
        for lane in self._lanes.values():
            self._announcer.passages(lane, lane.tracker.finish())
        return finished

    def stop(self) -> None:
        """End the run soon; may be called from a signal handler."""
        self._inbox.put(_Ended(None, stopped=True))

    def _handle_until_ended(self, started_s: float) -> bool:
        interval_s = self._settings.heartbeat_s
        due_s = started_s if interval_s is not None else None
        while True:
            # Asked before every message: an inbox that is never empty must not silence the heartbeats.
            if due_s is not None and interval_s is not None and time.monotonic() >= due_s:
                self._inference.require_answer()  # a blind gate whose heartbeats go on looks alive
                self._announcer.heartbeats(self._lanes.values(), time.monotonic() - started_s, interval_s)
                due_s += interval_s
                if due_s <= time.monotonic():  # those that a stall has cost are not made up for
                    due_s = time.monotonic() + interval_s
            try:
                message = self._inbox.get(
                    timeout=None if due_s is None else max(0.0, due_s - time.monotonic())
                )
            except queue.Empty:
                continue
            match message:
                case _Located():
                    self._handle_batch(message)
                    self._inference.batch_done()
                case StateChange():
                    self._announcer.camera_state(self._lanes[message.camera], message)
                case _Ended():
                    if message.error is not None:
                        raise message.error
                    return not message.stopped

    def _shut_down(self, interrupt: bool) -> None:
        """Stop capturing, interrupt the network if asked, and say goodbye for every camera that was online.

        Frames that nobody looks at any more are counted.
        """
        self._batcher.stop()
        if interrupt:
            self._locator.interrupt()
        for capture in self._captures:
            capture.stop(timeout_s=0)
        for capture in self._captures:
            capture.stop()
        self._inference.batch_done()
        if self._inference.is_alive():
            self._inference.join(timeout=1.0)
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, StateChange):
                self._announcer.camera_state(self._lanes[message.camera], message)
            elif isinstance(message, _Located):
                self._count_stopped(message.frames)
        self._count_stopped(self._inference.looked_at)
        for mailbox in self._mailboxes:
            while (frame := mailbox.take()) is not None:
                self._count_stopped([frame])

    def _count_stopped(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            self._lanes[frame.stamp.camera].drops.add(DropReason.STOPPED)

    def _handle_batch(self, batch: _Located) -> None:
        for frame, location in zip(batch.frames, batch.locations, strict=True):
            lane = self._lanes[frame.stamp.camera]
            if lane.source.live and not (lane.online and lane.epoch == frame.stamp.epoch):
                lane.drops.add(DropReason.LATE)
                continue
            lane.check_image_size(frame.size_px)
            lane.frames += 1
            lane.epoch = frame.stamp.epoch
            observation = PlateObservation(frame, location)
            self._announcer.passages(lane, lane.tracker.update(observation))
            if self._on_frame is not None:
                self._on_frame(observation)
