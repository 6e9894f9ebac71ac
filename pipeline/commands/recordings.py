"""What `replay` and `demo` share: a recording as a lane, and what follows its run frame by frame."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from calib.camera import Camera
from pipeline.annotate import ClipWriter, draw_location, draw_report
from pipeline.capture import make_source
from pipeline.errors import GateError
from pipeline.files import as_text
from pipeline.frames import DropCounter, PassageReport, PlateObservation
from pipeline.gate import Settings
from pipeline.inference.session import CornerSession
from pipeline.lane import Lane
from pipeline.post.tracker import TrackSettings
from pipeline.report.record import Recorder
from pipeline.report.write import Circumstances, Replayed

BETWEEN_VIDEOS_S = 1.0


def replay_lane(
    name: str, video: str, epoch: int, calibration: Camera | None, tracking: TrackSettings, fps: float = 25.0
) -> Lane:
    """The lane of one recording; its times belong to the epoch after `epoch`, `fps` is the rate of an image folder."""
    drops = DropCounter()
    source = make_source(name, video, drops=drops, fps=fps)
    if source.live:
        raise GateError(f"{source.label}: is a camera, not a recording; use the command run")
    source.epoch = epoch
    return Lane(name, source, "every", drops, calibration, tracking)


def require_readable(lane: Lane) -> None:
    """Look at a recording's first frame, so that hours of others are not lost to it. Take another lane to replay it.

    Raises:
        GateError: it cannot be read, or has not the size that it was calibrated for.
    """
    with lane.source as source:
        first = source.read()
    if first is not None:
        lane.check_image_size(first.size_px)


def settings_of(session: CornerSession, realtime: bool = False) -> Settings:
    """Settings that give the same events every time: full batches, and nothing from the host's clock."""
    max_batch = 1 if session.provider == "cpu" else session.max_batch
    return Settings(batch_deadline_s=None, max_batch=max_batch, realtime=realtime)


def circumstances(session: CornerSession, camera: Path | None, presence_threshold: float) -> Circumstances:
    """What the report's head says of the run."""
    network = f"{as_text(session.model.path.name)}, {session.model.hash}, on {session.provider}"
    return Circumstances(None if camera is None else as_text(str(camera)), network, presence_threshold)


class Listener:
    """Follows replays frame by frame: moves the progress bar, draws the annotated clip, records for the report."""

    def __init__(
        self, progress: tqdm, presence_threshold: float, clip: ClipWriter | None, recording: bool
    ) -> None:
        self._progress, self._threshold = progress, presence_threshold
        self._clip, self._recording = clip, recording
        self._recorded: list[tuple[Lane, Recorder]] = []
        self._lane: Lane | None = None
        self._latest: PassageReport | None = None
        self._begins_s = self._ends_s = 0.0

    def begin(self, lane: Lane) -> None:
        """The next recording starts; in the clip it follows the one before."""
        self._lane, self._latest, self._begins_s = lane, None, self._ends_s
        if self._recording:
            self._recorded.append((lane, Recorder(lane.tracker, lane.calibration, lane.tracking.formats)))

    def replayed(self) -> list[Replayed]:
        """What was recorded, for the report."""
        return [
            Replayed(lane.source.label, lane.frames, lane.drops.snapshot(), recorder)
            for lane, recorder in self._recorded
        ]

    def see_report(self, report: PassageReport) -> None:
        """What is known now."""
        self._latest = None if report.kind == "end" else report
        if self._recorded:
            self._recorded[-1][1].see_report(report)

    def see_frame(self, observation: PlateObservation) -> None:
        """One frame is done."""
        if self._lane is not None and self._progress.total is not None:
            self._progress.total += self._lane.source.frame_count_hint or 0
            self._lane = None
        self._progress.update()
        if self._recorded:
            self._recorded[-1][1].see_frame(observation)
        if self._clip is not None:
            time_s = self._begins_s + observation.stamp.time_s
            picture = draw_location(observation.frame.image, observation.plate, self._threshold)
            draw_report(picture, self._latest)
            self._clip.write(picture, time_s)
            self._ends_s = time_s + BETWEEN_VIDEOS_S
