"""`subscribe`: print events as they come."""

from __future__ import annotations

import argparse
import itertools
import sys

from pipeline.errors import mute_output
from pipeline.events import DEFAULT_ENDPOINT, EventSubscriber, describe, encode

PATIENCE_S = 15.0  # three heartbeats, if the gate has not other ones

HELP = "print a gate's events as they come, a line each"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--endpoint", default=DEFAULT_ENDPOINT, help=f"where the gate publishes ({DEFAULT_ENDPOINT})"
    )
    parser.add_argument("--camera", metavar="ID", help="only this camera's events")
    parser.add_argument("--json", action="store_true", help="the events themselves, one JSON object a line")


def execute(args: argparse.Namespace) -> int:
    """Print until Ctrl-C; losses are told on standard error."""
    with EventSubscriber(args.endpoint, camera=args.camera) as subscriber:
        print(f"waiting for events of {args.camera or 'all cameras'} at {args.endpoint}", file=sys.stderr)
        lost = 0
        try:
            first = subscriber.receive(PATIENCE_S)
            if first is None:
                print(
                    f"nothing in {PATIENCE_S:.0f} s: does a gate run there? Still waiting.", file=sys.stderr
                )
            for received in itertools.chain([first] if first else [], subscriber):
                if subscriber.lost > lost:
                    print(f"lost {subscriber.lost - lost} events", file=sys.stderr)
                    lost = subscriber.lost
                text = encode(received.event).decode() if args.json else describe(received.event)
                print(text, flush=True)
        except KeyboardInterrupt:
            return 0
        except BrokenPipeError:  # as many events as were wanted
            mute_output()
            return 0
    return 0
