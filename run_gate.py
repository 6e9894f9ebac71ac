#!/usr/bin/env python3
"""The gate camera's command line: `run_gate.py COMMAND --help` explains each command."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from types import ModuleType

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
    top = argparse.ArgumentParser(
        prog="run_gate.py", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument("--version", action="version", version=__version__)
    top.add_argument("-v", "--verbose", action="store_true", help="log more")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        module.add_arguments(commands.add_parser(name, help=module.HELP, description=module.__doc__))
    return top


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
    try:
        return COMMANDS[args.command].execute(args)
    except BrokenPipeError:
        # Whoever read our output went away; nothing more can be said on it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # The other commands have not done all that they were asked for.
        return 0 if args.command == "subscribe" else 141


if __name__ == "__main__":
    sys.exit(main())
