"""COCO: one JSON file for all pictures, with keypoints for corners or a polygon around the plate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pipeline.model.labels.shapes import LabelledPicture, Shape, size_px


class _Image(msgspec.Struct):
    id: int | str
    file_name: str
    width: float | None = None
    height: float | None = None


class _Category(msgspec.Struct):
    id: int | str
    name: str
    keypoints: list[str] = []


class _Annotation(msgspec.Struct):
    image_id: int | str
    category_id: int | str
    keypoints: list[float] | None = None
    segmentation: Any = None


class _File(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def read_coco(path: Path, content: object) -> Iterator[LabelledPicture]:
    """All pictures of a COCO file.

    Args:
        path: the label file.
        content: its decoded JSON.

    Raises:
        msgspec.ValidationError: a field is missing or of a wrong kind.
        ValueError: keypoints are no triples, or a reference leads nowhere.
    """
    file = msgspec.convert(content, _File)
    categories = {category.id: category for category in file.categories}
    shapes: dict[int | str, list[Shape]] = {image.id: [] for image in file.images}
    for annotation in file.annotations:
        if annotation.image_id not in shapes or annotation.category_id not in categories:
            raise ValueError("an annotation names an image or a category that the file does not have")
        shapes[annotation.image_id].append(_shape(annotation, categories[annotation.category_id]))
    for image in file.images:
        size = size_px(image.width, image.height)
        yield LabelledPicture(path, image.file_name, size, tuple(shapes[image.id]))


def _shape(annotation: _Annotation, category: _Category) -> Shape:
    """Keypoints that were set (visibility above 0), else the outline if it is one polygon."""
    numbers = annotation.keypoints or []
    if len(numbers) % 3:
        raise ValueError("the keypoints of an annotation are not triples of x, y and visibility")
    keypoints = np.array(numbers, np.float64).reshape(-1, 3)
    marked = keypoints[:, 2] > 0
    if marked.any():
        names = category.keypoints if len(category.keypoints) == len(keypoints) else []
        set_names = (name for name, is_set in zip(names, marked, strict=False) if is_set)
        return Shape(category.name, "keypoints", keypoints[marked, :2], tuple(set_names))
    match annotation.segmentation:
        case [[*outline]]:
            points = np.array(outline, np.float64).reshape(-1, 2)
            if len(points) > 1 and (points[0] == points[-1]).all():
                points = points[:-1]  # a ring that is closed by its first point
            return Shape(category.name, "polygon", points, drawn_around=True)
    return Shape(category.name, "box", None)
