"""Entries of a plate index, from pictures on disk to the lines of index.jsonl."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Self

import numpy as np

from pipeline.errors import GateError
from pipeline.files import natural_order, read_image
from pipeline.inference.letterbox import Letterbox
from pipeline.model.labels.deal import deal
from pipeline.model.labels.gather import Refused
from pipeline.model.labels.once import Once
from pipeline.model.labels.quads import Points
from pipeline.model.measure import SIZE_PX
from pipeline.model.photographs import Photograph, Plate

BACKGROUND = {"train": "background", "validation": "background-validation", "dev": "background-dev"}


@dataclass(frozen=True, eq=False)
class Entry:
    """A picture of the index.

    Attributes:
        path: where it is.
        name: its place in the folder it was found in; the order of names is the order in which it was taken.
        size_px: (width, height).
        quads: corners (4, 2) of its plates, TL, TR, BR, BL.
        group: what it must stay together with.
        split: what it is for.
    """

    path: Path
    name: PurePath
    size_px: tuple[int, int]
    quads: tuple[Points, ...] = ()
    group: str = ""
    split: str = ""

    @property
    def widths_px(self) -> list[float]:
        """Width of each plate at the network's input size."""
        box = Letterbox.fit(self.size_px, SIZE_PX)
        return [Plate(box.to_input_px(quad), "human").width_px for quad in self.quads]

    def copied(self, folder: Path) -> Self:
        """The same entry after its picture was copied into a folder."""
        target = folder / self.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.resolve() != self.path:
            shutil.copyfile(self.path, target)
        return replace(self, path=target.resolve())

    def photograph(self, source: str) -> Photograph:
        """What the index says of it; `source` is the set's name."""
        plates = tuple(Plate(np.round(quad, 3), "human") for quad in self.quads)
        return Photograph(self.path, *self.size_px, self.split, source, self.group, plates)


def dealt(entries: Sequence[Entry], group_of_name: str | None = None) -> list[Entry]:
    """The entries in natural order with their groups and splits; see `deal`."""
    ordered = sorted(entries, key=lambda entry: natural_order(str(entry.name)))
    shares = deal([entry.name for entry in ordered], group_of_name)
    return [replace(entry, group=g, split=s) for entry, (g, s) in zip(ordered, shares, strict=True)]


def background_entries(
    folder: Path, labelled: AbstractSet[Path], once: Once, refuse: Callable[[Refused], None]
) -> list[Entry]:
    """The plate-free pictures of a folder, in ten blocks of their own.

    Args:
        folder: everything in it that can be read as an image is taken.
        labelled: pictures that a label file marks with a plate, whether or not they can be used.
        once: the pictures that are taken already; these are added.
        refuse: told of every picture that is left out since it is taken already.

    Raises:
        GateError: there are too few, or one of them is labelled with a plate.
    """
    if not folder.is_dir():
        raise GateError(f"{folder}: no such folder of pictures")
    entries = dealt(list(_pictures(folder.resolve(), labelled, once, refuse)))
    return [
        replace(entry, group=f"background-{entry.group}", split=BACKGROUND[entry.split]) for entry in entries
    ]


def _pictures(
    folder: Path, labelled: AbstractSet[Path], once: Once, refuse: Callable[[Refused], None]
) -> Iterator[Entry]:
    for path in sorted(folder.rglob("*")):
        image = read_image(path) if path.is_file() else None  # a pipe would be waited for
        if image is None:
            continue
        if path.resolve() in labelled:
            raise GateError(f"{path}: is labelled with a plate and cannot be background too")
        try:
            once.take(path.resolve(), image)
        except GateError as error:
            refuse(Refused(str(path), str(error)))
            continue
        yield Entry(path.resolve(), path.relative_to(folder), (image.shape[1], image.shape[0]))
