"""What the commands share."""

from __future__ import annotations

import argparse
import sys

from pipeline.config import CameraConfig
from pipeline.errors import GateError
from pipeline.post.plate_formats import PlateFormat, formats_named


def say(line: str) -> None:
    """Progress goes to standard error, results to standard output."""
    print(line, file=sys.stderr, flush=True)


def from_environment(source: str) -> str:
    """A source with `${NAME}` replaced from the environment, as the gate does. May hold a password: never show it.

    Raises:
        GateError: a variable is not set.
    """
    camera = CameraConfig("calibration", source)
    try:
        return camera.source
    except GateError as error:
        raise GateError(f"{camera.source_label}: {error}; set it, and export it") from error


def add_plate_format(parser: argparse.ArgumentParser, of_what: str) -> None:
    """`--plate`, the format of what `of_what` says."""
    parser.add_argument(
        "--plate",
        default="eu-520x110",
        metavar="FORMAT",
        help=f"plate format {of_what} (default eu-520x110)",
    )


def plate_format(args: argparse.Namespace) -> PlateFormat:
    """The format that `--plate` names."""
    return formats_named([args.plate])[0]
