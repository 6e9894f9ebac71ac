"""What a run tells the world: passages, camera states and heartbeats, as numbered events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from pipeline.capture import StateChange
from pipeline.events import EventComposer, EventSink, rectified_plate_jpeg
from pipeline.frames import PassageReport
from pipeline.lane import Lane
from pipeline.post.plate_formats import SIZES_M

ReportListener = Callable[[PassageReport], None]


class Announcer:
    """Composes the events of a run and hands them to a sink. One thread works with it, that of `Gate.run`."""

    def __init__(
        self,
        composer: EventComposer,
        sink: EventSink,
        provider: str | None,
        model_sha256: str | None,
        plate_crops: bool,
        on_report: ReportListener | None,
    ) -> None:
        """Say nothing yet.

        Args:
            composer: numbers the events.
            sink: takes them.
            provider, model_sha256: what runs, for heartbeats and camera events.
            plate_crops: send a rectified crop of the plate with every passage event.
            on_report: called for every report of a passage after its event.
        """
        self._composer, self._sink, self._on_report = composer, sink, on_report
        self._provider, self._model_sha256, self._plate_crops = provider, model_sha256, plate_crops

    def passages(self, lane: Lane, reports: Sequence[PassageReport]) -> None:
        """Announce what the tracker of a lane reports."""
        for report in reports:
            lane.passages += report.kind == "new"
            self._sink.emit(self._composer.passage(report), self._crop(report))
            if self._on_report is not None:
                self._on_report(report)

    def _crop(self, report: PassageReport) -> bytes | None:
        if not self._plate_crops:
            return None
        size_m = SIZES_M.get(report.motion.plate_format or "")
        observation = report.observation
        return rectified_plate_jpeg(observation.frame.image, observation.plate.corners_px, size_m)

    def camera_state(self, lane: Lane, change: StateChange) -> None:
        """Announce that a camera came or went; with it goes the vehicle in front of it."""
        lane.online, lane.epoch = change.state == "online", change.epoch
        if not lane.online:
            self.passages(lane, lane.tracker.finish())
        event = self._composer.camera(
            lane.camera,
            change.state,
            epoch=change.epoch,
            source=lane.source.label,
            reason=None if lane.online else change.reason,
            image_size_px=change.size_px,
            provider=self._provider if lane.online else None,
            utc_s=time.time(),
        )
        self._sink.emit(event)

    def heartbeats(self, lanes: Iterable[Lane], uptime_s: float, interval_s: float) -> None:
        """Announce every lane's state and counts; it is done every `interval_s`."""
        for lane in lanes:
            fps = None
            if lane.last_heartbeat is not None:
                frames, at_s = lane.last_heartbeat
                fps = (lane.frames - frames) / max(uptime_s - at_s, 1e-3)
            lane.last_heartbeat = lane.frames, uptime_s
            event = self._composer.heartbeat(
                lane.camera,
                uptime_s=uptime_s,
                interval_s=interval_s,
                online=lane.online,
                epoch=lane.epoch,
                frames=lane.frames,
                dropped=lane.drops.snapshot(),
                fps=fps,
                passages=lane.passages,
                provider=self._provider,
                model_sha256=self._model_sha256,
                utc_s=time.time(),
            )
            self._sink.emit(event)
