"""Train the network: `python -m pipeline.model.train --data INDEX [--imagenet FILE] [--out DIR]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import command
from pipeline.model.calibration import calibrate
from pipeline.model.calibration_set import calibration_results
from pipeline.model.curve import log_entry
from pipeline.model.dataset import TrainingSamples
from pipeline.model.figures import summary
from pipeline.model.loop import (
    Batch,
    add_run_arguments,
    advance,
    begin_in,
    loaded,
    refuse_changes,
    resumable,
)
from pipeline.model.measure import measure
from pipeline.model.photographs import Photograph, is_exact, read_index, select
from pipeline.model.recipe import DEFAULT_RECIPE, Recipe, load_recipe
from pipeline.model.torch_session import both_looks
from pipeline.model.training import Training
from pipeline.model.view import Augmentation
from pipeline.option_types import count


def batches(photographs: list[Photograph], recipe: Recipe, step: int, workers: int) -> Iterator[Batch]:
    """The batches of the rest of the run, from `step` on."""
    first = 0
    for number, phase in enumerate(recipe.phase):
        augmentation = Augmentation(
            phase.width_px, phase.height_px, phase.plate_width_px, drawn_share=phase.drawn_share
        )
        samples = TrainingSamples(photographs, augmentation, phase.steps * phase.batch, recipe.seed + number)
        rest = range(max(0, step - first) * phase.batch, len(samples))
        first += phase.steps
        yield from loaded(samples, phase.batch, rest, workers)


def run(training: Training, photographs: list[Photograph], args: argparse.Namespace) -> None:
    """Train to the end of the recipe with a validation every few minutes, and calibrate the covariances."""
    validation = select(photographs, "validation")
    rest = batches(photographs, training.recipe, training.step, args.workers)
    for progress in advance(training, rest, args.out, args.checkpoint_minutes):
        if training.step % args.validate_every == 0 and validation:
            first_look, _ = both_looks(training.average, bfloat16=training.bfloat16)
            figures = summary(measure(first_look, validation[: args.validation_images]))
            log_entry(args.out, {"step": training.step, "validation": figures})
            progress.write(f"step {training.step}: " + ", ".join(f"{k} {v:.2f}" for k, v in figures.items()))
    if not any(is_exact(photo) for photo in validation):
        print(
            "no exact validation labels: the covariances of the corners are not calibrated", file=sys.stderr
        )
    if validation:
        training.calibration = calibrate(calibration_results(training.average, photographs))


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.model.train", description=__doc__)
    add_run_arguments(parser, Path("runs/train"))
    parser.add_argument(
        "--recipe", type=Path, help=f"TOML file with the recipe (default: {DEFAULT_RECIPE.name})"
    )
    parser.add_argument(
        "--imagenet", type=Path, help="ImageNet weights with torchvision's names (default: torchvision's)"
    )
    parser.add_argument(
        "--resnet-v1",
        action="store_true",
        help="the weights are of a ResNet v1: stride on the first 1x1 (Keras)",
    )
    parser.add_argument(
        "--start", type=Path, metavar="MODEL.ONNX", help="fine-tune an exported network instead"
    )
    parser.add_argument(
        "--validate-every",
        type=count,
        default=500,
        metavar="STEPS",
        help="steps between looks at validation photographs (default: %(default)s)",
    )
    parser.add_argument(
        "--validation-images",
        type=count,
        default=60,
        metavar="N",
        help="how many of them a look takes (default: %(default)s)",
    )
    return parser.parse_args(argv)


def start(args: argparse.Namespace) -> Training:
    """The run that the options ask for: resumed, from an exported network, or from ImageNet."""
    if args.resume:
        return resumed(args)
    recipe = load_recipe(args.recipe or DEFAULT_RECIPE)
    begin_in(args.out)
    if args.start is not None:
        return Training.start_from_exported(recipe, args.start)
    training = Training(recipe, stride_on_first_conv=args.resnet_v1)
    missing = training.start_from_imagenet(args.imagenet)
    if missing:
        print(f"{len(missing)} backbone tensors are not in the weights and start fresh", file=sys.stderr)
    return training


def resumed(args: argparse.Namespace) -> Training:
    """The run of the checkpoint; options of the command that began it may be given again.

    Raises:
        GateError: not a checkpoint, or an option is not the one that it was begun with.
    """
    training = Training.load(args.out / "checkpoint.pt")
    from_exported = not training.learn_statistics
    changes = {
        "--recipe": args.recipe is not None and load_recipe(args.recipe) != training.recipe,
        "--start": args.start is not None and not from_exported,
        "--imagenet": args.imagenet is not None and args.start is None and from_exported,
        "--resnet-v1": args.resnet_v1 and not training.network.stride_on_first_conv,
    }
    refuse_changes(args.out, changes)
    return training


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_arguments(argv)
    photographs = read_index(args.data)
    training = start(args)
    with resumable(training, args.out):
        run(training, photographs, args)
    print(f"done: {args.out / 'checkpoint.pt'}; export it with python -m deploy.export --checkpoint ...")
    return 0


if __name__ == "__main__":
    sys.exit(main())
