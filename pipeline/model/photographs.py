"""Photographs with plate corners: the index file that lists them, its splits, and how well labels are known."""

from __future__ import annotations

import argparse
import json
import os
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import GateError
from pipeline.files import read_image, write_whole
from pipeline.frames import plate_width_px
from pipeline.inference.letterbox import Letterbox
from pipeline.inference.rectify import is_convex

VALIDATION_SHARE = 0.1
"""Share of the photographs of `train` that is held back where the index names no validation; never part of `dev`."""

HELD_BACK = {"validation": "train", "background-validation": "background", "weak-validation": "weak"}
"""Splits that may be held back from another one."""

SPLITS = (*HELD_BACK.values(), *HELD_BACK, "dev", "background-dev", "rendered", "conditions")
"""All that there are; the last two are those of sets that `evaluate` makes."""

BOX, PSEUDO = "box", "pseudo"
"""Labels of plates that are known by a box only, and of those whose corners a network found in one."""

LABEL_WEIGHT = {
    "human": 1.0, "verified": 1.0, "drawn": 1.0, "spot": 0.4, PSEUDO: 0.4, "loose": 0.05, BOX: 0.0
}  # fmt: skip
"""How often a photograph is drawn with its own plate, by how well its corners are known."""

EXACT_WEIGHT = 0.4
"""Photographs that training draws less often than this have labels too rough to measure errors against."""

SOURCE_WEIGHT = {"claudiojung/iwpod-net": 0.1, "TJ-CVRSG/tiny_alpr": 0.1}
"""Sources whose corners follow the inner border of the plate, 2 to 4 px inside of the edge that counts here."""


@dataclass(frozen=True)
class Plate:
    """One labelled plate: corners TL, TR, BR, BL in pixels of its file, (4, 2), and how they were made."""

    corners_px: NDArray[np.float64]
    label: str

    @property
    def width_px(self) -> float:
        """Mean length of the upper and the lower edge."""
        return plate_width_px(self.corners_px)

    @property
    def area_px2(self) -> float:
        """Area of the quadrilateral."""
        return float(cv2.contourArea(self.corners_px.astype(np.float32)))


@dataclass(frozen=True)
class Photograph:
    """One line of the index."""

    path: Path
    width_px: int
    height_px: int
    split: str
    source: str
    group: str
    plates: tuple[Plate, ...]

    def read(self) -> NDArray[np.uint8]:
        """The image, (height, width, 3) uint8 BGR."""
        image = read_image(self.path)
        if image is None:
            raise GateError(f"{self.path}: cannot be read as an image")
        if image.shape[:2] != (self.height_px, self.width_px):
            raise GateError(
                f"{self.path}: is {image.shape[1]}x{image.shape[0]}, but its corners in the index are for "
                f"{self.width_px}x{self.height_px}"
            )
        return image

    def letterboxed(self, size_px: tuple[int, int]) -> tuple[NDArray[np.uint8], Letterbox]:
        """The image in an input of (width, height), and how it sits there."""
        box = Letterbox.fit((self.width_px, self.height_px), size_px)
        image = np.empty((size_px[1], size_px[0], 3), np.uint8)
        box.draw(self.read(), image)
        return image, box

    @property
    def closest(self) -> Plate | None:
        """The largest plate, which is the one the network has to find."""
        return max(self.plates, key=lambda plate: plate.area_px2, default=None)


def add_data_argument(parser: argparse.ArgumentParser) -> None:
    """The option that names an index."""
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with an index.jsonl, or the file itself"
    )


def read_index(index: Path) -> list[Photograph]:
    """Read an `index.jsonl` (or the folder that holds one).

    Raises:
        GateError: it cannot be read, a line is no entry of an index, or photographs are missing.
    """
    index = index / "index.jsonl" if index.is_dir() else index
    if not index.is_file():
        raise GateError(f"{index}: no such index; give a folder with an index.jsonl, or the file itself")
    photographs = []
    try:
        lines = index.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise GateError(f"{index}: not a text file in UTF-8") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            photographs.append(_photograph(json.loads(line), index.parent))
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise GateError(f"{index} line {number}: not an entry of a plate index ({error!r})") from error
    missing = [photo.path for photo in photographs if not photo.path.is_file()]
    if missing:
        raise GateError(
            f"{index}: {len(missing)} of {len(photographs)} photographs are missing, the first is {missing[0]}; "
            "put them there or take their lines out"
        )
    return photographs


