"""Measure a network on labelled photographs: `python -m pipeline.model.evaluate --data INDEX --split dev`.

Measures the shipped ONNX file through the runtime, or a checkpoint of a training run. A plate is found when
the mean error of its four corners is under a quarter of its width; errors are over the plates found, in pixels of the
photograph letterboxed to 640x480. Figures are given after each look: first, second, rectified and edge look.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from pipeline.config import SHIPPED_EDGES, SHIPPED_MODEL, SHIPPED_RECTIFIED, ModelConfig
from pipeline.errors import GateError, command
from pipeline.files import make_folder
from pipeline.inference.locator import Locator, PlateLocator
from pipeline.inference.looks import Look, open_edge_look, open_further_looks, open_rectified_look
from pipeline.inference.start_session import open_session
from pipeline.model.condition_set import condition_set
from pipeline.model.figures import (
    by_source,
    by_width,
    presence_roc,
    roc_auc,
    summary,
    table,
)
from pipeline.model.measure import Result, compare
from pipeline.model.photographs import Photograph, add_data_argument, is_exact, read_index, select
from pipeline.model.pictures import draw_figures, draw_worst_cases
from pipeline.model.render_set import render_set
from pipeline.model.torch_session import both_looks
from pipeline.model.training import load_network
from pipeline.option_types import count, probability

LOOKS = ("one look", "two looks", "rectified look", "edge look")


def load_looks(
    path: Path, rectified: Path = SHIPPED_RECTIFIED, edges: Path = SHIPPED_EDGES
) -> tuple[Locator, list[Look]]:
    """The first look and the further ones; the large network from ONNX (the runtime) or a checkpoint (torch)."""
    config = ModelConfig(path=path, rectified_path=rectified, edge_path=edges, provider="cpu")
    if path.suffix == ".onnx":
        return PlateLocator(open_session(config)), open_further_looks(config)
    first, second = both_looks(*load_network(path))
    return first, [second, open_rectified_look(config), open_edge_look(config)]


def measure_looks(
    looks: tuple[Locator, list[Look]], photographs: Iterable[Photograph]
) -> dict[str, list[Result]]:
    """The answers after each look to every photograph."""
    first, further = looks
    results: dict[str, list[Result]] = {name: [] for name in LOOKS}
    for photograph in photographs:
        image = photograph.read()
        answers = [first.locate([image])]
        for look in further:
            answers.append(look.refine([image], answers[-1]))
        for name, answer in zip(LOOKS, answers, strict=True):
            results[name].append(compare(photograph, answer[0]))
    return results


def report(results: dict[str, list[Result]], presence_threshold: float) -> str:
    """All figures as text."""
    parts = []
    for look, members in results.items():
        parts += [look, table(members, by_source(members)), table(members, by_width(members))]
        if len({result.plate is None for result in members}) == 2:
            parts.append(_presence_report(members, presence_threshold))
    return "\n\n".join(parts)


def _presence_report(results: list[Result], threshold: float) -> str:
    with_plate = [r.location.presence for r in results if r.plate is not None]
    without = [r.location.presence for r in results if r.plate is None]
    recall = sum(p >= threshold for p in with_plate) / len(with_plate)
    alarms = sum(p >= threshold for p in without)
    false_alarms, recalls, thresholds = presence_roc(results)
    best = max(
        (
            (reached, limit)
            for rate, reached, limit in zip(false_alarms, recalls, thresholds, strict=True)
            if rate * 150 <= 1
        ),
        default=(0.0, 1.0),  # the surest of all is a false alarm
    )
    return (
        f"presence: ROC AUC {roc_auc(results):.5f} ({len(with_plate)} with, {len(without)} without a plate)\n"
        f"at the threshold {threshold}: recall {100 * recall:.1f} %, {alarms} false alarms\n"
        f"at a false-alarm rate of 1 in 150: recall {100 * best[0]:.1f} % (threshold {best[1]:.3f})"
    )


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.model.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_argument(parser)
    parser.add_argument(
        "--split", default="dev", help="split of the index, or `validation` (the part of train held back)"
    )
    parser.add_argument(
        "--background", default="background-dev", metavar="SPLIT", help="plate-free split for presence"
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="leave out plates whose labels are rough or given a low weight in training",
    )
    parser.add_argument("--model", type=Path, default=SHIPPED_MODEL, help=".onnx file or checkpoint.pt")
    parser.add_argument(
        "--rectified", type=Path, default=SHIPPED_RECTIFIED, help=".onnx file of the rectified look"
    )
    parser.add_argument("--edges", type=Path, default=SHIPPED_EDGES, help=".onnx file of the edge look")
    made_of = parser.add_mutually_exclusive_group()
    made_of.add_argument(
        "--rendered",
        type=count,
        metavar="N",
        help="measure on N images with a drawn plate, exact to the pixel's hundredth, in the photographs of the split",
    )
    made_of.add_argument(
        "--conditions",
        type=count,
        metavar="N",
        help="measure on N photographs of the split under fourteen conditions each, such as night, glare and dirt",
    )
    parser.add_argument("--presence-threshold", type=probability, default=ModelConfig().presence_threshold)
    parser.add_argument(
        "--out", type=Path, default=Path("runs/evaluate"), help="where the pictures and results.json go"
    )
    return parser.parse_args(argv)


def chosen_photographs(args: argparse.Namespace) -> list[Photograph]:
    """The photographs that the options ask for, made where they are not taken as they are.

    Raises:
        GateError: the index has none with a plate.
    """
    photographs = read_index(args.data)
    chosen = select(photographs, args.split)
    if not any(photo.plates for photo in chosen):
        splits = ", ".join(sorted({photo.split for photo in photographs}))
        raise GateError(
            f"{args.data}: no photograph with a plate in split {args.split!r}; there are: {splits}, validation"
        )
    if args.exact:
        chosen = [photo for photo in chosen if is_exact(photo)]
        if not chosen:
            raise GateError(f"{args.data}: no corners of split {args.split!r} are exact; leave out --exact")
    if args.rendered is not None:
        return render_set(chosen, args.rendered, args.out / "rendered")
    if args.conditions is not None:
        return condition_set(chosen, args.conditions, args.out / "conditions")
    return chosen + select(photographs, args.background)


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_arguments(argv)
    make_folder(args.out)
    chosen = chosen_photographs(args)
    results = measure_looks(
        load_looks(args.model, args.rectified, args.edges), tqdm(chosen, unit="image", dynamic_ncols=True)
    )
    kind = ", drawn plates" if args.rendered else ", by condition" if args.conditions else ""
    print(f"{args.model}, split {args.split}{kind}\n\n{report(results, args.presence_threshold)}")
    draw_worst_cases(results[LOOKS[-1]], args.out / "worst.png")
    draw_figures(results[LOOKS[-1]], args.out / "figures.png")
    figures = {look: summary(members) for look, members in results.items()}
    (args.out / "results.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"\npictures: {args.out / 'worst.png'}, {args.out / 'figures.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
