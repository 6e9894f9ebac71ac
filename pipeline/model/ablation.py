"""Ablation: one recipe with heatmaps of stride 32, 16 and 8, each decoded whole (plain DSNT) and in a window.

    python -m pipeline.model.ablation --data INDEX [--imagenet FILE --resnet-v1] [--out DIR]

Trains the three networks from the same ImageNet weights on the same samples, measures both ways of decoding on
`dev` and `validation`, counts and times what they cost, prints tables and draws plots. With --resume, training
goes on where it was interrupted, and networks that are trained are only measured.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from pipeline.errors import GateError, command
from pipeline.frames import PlateLocation
from pipeline.model.ablation_report import Row, draw_ablation, table
from pipeline.model.dataset import to_tensor
from pipeline.model.dsnt import cells_to_px, dsnt, normalized_to_cells, spatial_softmax, windowed_dsnt
from pipeline.model.loop import add_run_arguments, advance, begin_in, refuse_changes, resumable
from pipeline.model.measure import SIZE_PX, Result, compare
from pipeline.model.network import DilatedResNet50DSNT
from pipeline.model.photographs import Photograph, read_index, select
from pipeline.model.recipe import Recipe, load_recipe
from pipeline.model.train import batches
from pipeline.model.training import Training, load_network
from pipeline.option_types import count

ABLATION_RECIPE = Path(__file__).parent / "ablation.toml"
STRIDES_PX = (32, 16, 8)
SPLITS = ("dev", "validation")
ROUNDS = 7
"""Times that every combination is timed, in turn, so that other work on the machine slows all of them alike."""


def plain_dsnt(logits: Tensor) -> Tensor:
    """Expectation over the whole heatmap, (B, K, h, w) -> (B, K, 2) in cells."""
    size_cells = (logits.shape[-1], logits.shape[-2])
    return normalized_to_cells(dsnt(spatial_softmax(logits)), size_cells)


DECODERS: dict[str, Callable[[Tensor], Tensor]] = {
    "plain": plain_dsnt,
    "windowed": lambda logits: windowed_dsnt(logits)[0],
}


def train(stride_px: int, recipe: Recipe, photographs: list[Photograph], args: argparse.Namespace) -> None:
    """Train the network of one stride to the end of the recipe; leaves its checkpoint in OUT/stride-N."""
    out = args.out / f"stride-{stride_px}"
    checkpoint = out / "checkpoint.pt"
    if args.resume and checkpoint.exists():
        training = Training.load(checkpoint)
        refuse_changes(out, {"--recipe or --steps": recipe != training.recipe})
    else:
        begin_in(out)
        training = Training(recipe, args.resnet_v1, stride_px=stride_px)
        training.start_from_imagenet(args.imagenet)
    if training.step == training.steps:
        return
    rest = batches(photographs, training.recipe, training.step, args.workers)
    with resumable(training, out):
        for progress in advance(training, rest, out, args.checkpoint_minutes):
            progress.set_description(f"stride {stride_px}")


def measure_decoders(network: DilatedResNet50DSNT, photographs: list[Photograph]) -> dict[str, list[Result]]:
    """The answers of every decoder to the same heatmaps; covariances play no part here and are 1."""
    results: dict[str, list[Result]] = {name: [] for name in DECODERS}
    for photograph in tqdm(photographs, desc=f"measuring stride {network.stride_px}", unit="image"):
        image, box = photograph.letterboxed(SIZE_PX)
        logits, presence = network(to_tensor(image)[None].contiguous(memory_format=torch.channels_last))
        for name, decode in DECODERS.items():
            corners_px = cells_to_px(decode(logits), network.stride_px)[0].double().numpy()
            unit = np.tile(np.eye(2), (4, 1, 1))
            location = PlateLocation(presence.sigmoid().item(), box.to_image_px(corners_px), unit)
            results[name].append(compare(photograph, location))
    return results


def gflop(stride_px: int, stride_on_first_conv: bool) -> float:
    """Billions of floating-point operations for one image of 640x480; a multiplication and an addition are two.

    Counted without computing anything: the network has shapes but no values (torch's meta device).
    """
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        DilatedResNet50DSNT(stride_on_first_conv, stride_px).eval()(torch.empty(1, 3, *SIZE_PX[::-1]))
    return counter.get_total_flops() / 1e9


def time_ms(networks: list[DilatedResNet50DSNT]) -> dict[tuple[int, str], float]:
    """Median milliseconds of network and decoding for one image, by stride and decoder; all take turns."""
    image = torch.zeros(1, 3, *SIZE_PX[::-1]).contiguous(memory_format=torch.channels_last)
    times: dict[tuple[int, str], list[float]] = {}
    for _ in tqdm(range(ROUNDS), desc="timing", unit="round"):
        for network in networks:
            for name, decode in DECODERS.items():
                started_s = time.perf_counter()
                decode(network(image)[0])
                times.setdefault((network.stride_px, name), []).append(time.perf_counter() - started_s)
    return {key: 1000 * statistics.median(values) for key, values in times.items()}


def parse_arguments(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.model.ablation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_arguments(parser, Path("runs/ablation"))
    parser.add_argument("--recipe", type=Path, default=ABLATION_RECIPE, help="TOML file; sides divide by 32")
    parser.add_argument("--steps", type=count, metavar="N", help="at most N steps a phase, for a quick trial")
    parser.add_argument("--imagenet", type=Path, help="ImageNet weights (default: torchvision's)")
    parser.add_argument("--resnet-v1", action="store_true", help="they are of a ResNet v1 (Keras)")
    parser.add_argument(
        "--splits", nargs="+", choices=SPLITS, default=SPLITS, help="what to measure on (default: both)"
    )
    return parser.parse_args(argv)


def run(args: argparse.Namespace) -> list[Row]:
    """Train what is not trained yet, and measure everything."""
    recipe = load_recipe(args.recipe)
    if any(side % max(STRIDES_PX) for phase in recipe.phase for side in (phase.width_px, phase.height_px)):
        raise GateError(f"{args.recipe}: width_px and height_px must divide by {max(STRIDES_PX)}")
    if args.steps is not None:
        short = [msgspec.structs.replace(p, steps=min(p.steps, args.steps)) for p in recipe.phase]
        recipe = msgspec.structs.replace(recipe, phase=tuple(short))
    photographs = read_index(args.data)
    splits = {split: chosen for split in args.splits if (chosen := select(photographs, split))}
    if not splits:
        raise GateError(f"{args.data}: no photograph to measure on, of split dev or held back from train")
    for stride_px in STRIDES_PX:
        train(stride_px, recipe, photographs, args)
    networks = [load_network(args.out / f"stride-{stride_px}/checkpoint.pt")[0] for stride_px in STRIDES_PX]
    answers = [
        {split: measure_decoders(network, chosen) for split, chosen in splits.items()} for network in networks
    ]
    ms = time_ms(networks)
    return [
        Row(
            network.stride_px,
            decoder,
            {split: answer[split][decoder] for split in splits},
            gflop(network.stride_px, network.stride_on_first_conv),
            ms[network.stride_px, decoder],
        )
        for network, answer in zip(networks, answers, strict=True)
        for decoder in DECODERS
    ]


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_arguments(argv)
    rows = run(args)
    for split in rows[0].results:
        picture = args.out / f"ablation-{split}.png"
        draw_ablation(rows, split, picture)
        print(f"{split} ({picture})\n\n{table(rows, split)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
