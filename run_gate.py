#!/usr/bin/env python3
"""The gate camera's command line: `run_gate.py COMMAND --help` explains each command."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import cv2

from pipeline import __version__
from pipeline.commands import check, demo, locate, replay, run, subscribe
from pipeline.errors import command

COMMANDS: dict[str, ModuleType] = {
    "run": run,
    "replay": replay,
    "locate": locate,
    "subscribe": subscribe,
    "demo": demo,
    "check": check,
}

DESCRIPTION = """\
Finds the number plate of the closest vehicle in every frame of a parking-entry camera as four corner points, turns
corners and calibration into distance and speed, and publishes events over ZeroMQ.

Start with `demo`: it needs no camera and no data."""


def parser() -> argparse.ArgumentParser:
    """The command line with all its commands."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help="log more")
    top = argparse.ArgumentParser(
        prog=Path(sys.argv[0]).name if Path(sys.argv[0]).stem == "run-gate" else "run_gate.py",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    top.add_argument("--version", action="version", version=__version__)
    top.set_defaults(verbose=False)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        module.add_arguments(
            commands.add_parser(name, help=module.HELP, description=_plain(module.__doc__), parents=[common])
        )
    return top


def _plain(text: str | None) -> str:
    """A docstring without its marks."""
    return (text or "").replace("`", "")


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0 done, 1 a check failed, 2 bad input or a failure, 130 interrupted, 141 whoever read the output went away.
    """
    args = parser().parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if args.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    if not args.verbose:  # OpenCV's own lines come at each attempt to open a camera
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    code: int = COMMANDS[args.command].execute(args)
    return code


if __name__ == "__main__":
    sys.exit(main())
