"""`run`: the gate itself, one or several cameras from a configuration file, events over ZeroMQ."""

from __future__ import annotations

import argparse
import logging
from contextlib import ExitStack
from pathlib import Path

from calib.camera import Camera
from pipeline.capture import make_source
from pipeline.commands.check_machine import finding_of, live_cameras, pace
from pipeline.commands.options import stopping_on_signals
from pipeline.config import SHIPPED_MODEL, CameraConfig, GateConfig
from pipeline.config_file import load_config
from pipeline.errors import told_with
from pipeline.events import EventComposer, EventJournal, EventPublisher, EventSink, FanOut
from pipeline.frames import DropCounter
from pipeline.gate import Gate, Settings
from pipeline.inference.looks import open_locator
from pipeline.lane import Lane
from pipeline.post.plate_formats import formats_named
from pipeline.post.tracker import TrackSettings

log = logging.getLogger(__name__)

EXAMPLE = SHIPPED_MODEL.parents[1] / "examples" / "gate.toml"

HELP = "run the gate: cameras in, events out, until Ctrl-C or SIGTERM"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--config",
        type=Path,
        required=True,
        metavar="GATE.TOML",
        help=f"the cameras and what happens to their events; one to begin with is {EXAMPLE}",
    )


def execute(args: argparse.Namespace) -> int:
    """Run until a signal comes, or every recording among the sources has ended."""
    config = load_config(args.config)
    lanes = make_lanes(config, args.config)
    with ExitStack() as stack:
        publisher = stack.enter_context(
            EventPublisher(config.events.endpoint, high_water_mark=config.events.high_water_mark)
        )
        sinks: list[EventSink] = [publisher]
        if config.events.journal is not None:
            sinks.append(stack.enter_context(EventJournal(config.events.journal)))
        locator, session = open_locator(config.model)
        settings = Settings(
            batch_deadline_s=config.model.batch_deadline_s,
            max_batch=session.max_batch,
            heartbeat_s=config.events.heartbeat_s,
            plate_crops=config.events.plate_crops,
            provider=session.provider,
            model_sha256=session.model.sha256,
        )
        gate = Gate(lanes, locator, EventComposer(), FanOut(sinks), settings)
        for finding in pace([finding_of(session)], config) if live_cameras(config) else ():
            if finding.verdict != "ok":
                log.warning("%s", finding.detail)
        log.info("events at %s", publisher.endpoint)
        with stopping_on_signals(gate.stop):
            gate.run()
    for lane in lanes:
        dropped = lane.drops.snapshot()
        log.info("%s: %d frames, %d passages, dropped %s", lane.camera, lane.frames, lane.passages, dropped)
    return 0


def make_lanes(config: GateConfig, path: Path) -> list[Lane]:
    """The lanes of all cameras of a configuration.

    Raises:
        GateError: a source, calibration or plate format is not there; names the file and the camera.
    """
    lanes = []
    for camera in config.cameras:
        with told_with(f"{path}: camera {camera.id}"):
            lanes.append(make_lane(camera, config))
    return lanes


def make_lane(camera: CameraConfig, config: GateConfig) -> Lane:
    """The lane of a configured camera; its source is not opened yet."""
    drops = DropCounter()
    source = make_source(
        camera.id,
        camera.source,
        drops=drops,
        label=camera.source_label,
        fps=camera.fps,
        transport=camera.transport,
        open_timeout_s=camera.open_timeout_s,
        read_timeout_s=camera.read_timeout_s,
    )
    tracking = TrackSettings(
        presence_threshold=config.model.presence_threshold,
        min_hits=config.passage.min_hits,
        confirm_s=config.passage.confirm_s,
        expiry_s=config.passage.expiry_s,
        update_interval_s=config.passage.update_interval_s,
        formats=formats_named(camera.plate_formats),
    )
    calibration = None if camera.calibration is None else Camera.load(camera.calibration)
    return Lane(camera.id, source, camera.policy, drops, calibration, tracking)
