"""The wiring of one run: sources -> batcher -> network -> post -> events.

Three kinds of threads work here. A capture thread a camera reads frames into a mailbox. One inference thread takes
batches from the mailboxes and locates the plates. The caller's thread, in `Gate.run`, turns locations into passages
and emits their events; everything that can happen to a run reaches it through one inbox, so that trackers, event
numbers and sinks belong to one thread.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from calib.camera import Camera
from pipeline.capture import CaptureThread, Mailbox, Policy, Source
from pipeline.errors import GateError
from pipeline.events import EventComposer, EventSink, rectified_plate_jpeg
from pipeline.frames import DropCounter, Frame, PassageReport, PlateLocation, PlateObservation
from pipeline.inference.batcher import Batcher
from pipeline.inference.locator import Locator
from pipeline.post.plate_formats import FORMATS
from pipeline.post.tracker import PassageTracker, TrackSettings

log = logging.getLogger(__name__)

BATCHES_IN_FLIGHT = 2
"""Batches between the network and the post stage; more would only add latency."""

SIZES_M = {plate_format.name: (plate_format.width_m, plate_format.height_m) for plate_format in FORMATS}

FrameListener = Callable[[PlateObservation], None]
ReportListener = Callable[[PassageReport], None]


@dataclass(eq=False)
class Lane:
    """One camera's way through the gate: where its frames come from and what its tracker knows.

    Policy `latest` drops frames that the network cannot keep up with, `every` (recordings) makes the source wait.
    """

    camera: str
    source: Source
    policy: Policy
    drops: DropCounter
    calibration: Camera | None
    tracking: TrackSettings
    tracker: PassageTracker = field(init=False)
    online: bool = False
    epoch: int = 0
    frames: int = 0
    passages: int = 0
    frames_at_last_heartbeat: int = 0

    def __post_init__(self) -> None:
        self.tracker = PassageTracker(self.camera, self.calibration, self.tracking, self.drops)

    def require_calibrated_size(self, size_px: tuple[int, int]) -> None:
        """Check that the calibration is for images of this size.

        Raises:
            GateError: it is not, and the source is a recording. A live camera goes on without distance and speed.
        """
        if self.calibration is None:
            return
        try:
            self.calibration.require_image_size(*size_px)
        except GateError as error:
            if not self.source.live:
                raise
            log.error("%s: %s; distance and speed are withheld", self.camera, error)
            self.calibration = None
            self.tracker = PassageTracker(self.camera, None, self.tracking, self.drops)


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
class _StateChange:
    camera: str
    state: str
    reason: str
    epoch: int


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
        self._locator, self._composer, self._sink = locator, composer, sink
        self._settings, self._on_frame, self._on_report = settings, on_frame, on_report
        self._inbox: queue.SimpleQueue[_Located | _StateChange | _Ended] = queue.SimpleQueue()
        self._places = threading.Semaphore(BATCHES_IN_FLIGHT)
        ready = threading.Condition()
        mailboxes = [Mailbox(lane.policy, lane.drops, ready) for lane in lanes]
        self._captures = [
            CaptureThread(lane.source, mailbox, on_state=self._note_state, realtime=settings.realtime)
            for lane, mailbox in zip(lanes, mailboxes, strict=True)
        ]
        self._batcher = Batcher(mailboxes, ready, settings.max_batch, settings.batch_deadline_s)
        self._inference = threading.Thread(target=self._infer, name="inference", daemon=True)

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
            self._emit_reports(lane, lane.tracker.finish())
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
                self._emit_heartbeats(time.monotonic() - started_s, interval_s)
                due_s += interval_s
            try:
                message = self._inbox.get(
                    timeout=None if due_s is None else max(0.0, due_s - time.monotonic())
                )
            except queue.Empty:
                continue
            match message:
                case _Located():
                    self._handle_batch(message)
                    self._places.release()
                case _StateChange():
                    self._handle_state(message)
                case _Ended():
                    if message.error is not None:
                        raise message.error
                    return not message.stopped

    def _shut_down(self, interrupt: bool) -> None:
        """Stop capturing, interrupt the network if asked, and say goodbye for every camera that was online."""
        self._batcher.stop()
        if interrupt:
            self._locator.interrupt()
        for capture in self._captures:
            capture.stop(timeout_s=0)
        for capture in self._captures:
            capture.stop()
        self._places.release()
        if self._inference.is_alive():
            self._inference.join(timeout=1.0)
        while not self._inbox.empty():
            message = self._inbox.get()
            if isinstance(message, _StateChange):
                self._handle_state(message)

    def _infer(self) -> None:
        """Body of the inference thread."""
        error: Exception | None = None
        try:
            while True:
                self._places.acquire()
                frames = self._batcher.next_batch()
                if frames is None:
                    break
                self._inbox.put(_Located(frames, self._locator.locate([frame.image for frame in frames])))
        except Exception as failure:  # handed to the caller of `run`, which raises it
            error = failure
        self._inbox.put(_Ended(error))

    def _handle_batch(self, batch: _Located) -> None:
        for frame, location in zip(batch.frames, batch.locations, strict=True):
            lane = self._lanes[frame.stamp.camera]
            if lane.frames == 0 or lane.epoch != frame.stamp.epoch:
                lane.require_calibrated_size(frame.size_px)
            lane.frames += 1
            lane.epoch = frame.stamp.epoch
            observation = PlateObservation(frame.stamp, location, frame)
            self._emit_reports(lane, lane.tracker.update(observation))
            if self._on_frame is not None:
                self._on_frame(observation)

    def _emit_reports(self, lane: Lane, reports: Sequence[PassageReport]) -> None:
        for report in reports:
            lane.passages += report.kind == "new"
            self._sink.emit(self._composer.passage(report), self._crop(report))
            if self._on_report is not None:
                self._on_report(report)

    def _crop(self, report: PassageReport) -> bytes | None:
        if not self._settings.plate_crops:
            return None
        size_m = SIZES_M.get(report.motion.plate_format or "")
        observation = report.observation
        return rectified_plate_jpeg(observation.frame.image, observation.plate.corners_px, size_m)

    def _note_state(self, camera: str, state: str, reason: str, epoch: int) -> None:
        """Called by capture threads."""
        self._inbox.put(_StateChange(camera, state, reason, epoch))

    def _handle_state(self, change: _StateChange) -> None:
        lane = self._lanes[change.camera]
        lane.online, lane.epoch = change.state == "online", change.epoch
        label, now_s = lane.source.label, time.time()
        if lane.online:
            event = self._composer.camera_online(
                lane.camera, epoch=change.epoch, source=label, provider=self._settings.provider, utc_s=now_s
            )
        else:
            self._emit_reports(lane, lane.tracker.finish())
            event = self._composer.camera_offline(
                lane.camera, epoch=change.epoch, source=label, reason=change.reason, utc_s=now_s
            )
        self._sink.emit(event)

    def _emit_heartbeats(self, uptime_s: float, interval_s: float) -> None:
        for lane in self._lanes.values():
            new_frames = lane.frames - lane.frames_at_last_heartbeat
            lane.frames_at_last_heartbeat = lane.frames
            event = self._composer.heartbeat(
                lane.camera,
                uptime_s=uptime_s,
                interval_s=interval_s,
                online=lane.online,
                epoch=lane.epoch,
                frames=lane.frames,
                dropped=lane.drops.snapshot(),
                fps=new_frames / interval_s,
                passages=lane.passages,
                provider=self._settings.provider,
                model_sha256=self._settings.model_sha256,
                utc_s=time.time(),
            )
            self._sink.emit(event)
