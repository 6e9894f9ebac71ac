"""Find how the camera hangs: height, pitch, roll, direction of the lane, and the stop line.

1. python -m calib mount --template > measured.toml
2. Hold a number plate upright and square to the lane at three or more taped distances (3, 5 and 8 m are good),
   take an image at each, and write the distances into measured.toml. Everything else in there is optional:
   the board laid on the road, vehicles that drove through, a taped camera height.
3. run_gate.py locate --json d300.jpg d500.jpg d800.jpg > corners.jsonl
4. python -m calib mount entry-1.toml measured.toml --corners corners.jsonl --click d500.jpg
   --click opens a page on 127.0.0.1 where you click on the stop line. It prints a line to copy into measured.toml, for
   the next time.

All measurements are combined by least squares. Each taped distance is then compared with what all the others say
about it, in centimetres: a mistyped or badly held one shows."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from calib.boards import read_board
from calib.camera import Camera
from calib.click import ask_clicks
from calib.commands.options import say
from calib.findings import Finding
from calib.gather import groups
from calib.judge_mount import judge_mount
from calib.measured import TEMPLATE, Measured
from calib.mount import MountFit, fit_mount
from calib.plates import by_name, read_located
from calib.record import MountRecord, Record, check_outputs
from calib.report import write_report
from calib.residuals import Residual, tape_residuals, with_mount
from pipeline.errors import GateError
from pipeline.option_types import port
from pipeline.post.plate_formats import formats_named

HELP = "height, pitch, roll, lane direction and stop line from taped distances"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "camera", type=Path, nargs="?", metavar="CAMERA.toml", help="from `intrinsics`; is written again"
    )
    parser.add_argument("measured", type=Path, nargs="?", metavar="MEASURED.toml")
    parser.add_argument(
        "--template", action="store_true", help="print a measured.toml with explanations, and end"
    )
    parser.add_argument("--corners", type=Path, metavar="FILE", help="output of `run_gate.py locate --json`")
    parser.add_argument("--board", help="board.toml, where a board was placed on the road")
    parser.add_argument("--click", type=Path, metavar="IMAGE", help="click on the stop line in this image")
    parser.add_argument("--port", type=port, default=8123, help="of the page on 127.0.0.1 (default 8123)")


def execute(args: argparse.Namespace) -> int:
    """Fit the mount, write it into camera.toml, and the report."""
    if args.template:
        print(TEMPLATE, end="")
        return 0
    if args.camera is None or args.measured is None:
        raise GateError("mount: give CAMERA.toml and MEASURED.toml; --template prints the latter to fill in")
    camera, measured = Camera.load(args.camera), Measured.load(args.measured)
    earlier, shape = Record.load(args.camera), formats_named([measured.plate.format])[0]
    check_outputs(args.camera)
    if args.click is not None:
        clicks = ask_clicks(args.click, camera, args.port, say)
        measured = replace(measured, stop_line=replace(measured.stop_line, clicks_px=clicks, distance_m=None))
        say(
            f"copy this line into [stop_line] of {args.measured}, over the clicks_px there; else a later run without "
            "--click leaves no stop line:"
        )
        say(f"clicks_px = {[[round(x, 1), round(y, 1)] for x, y in clicks]}")
    plates = {} if args.corners is None else by_name(args.corners, read_located(args.corners, camera))
    board = read_board(args.board) if args.board else None
    found = groups(measured, camera, plates, args.measured.parent, board)
    height = (measured.camera.height_m, measured.camera.height_sd_m) if measured.camera else None
    fit = fit_mount(camera, found, height)
    residuals, before = tape_residuals(camera, found, height), camera.mount
    camera = with_mount(camera, fit, measured.stop_line)
    findings = judge_mount(camera, fit, residuals, before)
    today = datetime.date.today().isoformat()
    camera = replace(
        camera, provenance={**camera.provenance, "mount_date": today, "mount_misfit": round(fit.misfit, 3)}
    )
    record = replace(
        earlier,
        mount=MountRecord(
            today, str(args.measured), fit.misfit, tuple(residuals), tuple(findings), len(earlier.checks)
        ),
    )
    camera.save(args.camera)
    record.save(args.camera)
    report = write_report(camera, record, args.camera, shape)
    print("\n".join(_summary(camera, fit, residuals, findings)))
    print(f"wrote {args.camera} and {report}")
    return 0


def _summary(
    camera: Camera, fit: MountFit, residuals: Sequence[Residual], findings: Sequence[Finding]
) -> list[str]:
    mount, sd = camera.mount, camera.uncertainty
    assert mount is not None  # just fitted
    lines = [
        f"height {mount.height_m:.3f} ± {1.96 * (sd.height_m or 0):.3f} m, pitch "
        f"{mount.pitch_deg:.2f} ± {1.96 * (sd.pitch_deg or 0):.2f}, "
        f"roll {mount.roll_deg:.2f} ± {1.96 * (sd.roll_deg or 0):.2f}, lane {mount.lane_yaw_deg:.2f} "
        f"± {1.96 * (sd.lane_yaw_deg or 0):.2f} degrees"
    ]
    if sd.stop_line_m is not None:
        lines.append(
            f"stop line {mount.stop_line_m:.3f} ± {1.96 * sd.stop_line_m:.3f} m from the point under the camera"
        )
    if residuals:
        lines.append(
            f"{'measurement':20} {'taped':>9} {'others say':>11} {'difference':>11} {'expected':>10}"
        )
    for item in residuals:
        mark = "" if item.agrees else "  DOES NOT AGREE"
        lines.append(
            f"{item.name:20} {item.taped_m:7.3f} m {item.predicted_m:9.3f} m {item.error_cm:+8.1f} cm "
            f"±{196 * item.sd_m:6.1f} cm{mark}"
        )
    return lines + [f"{item.level:8}{item.text}" for item in findings]
