"""COCO: one JSON file for all pictures, with keypoints for corners or a polygon around the plate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
    """What must be known to tell whose it is; the rest may be broken, which is that picture's fault alone."""

    image_id: int | str
    category_id: Any = None
    keypoints: Any = None
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
    """
    file = msgspec.convert(content, _File)
    categories = {category.id: category for category in file.categories}
    annotations: dict[int | str, list[_Annotation]] = defaultdict(list)
    for annotation in file.annotations:
        annotations[annotation.image_id].append(annotation)
    for image in file.images:
        yield _picture(path, image, annotations.pop(image.id, []), categories)
    for image_id in annotations:
        yield LabelledPicture(
            path, f"image {image_id}", None, (), "annotated, but not among the file's images"
        )


def _picture(
    path: Path,
    image: _Image,
    annotations: Sequence[_Annotation],
    categories: Mapping[int | str, _Category],
) -> LabelledPicture:
    size = size_px(image.width, image.height)
    try:
        shapes = tuple(_shape(annotation, categories) for annotation in annotations)
    except (ValueError, TypeError) as error:
        return LabelledPicture(path, image.file_name, size, (), f"an annotation of it is broken ({error})")
    return LabelledPicture(path, image.file_name, size, shapes)


def _shape(annotation: _Annotation, categories: Mapping[int | str, _Category]) -> Shape:
    """Keypoints that were set (visibility above 0), else the outline if it is one polygon."""
    category = categories.get(annotation.category_id)
    if category is None:
        raise ValueError(f"the file has no category {annotation.category_id}")
    numbers = msgspec.convert(annotation.keypoints or [], list[float])
    if len(numbers) % 3:
        raise ValueError("its keypoints are not triples of x, y and visibility")
    keypoints = np.array(numbers, np.float64).reshape(-1, 3)
    marked = keypoints[:, 2] > 0
    if marked.any():
        names = category.keypoints if len(category.keypoints) == len(keypoints) else []
        set_names = (name for name, is_set in zip(names, marked, strict=False) if is_set)
        return Shape(category.name, "keypoints", keypoints[marked, :2], tuple(set_names))
    match annotation.segmentation:
        case [[*outline]]:
            points = np.array(msgspec.convert(outline, list[float])).reshape(-1, 2)
            if len(points) > 1 and (points[0] == points[-1]).all():
                points = points[:-1]  # a ring that is closed by its first point
            return Shape(category.name, "polygon", points, drawn_around=True)
    return Shape(category.name, "box", None)
