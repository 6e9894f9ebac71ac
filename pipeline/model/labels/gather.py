"""From label files to checked entries of a plate index: what is kept, and what is refused with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import GateError
from pipeline.frames import plate_width_px
from pipeline.model.labels.files import label_files, read_label_file
from pipeline.model.labels.find import PictureFolder
from pipeline.model.labels.once import Once, read_picture
from pipeline.model.labels.quads import Points, plate_corners
from pipeline.model.labels.shapes import LabelledPicture, Shape

LEAST_WIDTH_PX = 8.0
"""A narrower plate is a stray click: no camera's corners can be told in it."""
SAME_PLATE = 0.5
"""Two marks of which this share of the smaller one overlaps are of one plate: no plate hides behind another's half."""


@dataclass(frozen=True, eq=False)
class Marked:
    """A picture on disk, its pixels (height, width, 3) uint8 BGR, and the corners (4, 2) of its plates in them."""

    path: Path
    image: NDArray[np.uint8]
    quads: tuple[Points, ...]


@dataclass(frozen=True)
class Refused:
    """A file that was left out, and why, with what to do."""

    file: str
    reason: str


def read_all(source: Path) -> tuple[list[LabelledPicture], list[Refused]]:
    """Every picture of every label file of `source`, and the files that are none.

    Raises:
        GateError: `source` does not exist or holds no label file at all.
    """
    if not source.exists():
        raise GateError(f"{source}: no such file or folder")
    pictures, refused = [], []
    for path in label_files(source):
        try:
            pictures += read_label_file(path)
        except GateError as error:
            refused.append(Refused(str(path), str(error)))
    return pictures, refused


def of_label(pictures: Iterable[LabelledPicture], label: str | None) -> list[LabelledPicture]:
    """The pictures with the shapes of one label, without those that have none of it; those with a fault stay.

    Raises:
        GateError: `label` is None although there are several, or nothing has it.
    """
    pictures = list(pictures)
    counts = Counter(shape.label for picture in pictures for shape in picture.shapes)
    if label is None and len(counts) > 1:
        several = ", ".join(f"{name} ({count})" for name, count in counts.most_common())
        raise GateError(f"the label files hold several labels; choose one with --label: {several}")
    if label is not None and label not in counts:
        raise GateError(f"nothing is labelled {label}; there are: {', '.join(counts) or 'no labels'}")
    chosen = [
        replace(picture, shapes=tuple(shape for shape in picture.shapes if label in (None, shape.label)))
        for picture in pictures
    ]
    return [picture for picture in chosen if picture.shapes or picture.fault]


def check_all(
    pictures: Iterable[LabelledPicture],
    folder: PictureFolder,
    origin_px: float,
    once: Once,
    refuse: Callable[[Refused], None],
) -> Iterator[Marked]:
    """The pictures that can be used, one after the other.

    A picture with one wrong shape is left out as a whole: training looks for the largest plate of a picture, and
    the wrong one may be it.

    Args:
        pictures: as the label files name them.
        folder: where they are.
        origin_px: where the label files' (0, 0) lies in pixel coordinates whose integers are pixel centres.
        once: the pictures that are taken already; these are added.
        refuse: told of every picture that is left out.
    """
    seen: dict[Path, Path] = {}
    for picture in pictures:
        try:
            if picture.fault:
                raise GateError(picture.fault)
            path = folder.find(picture)
            if path in seen:
                raise GateError(f"labelled twice, in {seen[path]} too; keep one of the two")
            marked = check(picture, path, origin_px)
            once.take(path, marked.image)
            seen[path] = picture.label_file
            yield marked
        except GateError as error:
            refuse(Refused(f"{picture.label_file}: {picture.name}", str(error)))


def check(picture: LabelledPicture, path: Path, origin_px: float) -> Marked:
    """A labelled picture with its pixels and its plates' corners in order.

    Raises:
        GateError: the picture cannot be read, has another size than the one that was labelled, or a shape is no plate
            or marks one that another shape marks too.
    """
    image = read_picture(path)
    size_px = (image.shape[1], image.shape[0])
    if picture.size_px not in (None, size_px):
        raise GateError(
            f"is {size_px[0]}x{size_px[1]}, but {picture.size_px[0]}x{picture.size_px[1]} was labelled; "
            "give the pictures that were labelled"
        )
    quads = tuple(_corners(shape, size_px, origin_px) for shape in picture.shapes)
    _require_apart(quads)
    return Marked(path, image, quads)


def _corners(shape: Shape, size_px: tuple[int, int], origin_px: float) -> Points:
    if shape.points is None:
        raise GateError(f"a {shape.kind} has no plate corners; mark the plate with a polygon of four points")
    corners = plate_corners(shape.points, shape.names, shape.drawn_around) + origin_px
    for x, y in corners:
        if not (-0.5 <= x <= size_px[0] - 0.5 and -0.5 <= y <= size_px[1] - 0.5):
            raise GateError(
                f"a corner at ({x:.1f}, {y:.1f}) lies outside of the {size_px[0]}x{size_px[1]} picture; move it, "
                "or leave the picture out if its plate is cut off"
            )
    width_px = plate_width_px(corners)
    if width_px < LEAST_WIDTH_PX:
        raise GateError(
            f"a plate of {width_px:.1f} px, narrower than {LEAST_WIDTH_PX:.0f} px; take the mark out if it is a stray "
            "one, or leave the picture out"
        )
    return corners


def _require_apart(quads: Sequence[Points]) -> None:
    """Training would take the second mark of a plate for another vehicle's, and never show the plate."""
    for one, other in combinations(np.asarray(quads, np.float32), 2):
        shared, _ = cv2.intersectConvexConvex(one, other)
        if shared > SAME_PLATE * min(cv2.contourArea(one), cv2.contourArea(other)):
            x, y = one.mean(axis=0)
            raise GateError(f"the plate at ({x:.0f}, {y:.0f}) is marked twice; keep one of the two marks")
