"""The calibration tools: `python -m calib COMMAND --help` explains each command."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from types import ModuleType

# Before OpenCV loads OpenBLAS: the threads of small problems only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2

from calib.commands import board, check, intrinsics, mount
from pipeline.errors import command

COMMANDS: dict[str, ModuleType] = {"board": board, "intrinsics": intrinsics, "mount": mount, "check": check}

DESCRIPTION = """\
Calibrates a gate camera: an installer needs a printed board, a number plate, a tape measure and a quarter of an hour.

   board        print a board
   intrinsics   show it to the camera             -> camera.toml: focal length, centre, distortion
   mount        hold a plate at taped distances   -> camera.toml: height, pitch, roll, lane, stop line
   check        compare a distance with a tape    -> how good it is in the end

Every step but the first writes a report beside camera.toml (camera.report.html): good enough or not, and why."""


def parser() -> argparse.ArgumentParser:
    """The command line with all its commands."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(prog="python -m calib", description=DESCRIPTION, formatter_class=raw)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        module.add_arguments(
            commands.add_parser(name, help=module.HELP, description=module.__doc__, formatter_class=raw)
        )
    return top


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 a check disagrees, 2 bad input, 130 interrupted."""
    args = parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    # OpenCV's own lines come at each attempt to open a camera.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    code: int = COMMANDS[args.command].execute(args)
    return code


if __name__ == "__main__":
    sys.exit(main())
