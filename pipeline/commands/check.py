"""`check`: what this machine can do, and whether the configured gate can run on it.

Prints a line for everything that was tried: `ok`, `--` (not here, the gate runs without) or `FAIL`. The exit code is
0 if the gate can run, 1 if it cannot, and 2 if the configuration cannot be read.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.capture import SourceLost
from pipeline.commands.check_machine import Finding, libraries, network, pace
from pipeline.commands.run import make_lane
from pipeline.config import CameraConfig, GateConfig
from pipeline.config_file import load_config
from pipeline.errors import GateError
from pipeline.events import EventPublisher
from pipeline.events.journal import whole_length

HELP = "tell what this machine can do and whether the gate can run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--config", type=Path, metavar="GATE.TOML", help="check this gate, its cameras included"
    )


def execute(args: argparse.Namespace) -> int:
    """Print every finding as it comes."""
    config = GateConfig() if args.config is None else load_config(args.config)
    failed = False
    for finding in findings(config):
        print(f"{finding.verdict:4}  {finding.what:24} {finding.detail}", flush=True)
        failed |= finding.verdict == "FAIL"
    if failed:
        print("the gate cannot run as configured: see the lines marked FAIL")
    elif config.cameras:
        print("the gate can run")
    else:
        print("the network can run; give --config to check a gate with its cameras")
    return 1 if failed else 0


def findings(config: GateConfig) -> Iterator[Finding]:
    """Everything that is worth knowing, in the order of a frame's way."""
    yield from libraries()
    providers = []
    for finding in network(config.model):
        yield finding
        providers.append(finding)
    yield from pace(providers, config)
    if config.cameras:
        yield events(config.events.endpoint)
        if config.events.journal is not None:
            yield journal(config.events.journal)
    for camera in config.cameras:
        yield from camera_findings(camera, config)


def events(endpoint: str) -> Finding:
    """Whether the endpoint can be bound."""
    try:
        with EventPublisher(endpoint):
            return Finding("ok", "events", endpoint)
    except GateError as error:
        return Finding("FAIL", "events", str(error))


def journal(path: Path) -> Finding:
    """Whether events can be appended to the file; it is left as it is, as the gate may be running."""
    try:
        whole_length(path)  # refuses what is no journal
        place = path if path.exists() else path.parent
    except (GateError, OSError) as error:
        return Finding("FAIL", "journal", str(error))
    if place.exists() and os.access(place, os.W_OK):
        return Finding("ok", "journal", str(path))
    return Finding("FAIL", "journal", f"{path}: cannot write the events there; check folder and rights")


def camera_findings(camera: CameraConfig, config: GateConfig) -> Iterator[Finding]:
    """The camera opened once, one frame read, and its calibration."""
    what = f"camera {camera.id}"
    try:
        lane = make_lane(camera, config)
        with lane.source as source:
            frame = source.read()
    except (GateError, SourceLost) as error:
        yield Finding("FAIL", what, f"{camera.source_label}: {error}")
        return
    if frame is None:
        yield Finding("FAIL", what, f"{camera.source_label}: gave no frame")
        return
    width, height = frame.size_px
    yield Finding(
        "ok", what, f"{camera.source_label}: {width}x{height}, times from {frame.stamp.time_source}"
    )
    if lane.calibration is None:
        yield Finding(
            "--", f"{what} calibration", "none: distance and speed stay null (python -m calib measures one)"
        )
        return
    try:
        lane.calibration.require_image_size(width, height)
    except GateError as error:
        yield Finding("FAIL", f"{what} calibration", str(error))
    else:
        mount = "with mount" if lane.calibration.mount is not None else "lens only"
        yield Finding("ok", f"{what} calibration", f"{camera.calibration}, {mount}")
