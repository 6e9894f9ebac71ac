"""What the looks of number plates have in common: registrations, lettering, strips, printed pictures, borders."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.synthetic.blank import Blank, Colour
from pipeline.synthetic.lettering import Lettering
from pipeline.synthetic.plate_words import (
    AMBER,
    BLUE,
    NAVY,
    PATTERNS,
    SILVER,
    SKY,
    WHITE,
    YELLOW,
    pick,
    registration,
)
from pipeline.synthetic.wear import smooth_noise


def number(rng: np.random.Generator) -> str:
    """A registration in any of the usual patterns."""
    return registration(rng, pick(rng, PATTERNS))


def lettering(rng: np.random.Generator) -> Lettering:
    """Any typeface, weight and spacing."""
    face = pick(rng, ["sans", "sans", "stroke", "stroke", "uni"])
    return Lettering(face, int(rng.integers(420, 800)), rng.uniform(0.06, 0.2))


def country_strip(
    rng: np.random.Generator, blank: Blank, left_mm: float, right_mm: float, down_to: float = 1.0
) -> None:
    """A blue strip with a ring of stars (or a flag) above a country letter."""
    height, width = blank.height_mm * down_to, right_mm - left_mm
    blank.fill(pick(rng, [BLUE, BLUE, NAVY]), (left_mm, 0, right_mm, height))
    centre, radius = (left_mm + width / 2, 0.32 * height), 0.33 * width
    for angle in np.arange(12) * np.pi / 6:
        star = centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)
        blank.disc(star, 0.06 * width, YELLOW)
    box = left_mm + 0.15 * width, 0.62 * height, right_mm - 0.15 * width, 0.86 * height
    blank.write(registration(rng, pick(rng, ["A", "A", "AA", "AAA"])), box, WHITE, Lettering("sans", 700))


def pale_picture(rng: np.random.Generator, blank: Blank) -> None:
    """Hills or clouds in pale colours, as printed behind the number."""
    rows, columns = blank.relief.shape
    blobs = smooth_noise(rng, (rows, columns), int(rng.integers(3, 7)))
    cover = cv2.merge([np.clip(0.4 * blobs, 0, 0.5)] * 3)
    paint = np.array(pick(rng, [SKY, AMBER, (150, 200, 150), (190, 160, 210), SILVER]), np.float32)
    blank.image[:] = (blank.image * (1 - cover) + paint * cover).astype(np.uint8)


def maybe_border(rng: np.random.Generator, blank: Blank, colour: Colour, chance: float) -> None:
    """A line around the plate, now and then."""
    if rng.random() < chance:
        inset, line = rng.uniform(0.5, 7), rng.uniform(1.5, 4.5)
        blank.border(colour, inset, line, max(2.0, 10 - inset))
