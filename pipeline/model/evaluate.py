"""Measure a network on labelled photographs: `python -m pipeline.model.evaluate --data INDEX --split dev`.

Measures the shipped ONNX file through the runtime, or a checkpoint of a training run. A plate is found when
the mean error of its four corners is under a quarter of its width; errors are over the plates found, in pixels of the
photograph letterboxed to 640x480. Figures are given with one look and with two (`second_look`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from pipeline.config import SHIPPED_MODEL, ModelConfig
from pipeline.errors import GateError
from pipeline.inference.locator import Locator, PlateLocator
from pipeline.inference.second_look import CROP_PX, SecondLook
from pipeline.inference.session import open_session
from pipeline.model.dataset import Photograph, read_index, select
from pipeline.model.figures import (
    by_source,
    by_width,
    presence_roc,
    roc_auc,
    summary,
    table,
)
from pipeline.model.measure import Result, compare
from pipeline.model.pictures import draw_figures, draw_worst_cases
from pipeline.model.render_set import render_set
from pipeline.model.torch_session import both_looks
from pipeline.model.training import load_network


def load_looks(path: Path) -> tuple[Locator, SecondLook]:
    """Locators with one look and with two, from an ONNX file (through the runtime) or a checkpoint (through torch)."""
    if path.suffix != ".onnx":
        return both_looks(*load_network(path))
    config = ModelConfig(path=path, provider="cpu")
    first = PlateLocator(open_session(config))
    return first, SecondLook(first, open_session(config, input_size_px=CROP_PX))


def measure_looks(
    looks: tuple[Locator, SecondLook], photographs: Iterable[Photograph]
) -> dict[str, list[Result]]:
    """The answers of the first look and of both together to every photograph."""
    one, two = [], []
    for photograph in photographs:
        image = photograph.read()
        first = looks[0].locate([image])
        one.append(compare(photograph, first[0]))
        two.append(compare(photograph, looks[1].refine([image], first)[0]))
    return {"one look": one, "two looks": two}


def report(results: dict[str, list[Result]], presence_threshold: float) -> str:
    """All figures as text."""
    parts = []
    for look, members in results.items():
        parts += [look, table(members, by_source(members)), table(members, by_width(members))]
        if any(result.plate is None for result in members):
            parts.append(_presence_report(members, presence_threshold))
    return "\n\n".join(parts)


def _presence_report(results: list[Result], threshold: float) -> str:
    with_plate = [r.location.presence for r in results if r.plate is not None]
    without = [r.location.presence for r in results if r.plate is None]
    recall = sum(p >= threshold for p in with_plate) / len(with_plate)
    alarms = sum(p >= threshold for p in without)
    false_alarms, recalls, thresholds = presence_roc(results)
    best = max(
        (recall, limit)
        for rate, recall, limit in zip(false_alarms, recalls, thresholds, strict=True)
        if rate * 150 <= 1
    )
    return (
        f"presence: ROC AUC {roc_auc(results):.5f} ({len(with_plate)} with, {len(without)} without a plate)\n"
        f"at the threshold {threshold}: recall {100 * recall:.1f} %, {alarms} false alarms\n"
        f"at a false-alarm rate of 1 in 150: recall {100 * best[0]:.1f} % (threshold {best[1]:.3f})"
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.model.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with an index.jsonl, or the file itself"
    )
    parser.add_argument(
        "--split", default="dev", help="split of the index, or `validation` (the part of train held back)"
    )
    parser.add_argument(
        "--background", default="background-dev", metavar="SPLIT", help="plate-free split for presence"
    )
    parser.add_argument("--model", type=Path, default=SHIPPED_MODEL, help=".onnx file or checkpoint.pt")
    parser.add_argument(
        "--rendered",
        type=int,
        metavar="N",
        help="measure on N images with a drawn plate, exact to the pixel's hundredth, in the photographs of the split",
    )
    parser.add_argument("--presence-threshold", type=float, default=ModelConfig().presence_threshold)
    parser.add_argument(
        "--out", type=Path, default=Path("runs/evaluate"), help="where the pictures and results.json go"
    )
    args = parser.parse_args(argv)
    try:
        photographs = read_index(args.data)
        chosen = select(photographs, args.split)
        if not chosen:
            splits = ", ".join(sorted({photo.split for photo in photographs}))
            raise GateError(
                f"{args.data}: no photograph of split {args.split!r}; there are: {splits}, validation"
            )
        if args.rendered is None:
            chosen = chosen + select(photographs, args.background)
        else:
            chosen = render_set(chosen, args.rendered, args.out / "rendered")
        results = measure_looks(load_looks(args.model), tqdm(chosen, unit="image", dynamic_ncols=True))
    except GateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    kind = "" if args.rendered is None else ", drawn plates"
    print(f"{args.model}, split {args.split}{kind}\n\n{report(results, args.presence_threshold)}")
    draw_worst_cases(results["two looks"], args.out / "worst.png")
    draw_figures(results["two looks"], args.out / "figures.png")
    figures = {look: summary(members) for look, members in results.items()}
    (args.out / "results.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"\npictures: {args.out / 'worst.png'}, {args.out / 'figures.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
