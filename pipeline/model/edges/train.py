"""Train the network of the edge look: `python -m pipeline.model.edges.train --data INDEX [--out DIR]`.

It learns from plates as a rectified network, trained before, leaves them: which line is the edge, and where it runs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipeline.config import SHIPPED_RECTIFIED
from pipeline.errors import command
from pipeline.inference.model_file import RECTIFIED_CORNERS, ModelFile, inspect_model
from pipeline.inference.rectify import INPUT_PX
from pipeline.model.edges.prepared import discard_prepared, prepare
from pipeline.model.edges.samples import EdgeSamples
from pipeline.model.edges.training import EdgeTraining, Plan
from pipeline.model.loop import add_run_arguments, advance, begin_in, given, refuse_changes, resumable
from pipeline.model.photographs import Photograph, read_index
from pipeline.option_types import count

VIEWS = "views"
"""The folder in OUT that keeps what was drawn."""


def start(args: argparse.Namespace) -> EdgeTraining:
    """The run that the options ask for: resumed, or from nothing."""
    sizes = given(args, "images", "steps")
    if args.resume:
        training = EdgeTraining.load(args.out / "checkpoint.pt")
        changes = {f"--{name}": getattr(training.plan, name) != size for name, size in sizes.items()}
        refuse_changes(args.out, changes)
        return training
    begin_in(args.out)
    discard_prepared(args.out / VIEWS)  # of a run that left no checkpoint
    training = EdgeTraining(Plan(**sizes))
    training.save(args.out / "checkpoint.pt")  # so that what is drawn can be gone on with
    return training


def run(
    training: EdgeTraining, photographs: list[Photograph], rectified: ModelFile, args: argparse.Namespace
) -> None:
    """Draw what is missing, and train to the end of the plan."""
    plan = training.plan
    samples = EdgeSamples(photographs, plan.drawn_share, plan.images, plan.seed, rectified.path)
    made_of = f"{args.data.resolve()}, {rectified.sha256}, {plan}"
    views = prepare(samples, args.out / VIEWS, args.workers, made_of)
    rest = views.batches(plan.views, training.step, plan.steps, plan.seed)
    for _ in advance(training, rest, args.out, args.checkpoint_minutes):
        pass


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.model.edges.train", description=__doc__)
    add_run_arguments(parser, Path("runs/edges"))
    parser.add_argument(
        "--images",
        type=count,
        help=f"images to draw; they are kept in OUT/views (default: {Plan.images})",
    )
    parser.add_argument("--steps", type=count, help=f"optimiser steps (default: {Plan.steps})")
    parser.add_argument(
        "--rectified",
        type=Path,
        default=SHIPPED_RECTIFIED,
        metavar="MODEL.ONNX",
        help="the rectified network whose answers are seen (default: the shipped one)",
    )
    args = parser.parse_args(argv)
    photographs = read_index(args.data)
    rectified = inspect_model(args.rectified, INPUT_PX, RECTIFIED_CORNERS)
    training = start(args)
    with resumable(training, args.out):
        run(training, photographs, rectified, args)
    print(f"done: {args.out / 'checkpoint.pt'}; export it with python -m deploy.export_edges")
    return 0


if __name__ == "__main__":
    sys.exit(main())