def write_index(photographs: Sequence[Photograph], folder: Path) -> Path:
    """Write the `index.jsonl` of a folder; the photographs stay where they are."""
    index = folder / "index.jsonl"
    lines = [f"{json.dumps(_entry(photo, folder))}\n" for photo in photographs]
    write_whole(index, "index", "".join(lines).encode())
    return index


def _entry(photo: Photograph, folder: Path) -> dict:
    plates = [{"corners": plate.corners_px.tolist(), "label": plate.label} for plate in photo.plates]
    return {
        "file": Path(os.path.relpath(photo.path.resolve(), folder.resolve())).as_posix(),
        "width": photo.width_px,
        "height": photo.height_px,
        "split": photo.split,
        "source": photo.source,
        "group": photo.group,
        "plates": plates,
    }


def _photograph(entry: dict, folder: Path) -> Photograph:
    plates = []
    for plate in entry["plates"]:
        corners = np.asarray(plate["corners"], dtype=np.float64)
        if corners.shape != (4, 2) or not np.isfinite(corners).all():
            raise ValueError("corners must be four pairs of numbers")
        if not is_convex(corners):
            raise ValueError("corners must run clockwise around the plate, from its top left")
        plates.append(Plate(corners, _known(plate, "label", LABEL_WEIGHT, "human")))
    return Photograph(
        path=folder / entry["file"],
        width_px=_side_px(entry["width"]),
        height_px=_side_px(entry["height"]),
        split=_known(entry, "split", SPLITS, "train"),
        source=str(entry.get("source", "unknown")),
        group=str(entry["file"] if entry.get("group") is None else entry["group"]),
        plates=tuple(plates),
    )


def _known(entry: dict, key: str, known: Collection[str], default: str) -> str:
    value = entry.get(key, default)
    if value not in known:
        raise ValueError(f"there is no {key} {value!r}; use one of {', '.join(known)}")
    return str(value)


def _side_px(value: object) -> int:
    if type(value) is not int or value < 1:  # a truth value is an int too
        raise ValueError("width and height must be whole numbers of pixels, 1 or more")
    return value


def select(photographs: Sequence[Photograph], split: str) -> list[Photograph]:
    """The photographs of one split.

    `validation`, `background-validation` and `weak-validation` steer training and are not trained on: the photographs
    that the index puts there or, where it names none, a tenth of `train`, of `background` and of `weak`.
    """
    whole, held_back = HELD_BACK.get(split, split), split in HELD_BACK
    named = [photo for photo in photographs if photo.split == split]
    parted = whole in HELD_BACK.values() and not any(HELD_BACK.get(p.split) == whole for p in photographs)
    if not parted:
        return named
    return [photo for photo in photographs if photo.split == whole and _held_back(photo) == held_back]


def _held_back(photo: Photograph) -> bool:
    return zlib.crc32(photo.group.encode()) % 1000 < 1000 * VALIDATION_SHARE


def weight_of(photo: Photograph) -> float:
    """How often the photograph's own plate is trained on, relative to one with exact corners."""
    assert photo.closest is not None
    return LABEL_WEIGHT[photo.closest.label] * SOURCE_WEIGHT.get(photo.source, 1.0)


def is_exact(photo: Photograph) -> bool:
    """Whether the corners of its closest plate are labelled well enough to measure errors against."""
    return photo.closest is not None and weight_of(photo) >= EXACT_WEIGHT


def quads_of(photo: Photograph) -> NDArray[np.float64]:
    """(n, 4, 2) corners of all plates, the largest first."""
    ordered = sorted(photo.plates, key=lambda plate: -plate.area_px2)
    return np.array([plate.corners_px for plate in ordered]).reshape(-1, 4, 2)
