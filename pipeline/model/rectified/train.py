"""Train the network of the rectified look: `python -m pipeline.model.rectified.train --data INDEX [--out DIR]`.

It is independent of the large network: it learns from plates around which it is told wrong corners.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import command
from pipeline.model.loop import (
    Batch,
    add_run_arguments,
    advance,
    begin_in,
    given,
    loaded,
    refuse_changes,
    resumable,
)
from pipeline.model.photographs import Photograph, read_index
from pipeline.model.rectified.calibration import calibrated_scale
from pipeline.model.rectified.exported import start_from_exported
from pipeline.model.rectified.samples import RectifiedSamples, augmentation
from pipeline.model.rectified.training import Plan, RectifiedTraining
from pipeline.option_types import count, natural

CONTINUED_LEARNING_RATE = 1.2e-3


def batches(photographs: list[Photograph], plan: Plan, step: int, workers: int) -> Iterator[Batch]:
    """The batches of the rest of the run, from `step` on: all views of `plan.images` images each."""
    samples = RectifiedSamples(
        photographs, augmentation(plan.drawn_share), plan.all_steps * plan.images, plan.seed
    )
    rest = range(step * plan.images, len(samples))
    for views, corners_px, presence in loaded(samples, plan.images, rest, workers):
        yield views.flatten(0, 1), corners_px.flatten(0, 1), presence.flatten()


def start(args: argparse.Namespace, photographs: list[Photograph]) -> RectifiedTraining:
    """The run that the options ask for: resumed, from an exported network, or from nothing."""
    steps = given(args, "coarse_steps", "steps")
    if args.resume:
        training = RectifiedTraining.load(args.out / "checkpoint.pt")
        changes = {
            f"--{name.replace('_', '-')}": getattr(training.plan, name) != n for name, n in steps.items()
        }
        refuse_changes(
            args.out, changes | {"--start": args.start is not None and training.plan.coarse_steps > 0}
        )
        return training
    begin_in(args.out)
    if args.start is None:
        return RectifiedTraining(Plan(**steps))
    continued = {"coarse_steps": 0, "learning_rate": CONTINUED_LEARNING_RATE, "seed": Plan.seed + 1}
    plan = Plan(**(steps | continued))
    views = next(iter(batches(photographs, plan, 0, workers=0)))[0]
    return start_from_exported(plan, args.start, views)


def run(training: RectifiedTraining, photographs: list[Photograph], args: argparse.Namespace) -> None:
    """Train to the end of the plan, and calibrate the covariances."""
    rest = batches(photographs, training.plan, training.step, args.workers)
    for _ in advance(training, rest, args.out, args.checkpoint_minutes):
        pass
    training.covariance_scale = calibrated_scale(training.averaged(), photographs)


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.model.rectified.train", description=__doc__)
    add_run_arguments(parser, Path("runs/rectified"))
    parser.add_argument(
        "--coarse-steps",
        type=natural,
        help=f"optimiser steps of the hourglass alone, at half the view's size (default: {Plan.coarse_steps})",
    )
    parser.add_argument(
        "--steps",
        type=count,
        help=f"optimiser steps of the whole network after them (default: {Plan.steps})",
    )
    parser.add_argument(
        "--start",
        type=Path,
        metavar="MODEL.ONNX",
        help="go on from an exported network, for --steps with a lower learning rate, on other samples",
    )
    return parser.parse_args(argv)


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_arguments(argv)
    photographs = read_index(args.data)
    training = start(args, photographs)
    with resumable(training, args.out):
        run(training, photographs, args)
    print(f"done: {args.out / 'checkpoint.pt'}; export it with python -m deploy.export_rectified")
    return 0


if __name__ == "__main__":
    sys.exit(main())
