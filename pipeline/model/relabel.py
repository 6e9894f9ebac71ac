"""Corners for plates that are known by a box only: `python -m pipeline.model.relabel --data INDEX --out FOLDER`.

The rectified look starts from each box of the split `weak`, in the photograph and in its mirror image. Where both
answers agree and lie in the box they are taken as the plate's corners (label `pseudo`); every other plate keeps its
box. Writes FOLDER/index.jsonl with all photographs, and labels-01.png ... with every plate that got corners: look at
them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.config import SHIPPED_RECTIFIED, ModelConfig
from pipeline.errors import GateError, command
from pipeline.files import make_folder
from pipeline.frames import PlateLocation, plate_width_px
from pipeline.inference.looks import Look, open_rectified_look
from pipeline.model.labels.sheet import Image, tile, write_sheets
from pipeline.model.photographs import BOX, PSEUDO, Plate, add_data_argument, read_index, write_index
from pipeline.model.view import flip_corners

AGREEMENT = 0.015
"""The answers in the photograph and its mirror image are one if corners differ by less, mean over the plate's width."""
OVERLAP = 0.4
"""The answer's bounding box and the labelled one share more than this part of both together: boxes are loose."""


def corners_in_box(look: Look, image: Image, box_px: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Corners (4, 2) of the plate in a box (its own four corners); None where they are not sure."""
    mirrored = np.ascontiguousarray(image[:, ::-1])
    pictures, boxes_px = (image, mirrored), (box_px, flip_corners(box_px, image.shape[1]))
    starts = [PlateLocation(1.0, corners_px, np.tile(np.eye(2), (4, 1, 1))) for corners_px in boxes_px]
    answers = look.refine(pictures, starts)
    if any(answer.corners_px is start.corners_px for answer, start in zip(answers, starts, strict=True)):
        return None  # no plate was seen there
    one_px, other_px = answers[0].corners_px, flip_corners(answers[1].corners_px, image.shape[1])
    apart_px = float(np.linalg.norm(one_px - other_px, axis=1).mean())
    if apart_px > AGREEMENT * plate_width_px(one_px) or _overlap(one_px, box_px) < OVERLAP:
        return None
    return (one_px + other_px) / 2


def relabelled(look: Look, plates: Sequence[Plate], image: Image) -> tuple[Plate, ...]:
    """The plates of a photograph, with corners instead of boxes where they are sure."""
    found = []
    for plate in plates:
        corners_px = corners_in_box(look, image, plate.corners_px) if plate.label == BOX else None
        found.append(plate if corners_px is None else Plate(corners_px, PSEUDO))
    return tuple(found)


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Intersection over union of the bounding boxes of two sets of points."""
    low, high = np.maximum(one.min(axis=0), other.min(axis=0)), np.minimum(one.max(axis=0), other.max(axis=0))
    shared = float(np.prod(np.maximum(high - low, 0)))
    both = sum(float(np.prod(np.ptp(points, axis=0))) for points in (one, other))
    return shared / (both - shared)


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.model.relabel",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_argument(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the new index and the sheets")
    parser.add_argument(
        "--rectified", type=Path, default=SHIPPED_RECTIFIED, help=".onnx file of the rectified look"
    )
    args = parser.parse_args(argv)
    if (args.out / "index.jsonl").exists():
        raise GateError(f"{args.out / 'index.jsonl'}: exists; give another --out")
    photographs = read_index(args.data)
    boxes = sum(
        plate.label == BOX for photo in photographs if photo.split == "weak" for plate in photo.plates
    )
    if not boxes:
        raise GateError(f"{args.data}: no photograph of split `weak` has a plate with the label `box`")
    make_folder(args.out)
    look = open_rectified_look(ModelConfig(rectified_path=args.rectified, provider="cpu"))
    tiles = []
    for number, photo in enumerate(tqdm(photographs, unit="photograph", dynamic_ncols=True)):
        if photo.split == "weak":
            image = photo.read()
            photographs[number] = replace(photo, plates=relabelled(look, photo.plates, image))
            found = [plate for plate in photographs[number].plates if plate.label == PSEUDO]
            tiles += [tile(image, plate.corners_px, photo.path.name) for plate in found]
    written = [write_index(photographs, args.out), *write_sheets(tiles, args.out)]
    print(f"{len(tiles)} of {boxes} boxes have corners now\nwritten: {', '.join(map(str, written))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
