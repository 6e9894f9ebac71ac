"""Make a training set of pictures labelled with labelme, CVAT or COCO keypoints.

    python -m pipeline.model.import_labels LABELS --out DATASET [--images DIR] [--background DIR]

Reads labelme files (one .json a picture, polygons of four points), `CVAT for images 1.1` (.xml: polygons, points,
skeletons) and COCO (.json: four keypoints, or a polygon). Writes DATASET/index.jsonl with the corners in order and the
pictures dealt into train, validation and dev, and labels-01.png ... with every plate drawn: look at them. What cannot
be used is left out and told. docs/training.md is the whole way from pictures to a network at the gate.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pipeline.errors import GateError, command
from pipeline.files import as_text, make_folder, write_whole
from pipeline.model.labels.entries import Entry, background_entries, dealt
from pipeline.model.labels.find import PictureFolder
from pipeline.model.labels.gather import Refused, check_all, of_label, read_all
from pipeline.model.labels.once import Once
from pipeline.model.labels.shapes import LabelledPicture
from pipeline.model.labels.sheet import Image, tile, write_sheets
from pipeline.model.photographs import write_index

SHOWN_REFUSALS = 8
ORIGIN_PX = {"corner": -0.5, "centre": 0.0}
"""A tool's (0, 0) in coordinates whose integers are pixel centres: the picture's corner, or its first pixel."""


def import_labels(args: argparse.Namespace) -> str:
    """Write the sheets and, last, the index; returns the summary.

    Raises:
        GateError: there is nothing to import, or an index that must not be overwritten.
    """
    index = args.out / "index.jsonl"
    if index.exists() and not args.overwrite:
        raise GateError(f"{index}: exists; give another --out, or --overwrite to import anew")
    pictures, refused = read_all(args.source)
    chosen = of_label(pictures, args.label)
    folder = PictureFolder(args.images or (args.source if args.source.is_dir() else args.source.parent))
    once = Once()
    entries, tiles = _checked(args, chosen, folder, once, refused)
    if not entries:
        raise GateError(f"{args.source}: none of {len(pictures)} pictures can be used\n{_told(refused)}")
    entries = dealt(entries, args.group)
    plates = [picture for entry in entries for picture in tiles[entry.path]]
    if args.background is not None:
        labelled = folder.find_all(chosen)
        entries += background_entries(args.background, labelled, once, refused.append)
    make_folder(args.out)
    if args.copy:
        entries = [entry.copied(args.out / ("images" if entry.quads else "background")) for entry in entries]
    sheets = write_sheets(plates, args.out)
    told = args.out / "refused.txt"
    write_whole(told, "refusals", as_text("".join(f"{r.file}: {r.reason}\n" for r in refused)).encode())
    write_index([entry.photograph(args.out.resolve().name) for entry in entries], args.out)
    return _summary(entries, len(pictures) - len(chosen), refused, [index, told, *sheets])


def _checked(
    args: argparse.Namespace,
    pictures: Sequence[LabelledPicture],
    folder: PictureFolder,
    once: Once,
    refused: list[Refused],
) -> tuple[list[Entry], dict[Path, list[Image]]]:
    """The usable pictures, and the tiles of each one's plates."""
    entries, tiles = [], {}
    bar = tqdm(pictures, unit="picture", dynamic_ncols=True)
    for marked in check_all(bar, folder, ORIGIN_PX[args.origin], once, refused.append):
        name = marked.path.relative_to(folder.path)
        size_px = (marked.image.shape[1], marked.image.shape[0])
        entries.append(Entry(marked.path, name, size_px, marked.quads))
        tiles[marked.path] = [tile(marked.image, quad, str(name)) for quad in marked.quads]
    return entries, tiles


def _summary(
    entries: Sequence[Entry], unlabelled: int, refused: Sequence[Refused], files: Sequence[Path]
) -> str:
    widths = np.array([width for entry in entries for width in entry.widths_px])
    low, middle, high = np.percentile(widths, (0, 50, 100))
    lines = [
        f"{sum(bool(entry.quads) for entry in entries)} pictures with {len(widths)} plates, "
        f"{low:.0f} to {high:.0f} px wide at 640x480 (median {middle:.0f})"
    ]
    if unlabelled:
        lines.append(
            f"without a label: {unlabelled}, left out; pictures without a plate belong to --background"
        )
    if refused:
        lines.append(_told(refused))
    lines.append(f"\n{'split':22}{'pictures':>9}{'plates':>8}{'groups':>8}")
    for split in dict.fromkeys(entry.split for entry in entries):
        members = [entry for entry in entries if entry.split == split]
        plates, groups = sum(len(m.quads) for m in members), len({m.group for m in members})
        lines.append(f"{split:22}{len(members):9}{plates:8}{groups:8}")
    return "\n".join([*lines, "\nwritten: " + ", ".join(map(str, files))])


def _told(refused: Sequence[Refused]) -> str:
    lines = [f"refused: {len(refused)}", *(f"  {r.file}: {r.reason}" for r in refused[:SHOWN_REFUSALS])]
    if len(refused) > SHOWN_REFUSALS:
        lines.append(f"  ... and {len(refused) - SHOWN_REFUSALS} more")
    return "\n".join(lines)


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.model.import_labels",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=Path, metavar="LABELS", help="label file, or a folder of them")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DATASET", help="folder of the training set"
    )
    parser.add_argument("--images", type=Path, metavar="DIR", help="folder of the pictures (default: LABELS)")
    parser.add_argument("--background", type=Path, metavar="DIR", help="pictures without any plate")
    parser.add_argument("--label", help="class of the plates, where the files hold several classes")
    parser.add_argument(
        "--group",
        metavar="REGEX",
        help="part of the file name that pictures of one passage share, such as '^(\\d+)_'; they stay in one split "
        "(default: ten blocks of neighbouring files)",
    )
    parser.add_argument(
        "--origin",
        choices=ORIGIN_PX,
        default="corner",
        help="where the tool's (0, 0) is: the corner of the first pixel (labelme, CVAT and most tools) or its centre",
    )
    parser.add_argument("--copy", action="store_true", help="copy the pictures into DATASET")
    parser.add_argument("--overwrite", action="store_true", help="replace the index of an earlier import")
    return parser.parse_args(argv)


@command
def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    print(import_labels(parse_arguments(argv)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
