"""Find focal length, centre and distortion of a camera from views of a printed board.

From a camera or a video (views are taken by themselves when they are sharp, still and new):
   python -m calib intrinsics rtsp://192.0.2.10/stream1 --board board.toml -o entry-1.toml
   A page on 127.0.0.1 shows what is still missing; --text does without it, for a terminal over SSH.
   ${NAME} in the address is replaced from the environment: 'rtsp://gate:${ENTRY_1_PASSWORD}@192.0.2.10/stream1'.
From images, at least 6, good 20 and more:
   python -m calib intrinsics photos/ --board board.toml -o entry-1.toml

How to hold the board: once in each part of the image, up to its edges; from near (half the image) and from
farther away; and in most views tilted by 20 to 45 degrees to the left, right, up and down. Tilt is what tells
the focal length. Switch autofocus and zoom off, and use the resolution that the gate will use.

Boards of others are named KIND:COLUMNSxROWS:SQUARE_MM in squares, for example --board chessboard:10x7:30."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from calib.boards import Board, read_board
from calib.camera import Camera, Uncertainty
from calib.collect import Collection, from_images, image_paths
from calib.commands.options import add_plate_format, from_environment, plate_format, say
from calib.crossval import LensCalibration, calibrate_lens
from calib.detect import BoardFinder
from calib.findings import Finding, refuse
from calib.judge_lens import judge_lens
from calib.judge_views import judge_views
from calib.lens import PARAMETERS
from calib.live import take_views
from calib.live_text import coverage_map
from calib.record import Record, check_outputs, lens_record
from calib.report import write_report
from pipeline.errors import GateError
from pipeline.names import check_camera_id
from pipeline.option_types import port
from pipeline.redact import redact

HELP = "lens from images, a video or a live camera"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="rtsp://..., usb:0, a video, a folder of images, or images",
    )
    parser.add_argument("--board", required=True, help="board.toml, or for example charuco:7x10:24.9")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("camera.toml"),
        metavar="FILE",
        help="the camera file to write (default: camera.toml)",
    )
    parser.add_argument(
        "--camera-id",
        metavar="ID",
        help="name of the camera (default: as in the file that is there, else the file's name)",
    )
    parser.add_argument("--text", action="store_true", help="no page, only the terminal")
    parser.add_argument("--port", type=port, default=8123, help="of the page on 127.0.0.1 (default 8123)")
    add_plate_format(parser, "of the report's expected errors")


def execute(args: argparse.Namespace) -> int:
    """Collect views, calibrate, write camera.toml and its report."""
    if not args.output.name:
        raise GateError(f"intrinsics: -o {args.output}: give the name of a file, for example entry-1.toml")
    earlier = Camera.load(args.output) if args.output.exists() else None
    camera_id = check_camera_id(args.camera_id or (earlier.camera_id if earlier else args.output.stem))
    board = read_board(args.board)
    board.square_m  # noqa: B018 (asked for before anybody starts to wave the board)
    shape = plate_format(args)
    checks = Record.load(args.output).checks if earlier else ()
    check_outputs(args.output)
    sources = [from_environment(source) for source in args.source]
    paths = image_paths(sources)
    if paths is None:
        picker = take_views(sources[0], board, None if args.text else args.port, say)
        collection = picker.collection
        say(coverage_map(picker.coverage))
    else:
        collection = from_images(paths, BoardFinder(board))
    findings = judged(collection, board)
    result = calibrate_lens(collection.views, board)
    findings += judge_lens(result, board)
    camera, lost = with_timing(calibrated(result, camera_id, board), earlier)
    findings += lost
    source = redact(args.source[0]) + (f" and {len(args.source) - 1} more" if len(args.source) > 1 else "")
    today = datetime.date.today().isoformat()
    lens = lens_record(result, board, source, today, collection.skipped, findings, len(checks))
    record = Record(lens, checks=checks)
    if earlier is not None:
        say(f"{args.output}: the earlier calibration is replaced; the mount has to be measured again")
    camera.save(args.output)
    record.save(args.output)
    report = write_report(camera, record, args.output, shape)
    print("\n".join(_summary(result, findings)))
    print(f"wrote {args.output} and {report}")
    return 0


def judged(collection: Collection, board: Board) -> list[Finding]:
    """What is to be said about the views before the calibration.

    Raises:
        GateError: they cannot be used, with every reason.
    """
    findings = collection.findings(board)
    if not any(item.level == "refuse" for item in findings) or collection.views:
        findings += judge_views(collection.views, board)
    refuse(findings)
    return findings


def calibrated(result: LensCalibration, camera_id: str, board: Board) -> Camera:
    """The camera file's content, without a mount."""
    sd = dict(zip(PARAMETERS, result.sd.tolist(), strict=True))
    uncertainty = Uncertainty(
        fx=sd["fx"], fy=sd["fy"], cx=sd["cx"], cy=sd["cy"], distortion=tuple(result.sd[4:].tolist())
    )
    provenance = {
        "tool": "python -m calib intrinsics",
        "date": datetime.date.today().isoformat(),
        "board": board.describe(),
        "model": result.fit.model,
        "images": len(result.views),
        "rms_px": round(result.fit.rms_px, 4),
        "held_out_px": round(result.held_out_px[result.fit.model], 4),
    }
    return replace(Camera(camera_id, result.fit.lens), uncertainty=uncertainty, provenance=provenance)


def with_timing(camera: Camera, earlier: Camera | None) -> tuple[Camera, list[Finding]]:
    """With what somebody wrote into the earlier file by hand about the camera's timing, which no board shows.

    Returns:
        The camera, and what is to be said where the row time is not kept: a row of an image of another size spans
        another time.
    """
    if earlier is None:
        return camera, []
    lens, old, lost = camera.intrinsics, earlier.intrinsics, []
    if (lens.width, lens.height) == (old.width, old.height):
        lens = replace(lens, row_time_s=old.row_time_s)
    elif old.row_time_s:
        text = (
            f"row_time_s = {old.row_time_s:g} of the earlier camera file was for images of {old.width}x{old.height} "
            f"and is left out; write that of images of {lens.width}x{lens.height} into [intrinsics]"
        )
        lost = [Finding("improve", "row_time", text)]
    uncertainty = replace(camera.uncertainty, time_s=earlier.uncertainty.time_s)
    return replace(camera, intrinsics=lens, uncertainty=uncertainty), lost


def _summary(result: LensCalibration, findings: Sequence[Finding]) -> list[str]:
    lens, sd = result.fit.lens, 1.96 * result.sd
    lines = [
        f"{len(result.views)} views, distortion model {result.fit.model} (chosen on views left out)",
        f"focal length {lens.fx:.1f} ± {sd[0]:.1f} and {lens.fy:.1f} ± {sd[1]:.1f} px",
        f"centre       {lens.cx:.1f} ± {sd[2]:.1f} and {lens.cy:.1f} ± {sd[3]:.1f} px",
    ]
    return lines + [f"{item.level:8}{item.text}" for item in findings]
