"""Measure a network on labelled photographs: `python -m pipeline.model.evaluate --data INDEX --split dev`.

Measures the shipped ONNX file through the runtime, or a checkpoint of a training run. A plate is found when
the mean error of its four corners is under a quarter of its width; errors are over the plates found, in pixels of the
photograph letterboxed to 640x480.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tqdm import tqdm

from pipeline.config import SHIPPED_MODEL, ModelConfig
from pipeline.errors import GateError
from pipeline.inference.second_look import open_locator
from pipeline.model.dataset import read_index, select
from pipeline.model.figures import (
    by_source,
    by_width,
    presence_roc,
    roc_auc,
    summary,
    table,
)
from pipeline.model.measure import Locate, Result, measure
from pipeline.model.pictures import draw_figures, draw_worst_cases
from pipeline.model.render_set import render_set
from pipeline.model.torch_session import network_locator
from pipeline.model.training import load_network


def load_locator(path: Path, second_look: bool) -> Locate:
    """A locator from an ONNX file (through the runtime) or from a checkpoint (through torch)."""
    if path.suffix == ".onnx":
        locator, _ = open_locator(ModelConfig(path=path, provider="cpu", second_look=second_look))
        return lambda image: locator.locate([image])[0]
    return network_locator(*load_network(path), second_look=second_look)


def report(results: list[Result], presence_threshold: float) -> str:
    """All figures as text."""
    parts = [table(results, by_source(results)), table(results, by_width(results))]
    if any(result.plate is None for result in results):
        parts.append(_presence_report(results, presence_threshold))
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
        "--second-look",
        action=argparse.BooleanOptionalAction,
        default=ModelConfig().second_look,
        help="look again at a crop around the plate, as the program's own option does",
    )
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
        locate = load_locator(args.model, args.second_look)
        results = measure(locate, tqdm(chosen, unit="image", dynamic_ncols=True))
    except GateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    looks = "two looks" if args.second_look else "one look"
    kind = "" if args.rendered is None else ", drawn plates"
    print(f"{args.model}, {looks}, split {args.split}{kind}\n\n{report(results, args.presence_threshold)}")
    draw_worst_cases(results, args.out / "worst.png")
    draw_figures(results, args.out / "figures.png")
    (args.out / "results.json").write_text(json.dumps(summary(results), indent=2) + "\n", encoding="utf-8")
    print(f"\npictures: {args.out / 'worst.png'}, {args.out / 'figures.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
