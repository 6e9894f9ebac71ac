"""Random number plates as textures whose image border is exactly the plate's outer edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.synthetic.blank import Blank
from pipeline.synthetic.plate_styles import (
    Style,
    american,
    arabic,
    chinese,
    european,
    gulf,
    mercosur,
    plain,
    two_rows,
)
from pipeline.synthetic.plate_words import GREY, pick
from pipeline.synthetic.wear import emboss, weather

PX_PER_M = 1600.0


def draw_plate(
    rng: np.random.Generator, width_m: float, height_m: float, px_per_m: float = PX_PER_M
) -> NDArray[np.uint8]:
    """Draw a random plausible number plate.

    Args:
        rng: source of everything that varies: style, registration, colours, wear, light.
        width_m: width over the outer edges in metres.
        height_m: height over the outer edges in metres.
        px_per_m: resolution of the texture.

    Returns:
        (H, W, 4) uint8 BGRA, H = height_m * px_per_m rounded. The plate's outer edge runs along the image's
        border (-0.5 to W - 0.5 with pixel centres at integers); alpha rounds the corners by 6 to 11 mm.
    """
    blank = Blank(width_m, height_m, px_per_m)
    _suited(rng, width_m / height_m)(rng, blank)
    if rng.random() < 0.4:
        _bolts(rng, blank)
    image = emboss(blank.image, blank.relief, rng.uniform(0.0, 0.35))
    image = weather(rng, image)
    whole = (0.0, 0.0, blank.width_mm, blank.height_mm)
    alpha = blank.rounded(whole, rng.uniform(6, 11))
    return np.dstack([image, alpha])


def _suited(rng: np.random.Generator, width_to_height: float) -> Style:
    """A style that exists in about this shape."""
    if width_to_height > 2.6:
        return pick(rng, [european] * 4 + [plain] * 4 + [chinese, chinese, mercosur, gulf])
    if width_to_height > 1.6:
        return pick(rng, [american] * 3 + [arabic] * 3 + [two_rows] * 3 + [plain, gulf, mercosur])
    return two_rows


def _bolts(rng: np.random.Generator, blank: Blank) -> None:
    """Two or four screws, bare, capped or rusty, with a shadow below each."""
    x = rng.uniform(0.04, 0.25) * blank.width_mm
    y = rng.uniform(0.09, 0.5) * blank.height_mm
    radius = rng.uniform(3, 6)
    colour = pick(rng, [GREY, (60, 60, 60), (200, 200, 200), (40, 70, 110), (235, 235, 235)])
    rows = [y] if rng.random() < 0.6 else [y, blank.height_mm - y]
    for row in rows:
        for column in (x, blank.width_mm - x):
            blank.disc((column + 0.8, row + 1.2), radius, (70, 70, 70))
            blank.disc((column, row), radius, colour)
