"""`replay`: recordings through the same pipeline as a live gate, every frame, with the same result every time."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from calib.camera import Camera
from pipeline.annotate import ClipWriter
from pipeline.commands.options import add_model_options, model_config, stopping_on_signals
from pipeline.commands.recordings import Listener, circumstances, replay_lane, require_readable, settings_of
from pipeline.config import ModelConfig
from pipeline.errors import told_with
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
from pipeline.files import PartFile, refuse_overwriting
from pipeline.gate import Gate
from pipeline.inference.looks import open_locator
from pipeline.lane import Lane
from pipeline.names import check_camera_id
from pipeline.option_types import probability
from pipeline.post.plate_formats import EUROPE, formats_named
from pipeline.post.tracker import TrackSettings
from pipeline.report.write import report_page

HELP = "run recorded videos or image folders through the pipeline; two runs give the same events"


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
        "--plate-formats",
        type=lambda text: text.split(","),
        metavar="NAME[,NAME]",
        help="plate sizes that may occur, with commas between them (default: "
        f"{','.join(item.name for item in EUROPE)}; a name that is none lists all)",
    )
    parser.add_argument(
        "--presence-threshold",
        type=probability,
        default=ModelConfig().presence_threshold,
        metavar="P",
        help="a frame shows a plate from this presence on (default %(default)s)",
    )
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
    refuse_overwriting(
        [args.events, args.annotate, args.report], [*map(Path, args.videos), args.camera, args.model]
    )
    calibration = None if args.camera is None else Camera.load(args.camera)
    tracking = tracking_settings(args)
    name = "replay" if calibration is None else _event_name(calibration, args.camera)

    def lane_of(video: str, epoch: int = 0) -> Lane:
        return replay_lane(name, video, epoch, calibration, tracking, args.fps)

    lanes = [lane_of(video, epoch) for epoch, video in enumerate(args.videos)]
    for video in args.videos:
        require_readable(lane_of(video))
    with ExitStack() as stack:
        sinks: list[EventSink] = [Printed()]
        if args.events is not None:
            sinks.append(stack.enter_context(ReplayJournal(args.events)))
        if args.publish is not None:
            sinks.append(stack.enter_context(EventPublisher(args.publish)))
        clip = None if args.annotate is None else stack.enter_context(ClipWriter(args.annotate))
        page = None if args.report is None else stack.enter_context(PartFile(args.report, "report"))
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
                raise KeyboardInterrupt(
                    "interrupted; the events up to here are in the .part file of --events, if it was given"
                )
        if page is not None:
            ran_with = circumstances(session, args.camera, args.presence_threshold)
            page.write(report_page(listener.replayed(), ran_with).encode())
    for lane in lanes:
        dropped = ", ".join(f"{count} {reason}" for reason, count in lane.drops.snapshot().items()) or "none"
        print(f"{lane.source.label}: {lane.frames} frames, {lane.passages} passages, dropped: {dropped}")
    return 0


def _event_name(calibration: Camera, path: Path) -> str:
    """What the camera is called in events: as its file says."""
    with told_with(f"{path}: camera_id"):
        return check_camera_id(calibration.camera_id)


def tracking_settings(args: argparse.Namespace) -> TrackSettings:
    """How passages are made, from the options."""
    if args.plate_formats is None:
        return TrackSettings(presence_threshold=args.presence_threshold)
    return TrackSettings(
        presence_threshold=args.presence_threshold, formats=formats_named(args.plate_formats)
    )


class Printed:
    """A sink that prints the beginning and the end of passages for people."""

    def emit(self, event: Event, jpeg: bytes | None = None) -> None:
        """Print the event, unless it is one of the many updates."""
        if isinstance(event, PassageEvent) and event.kind != "passage.update":
            tqdm.write(describe(event))
