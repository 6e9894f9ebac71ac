"""`replay`: recordings through the same pipeline as a live gate, every frame, with the same result every time."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from calib.camera import Camera
from pipeline.annotate import ClipWriter, draw_location, draw_report
from pipeline.capture import make_source
from pipeline.commands.options import add_model_options, model_config, stopping_on_signals
from pipeline.errors import GateError
from pipeline.events import (
    Event,
    EventComposer,
    EventPublisher,
    EventSink,
    FanOut,
    PassageEvent,
    ReplayJournal,
    describe,
)
from pipeline.frames import DropCounter, PassageReport, PlateObservation
from pipeline.gate import Gate, Settings
from pipeline.inference.looks import open_locator
from pipeline.inference.session import CornerSession
from pipeline.lane import Lane
from pipeline.post.plate_formats import formats_named
from pipeline.post.tracker import TrackSettings
from pipeline.report.record import Recorder
from pipeline.report.write import Circumstances, PageFile, Replayed, report_page

HELP = "run recorded videos or image folders through the pipeline; two runs give the same events"
BETWEEN_VIDEOS_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("videos", nargs="+", metavar="VIDEO", help="video file, or folder of images")
    parser.add_argument(
        "--camera",
        type=Path,
        metavar="CAMERA.TOML",
        help="calibration of the camera; without it no distance or speed",
    )
    parser.add_argument(
        "--plate-formats", nargs="+", metavar="NAME", help="plate sizes that may occur (default: EU)"
    )
    parser.add_argument("--presence-threshold", type=float, default=0.5, metavar="P")
    parser.add_argument(
        "--fps", type=float, default=25.0, help="images a second of an image folder (default 25)"
    )
    parser.add_argument("--events", type=Path, metavar="OUT.JSONL", help="write the events, a JSON line each")
    parser.add_argument(
        "--annotate", type=Path, metavar="OUT.MP4", help="write a video with what was found drawn in"
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="OUT.HTML",
        help="write a page with each passage's track, residuals, distance and speed over time, and best frame",
    )
    parser.add_argument("--realtime", action="store_true", help="at the recording's own speed")
    parser.add_argument(
        "--publish", metavar="ENDPOINT", help="publish the events, for example at tcp://127.0.0.1:5571"
    )
    add_model_options(parser)


def execute(args: argparse.Namespace) -> int:
    """Replay all videos one after the other, each as an epoch of its own."""
    calibration = None if args.camera is None else Camera.load(args.camera)
    tracking = tracking_settings(args)
    name = calibration.camera_id if calibration is not None else "replay"
    lanes = [
        make_lane(name, video, epoch, calibration, tracking, args.fps)
        for epoch, video in enumerate(args.videos)
    ]
    with ExitStack() as stack:
        sinks: list[EventSink] = [Printed()]
        if args.events is not None:
            sinks.append(stack.enter_context(ReplayJournal(args.events)))
        if args.publish is not None:
            sinks.append(stack.enter_context(EventPublisher(args.publish)))
        clip = None if args.annotate is None else stack.enter_context(ClipWriter(args.annotate))
        page = None if args.report is None else stack.enter_context(PageFile(args.report))
        locator, session = open_locator(model_config(args))
        composer = EventComposer()
        progress = stack.enter_context(tqdm(unit="frame", total=0, dynamic_ncols=True, disable=None))
        listener = Listener(progress, args.presence_threshold, clip, recording=page is not None)
        for lane in lanes:
            listener.begin(lane)
            settings = settings_of(session, args.realtime)
            gate = Gate(
                [lane], locator, composer, FanOut(sinks), settings, listener.see_frame, listener.see_report
            )
            with stopping_on_signals(gate.stop):
                finished = gate.run()
            if not finished:
                raise GateError(
                    "interrupted; the events up to here are in the .part file of --events, if it was given"
                )
        if page is not None:
            ran_with = circumstances(session, args.camera, args.presence_threshold)
            page.write(report_page(listener.replayed(), ran_with))
    for lane in lanes:
        dropped = ", ".join(f"{count} {reason}" for reason, count in lane.drops.snapshot().items()) or "none"
        print(f"{lane.source.label}: {lane.frames} frames, {lane.passages} passages, dropped: {dropped}")
    return 0


def circumstances(session: CornerSession, camera: Path | None, presence_threshold: float) -> Circumstances:
    """What the report's head says of the run."""
    network = f"{session.model.path.name}, {session.model.hash}, on {session.provider}"
    return Circumstances(None if camera is None else str(camera), network, presence_threshold)


def tracking_settings(args: argparse.Namespace) -> TrackSettings:
    """How passages are made, from the options."""
    if args.plate_formats is None:
        return TrackSettings(presence_threshold=args.presence_threshold)
    return TrackSettings(
        presence_threshold=args.presence_threshold, formats=formats_named(args.plate_formats)
    )


def make_lane(
    name: str, video: str, epoch: int, calibration: Camera | None, tracking: TrackSettings, fps: float
) -> Lane:
    """The lane of one recording; its times belong to the epoch after `epoch`."""
    drops = DropCounter()
    source = make_source(name, video, drops=drops, fps=fps)
    if source.live:
        raise GateError(f"{source.label}: is a camera, not a recording; use the command run")
    source.epoch = epoch
    return Lane(name, source, "every", drops, calibration, tracking)


def settings_of(session: CornerSession, realtime: bool = False) -> Settings:
    """Settings that give the same events every time: full batches, and nothing from the host's clock."""
    max_batch = 1 if session.provider == "cpu" else session.max_batch
    return Settings(batch_deadline_s=None, max_batch=max_batch, realtime=realtime)


class Printed:
    """A sink that prints the beginning and the end of passages for people."""

    def emit(self, event: Event, jpeg: bytes | None = None) -> None:
        """Print the event, unless it is one of the many updates."""
        if isinstance(event, PassageEvent) and event.kind != "passage.update":
            tqdm.write(describe(event))


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
