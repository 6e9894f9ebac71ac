"""Compare the camera's distance of a plate or a board with a tape measure, and keep the result in the report.

   run_gate.py locate --json at4m.jpg > at4m.jsonl
   python -m calib check entry-1.toml at4m.jsonl --at 4.00
   python -m calib check entry-1.toml board-at4m.jpg --board board.toml --at 4.00

Hold the plate upright and square to the lane. The tape runs along the road, straight from the point below the lens
to the point below the plate (to the middle of the lower edge of the board's squares). With --from stop-line it begins
at the line and runs along the lane.
Several images of the same place make the camera's answer surer. Exit code 1: it does not agree."""

from __future__ import annotations

import argparse
import datetime
import math
from pathlib import Path

from calib.acceptance import Check, Tape, check_board, check_plate
from calib.boards import read_board
from calib.camera import Camera
from calib.commands.options import add_plate_format, plate_format
from calib.detect import BoardFinder
from calib.gather import board_target
from calib.plates import read_located
from calib.record import Record, check_outputs
from calib.report import write_report
from pipeline.errors import GateError

HELP = "compare a distance with a tape measure"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("camera", type=Path, metavar="CAMERA.toml")
    parser.add_argument(
        "source",
        type=Path,
        metavar="SOURCE",
        help="lines of `run_gate.py locate --json`; with --board an image of the board",
    )
    parser.add_argument("--at", type=float, required=True, metavar="M", help="taped distance in metres")
    parser.add_argument(
        "--tape-sd", type=float, default=0.01, metavar="M", help="how good the tape is (default 0.01)"
    )
    parser.add_argument(
        "--from",
        dest="origin",
        choices=("camera", "stop-line"),
        default="camera",
        help="where the tape begins (default: below the camera)",
    )
    parser.add_argument("--board", help="board.toml: the image shows the board, not a plate")
    add_plate_format(parser, "of the plate that is held up, and of the report's expected errors")


def execute(args: argparse.Namespace) -> int:
    """Compare, print the verdict, and add it to the record and the report."""
    camera, shape = Camera.load(args.camera), plate_format(args)
    mount = camera.require_mount()
    tape = Tape(args.at, args.tape_sd)
    if args.origin == "stop-line":
        if not camera.has_stop_line:
            raise GateError(
                f"check: {args.camera} has no stop line; run mount with [stop_line], or leave --from out"
            )
        stop_sd_m = camera.uncertainty.stop_line_m or 0.0
        tape = Tape(args.at + mount.stop_line_m, math.hypot(args.tape_sd, stop_sd_m), mount.stop_line_m)
    if not 0.3 <= tape.length_m <= 200 or not 0 < args.tape_sd < 1:
        raise GateError("check: give --at in metres, 0.3 to 200, and --tape-sd above 0 and below 1")
    earlier = Record.load(args.camera)
    check_outputs(args.camera)
    today = datetime.date.today().isoformat()
    if args.board:
        check = _board_check(args, camera, tape, today)
    else:
        check = check_plate(camera, read_located(args.source, camera), shape, tape, today)
    record = earlier.with_check(check)
    record.save(args.camera)
    report = write_report(camera, record, args.camera, shape)
    print(check.text)
    print(f"kept in {report}")
    return 1 if check.verdict == "disagrees" else 0


def _board_check(args: argparse.Namespace, camera: Camera, tape: Tape, today: str) -> Check:
    board = read_board(args.board)
    found = BoardFinder(board).find(camera.read_image(args.source))
    if found is None:
        raise GateError(f"{args.source}: no {board.describe()} found; check --board and take a sharper image")
    target = board_target(args.source.name, board, found, None, tape.sd_m)
    return check_board(camera, target, board, tape, today)
