"""Pictures are taken into a set when they are whole, and once: a copy would be on both sides of the split."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import GateError
from pipeline.files import read_image


def read_picture(path: Path) -> NDArray[np.uint8]:
    """(height, width, 3) BGR.

    Raises:
        GateError: it is no image, or one of which a part is missing.
    """
    image = read_image(path)
    if image is None:
        raise GateError("cannot be read as an image; where other programs show it, its end is missing")
    return image


class Once:
    """The pictures of a set, known by their pixels, whatever their names and formats are."""

    def __init__(self) -> None:
        self._taken: dict[bytes, Path] = {}

    def take(self, path: Path, image: NDArray[np.uint8]) -> None:
        """Take another one.

        Raises:
            GateError: a picture with the same pixels was taken.
        """
        pixels = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).digest()
        same = self._taken.setdefault(pixels, path)
        if same != path:
            raise GateError(f"the same picture as {same}; keep one of the two")
