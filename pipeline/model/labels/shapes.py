"""What a person marked in a picture, whatever tool was used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Shape:
    """One thing marked in a picture.

    Attributes:
        label: the class that the person gave it.
        kind: the tool's word for it (`polygon`, `points`, `keypoints`, `box`).
        points: (n, 2), x right and y down, in the picture's pixels from the tool's origin; None for other shapes.
        names: of the points where the tool names them, else empty.
        drawn_around: whether the points follow the outline.
    """

    label: str
    kind: str
    points: NDArray[np.float64] | None
    names: tuple[str, ...] = ()
    drawn_around: bool = False


@dataclass(frozen=True)
class LabelledPicture:
    """A picture as a label file names it, its (width, height) where the file tells, and what is marked in it.

    What is marked is not known where its part of the label file has a `fault`, which says what is wrong.
    """

    label_file: Path
    name: str
    size_px: tuple[int, int] | None
    shapes: tuple[Shape, ...]
    fault: str | None = None


def size_px(width: float | None, height: float | None) -> tuple[int, int] | None:
    """(width, height) where a label file tells both."""
    return (round(width), round(height)) if width and height else None
