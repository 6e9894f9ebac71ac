"""One picture of many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def tiled(tiles: Sequence[Image], columns: int, fill: int) -> Image:
    """Tiles (height, width, 3) in rows of so many; the rest of the last row is of one grey level, 0 to 255."""
    whole = [*tiles, *[np.full_like(tiles[0], fill)] * (-len(tiles) % columns)]
    rows = [np.hstack(whole[first : first + columns]) for first in range(0, len(whole), columns)]
    return np.vstack(rows)
