"""Options and steps that several commands share."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import get_args

from pipeline.config import SHIPPED_MODEL, ModelConfig, Provider


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Options of the commands that run the network without a gate configuration."""
    group = parser.add_argument_group("network")
    group.add_argument(
        "--model", type=Path, default=SHIPPED_MODEL, help="ONNX file (default: the shipped one)"
    )
    group.add_argument(
        "--provider",
        choices=get_args(Provider),
        default=ModelConfig().provider,
        help="what runs the network; auto takes the best that works, a named one fails rather than fall back",
    )
    group.add_argument(
        "--second-look",
        action=argparse.BooleanOptionalAction,
        default=ModelConfig().second_look,
        help="look again at a crop around the plate: more exact corners for a quarter more work",
    )
    group.add_argument(
        "--rectified-look",
        action=argparse.BooleanOptionalAction,
        default=ModelConfig().rectified_look,
        help="correct the corners on the plate made upright, with a small network of its own",
    )
    group.add_argument(
        "--edge-look",
        action=argparse.BooleanOptionalAction,
        default=ModelConfig().edge_look,
        help="after the rectified look, put the corners where the plate's straight edges meet",
    )
    group.add_argument(
        "--allow-fallback", action="store_true", help="let a named provider fall back to the next one"
    )


def model_config(args: argparse.Namespace) -> ModelConfig:
    """The configuration that the options of `add_model_options` ask for."""
    return ModelConfig(
        path=args.model,
        provider=args.provider,
        allow_fallback=args.allow_fallback,
        second_look=args.second_look,
        rectified_look=args.rectified_look,
        edge_look=args.edge_look,
    )


@contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C, SIGTERM and the end of the terminal call `stop` while the block runs."""

    def handle(number: int, frame: FrameType | None) -> None:
        stop()

    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # not under nohup
        numbers.append(signal.SIGHUP)
    previous = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
