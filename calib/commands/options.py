"""What the commands share."""

from __future__ import annotations

import argparse
import sys

from pipeline.post.plate_formats import PlateFormat, formats_named


def say(line: str) -> None:
    """Progress goes to standard error, results to standard output."""
    print(line, file=sys.stderr, flush=True)


def add_plate_format(parser: argparse.ArgumentParser) -> None:
    """`--plate`."""
    parser.add_argument(
        "--plate",
        default="eu-520x110",
        metavar="FORMAT",
        help="plate format of the report's expected errors (default eu-520x110)",
    )


def plate_format(args: argparse.Namespace) -> PlateFormat:
    """The format that `--plate` names."""
    return formats_named([args.plate])[0]
