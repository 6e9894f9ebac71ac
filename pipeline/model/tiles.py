"""One picture of many, each with its title."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def tiled(tiles: Sequence[Image], columns: int, fill: int) -> Image:
    """Tiles (height, width, 3) in rows of so many; the rest of the last row is of one grey level, 0 to 255."""
    whole = [*tiles, *[np.full_like(tiles[0], fill)] * (-len(tiles) % columns)]
    rows = [np.hstack(whole[first : first + columns]) for first in range(0, len(whole), columns)]
    return np.vstack(rows)


def put_title(tile: Image, title: str) -> None:
    """Write into the upper left corner; OpenCV's font has ASCII alone, and crashes on names that are no UTF-8."""
    text = title.encode("ascii", errors="replace").decode()
    cv2.putText(tile, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1, cv2.LINE_AA)
