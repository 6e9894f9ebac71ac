"""labelme: one JSON file for each picture. Only `polygon` shapes have corners."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from pipeline.model.labels.shapes import LabelledPicture, Shape, size_px


class _Shape(msgspec.Struct):
    label: str
    points: list[tuple[float, float]]
    shape_type: str = "polygon"


class _File(msgspec.Struct, rename="camel"):
    image_path: str
    shapes: list[_Shape]
    image_width: int | None = None
    image_height: int | None = None


def read_labelme(path: Path, content: object) -> Iterator[LabelledPicture]:
    """The one picture of a labelme file.

    Args:
        path: the label file.
        content: its decoded JSON.

    Raises:
        msgspec.ValidationError: a field is missing or of a wrong kind.
    """
    file = msgspec.convert(content, _File)
    shapes = []
    for shape in file.shapes:
        usable = shape.shape_type == "polygon"
        points = np.array(shape.points).reshape(-1, 2) if usable else None
        shapes.append(Shape(shape.label, shape.shape_type, points, drawn_around=True))
    size = size_px(file.image_width, file.image_height)
    yield LabelledPicture(path, file.image_path, size, tuple(shapes))
