"""The looks that number plates have around the world, each a function that draws one on a blank.

The registrations are random and the looks are only alike: what matters to a corner locator is the variety.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.synthetic.blank import Blank
from pipeline.synthetic.lettering import Lettering
from pipeline.synthetic.plate_parts import country_strip, lettering, maybe_border, number, pale_picture
from pipeline.synthetic.plate_words import (
    AMBER,
    BLACK,
    BLUE,
    CHINESE,
    DARK_ON_LIGHT,
    GREEN,
    GREY,
    KANA,
    LATIN,
    LIGHT_ON_DARK,
    MOTTOS,
    NAVY,
    RED,
    REGIONS,
    SILVER,
    SKY,
    WHITE,
    YELLOW,
    pick,
    registration,
)

Style = Callable[[np.random.Generator, Blank], None]


def european(rng: np.random.Generator, blank: Blank) -> None:
    """One row, a blue strip with stars and a country letter at the left (some at the right too), seals."""
    paper, ink = pick(rng, DARK_ON_LIGHT)
    blank.fill(paper)
    width, height = blank.width_mm, blank.height_mm
    strip = rng.uniform(0.36, 0.48) * min(height, 120)
    country_strip(rng, blank, 0, strip)
    right = width
    if rng.random() < 0.25:
        right -= strip
        country_strip(rng, blank, right, width)
    margin = rng.uniform(0.12, 0.22) * height
    left = strip + rng.uniform(6, 16)
    blank.write(number(rng), (left, margin, right - 10, height - margin), ink, lettering(rng))
    if rng.random() < 0.4:
        x = left + rng.uniform(0.2, 0.5) * (right - left)
        blank.disc((x, 0.33 * height), 0.13 * height, pick(rng, [AMBER, SKY, SILVER, RED]))
        blank.disc((x, 0.68 * height), 0.15 * height, pick(rng, [SILVER, GREEN, SKY]))
    maybe_border(rng, blank, ink, 0.7)


def plain(rng: np.random.Generator, blank: Blank) -> None:
    """Any colours, one row, perhaps small words above or below; the most common look outside Europe."""
    paper, ink = pick(rng, DARK_ON_LIGHT if rng.random() < 0.6 else LIGHT_ON_DARK)
    blank.fill(paper)
    width, height = blank.width_mm, blank.height_mm
    top, bottom = rng.uniform(0.10, 0.22, 2) * height
    style = lettering(rng)
    if rng.random() < 0.35:
        top = 0.26 * height
        blank.write(pick(rng, REGIONS), blank.part(0.1, 0.07, 0.9, 0.21), ink, Lettering())
    if rng.random() < 0.15:
        bottom = 0.22 * height
        blank.write(pick(rng, MOTTOS), blank.part(0.1, 0.83, 0.9, 0.93), ink, Lettering())
    side = rng.uniform(0.03, 0.1) * width
    blank.write(number(rng), (side, top, width - side, height - bottom), ink, style)
    maybe_border(rng, blank, ink, 0.55)


def american(rng: np.random.Generator, blank: Blank) -> None:
    """A printed picture or fading colours, region above, motto below, the number between."""
    upper, lower = (
        pick(rng, [WHITE, SKY, AMBER, SILVER, (210, 225, 245)]),
        pick(rng, [WHITE, WHITE, SKY, (170, 215, 180)]),
    )
    ramp = np.linspace(0, 1, blank.image.shape[0])[:, None, None]
    blank.image[:] = (np.array(upper) * (1 - ramp) + np.array(lower) * ramp).astype(np.uint8)
    if rng.random() < 0.5:
        pale_picture(rng, blank)
    ink = pick(rng, [NAVY, BLACK, RED, GREEN, BLUE])
    words = Lettering(pick(rng, ["sans", "italic"]), int(rng.integers(400, 900)), 0.15)
    blank.write(
        pick(rng, REGIONS),
        blank.part(0.2, 0.06, 0.8, 0.2),
        pick(rng, [RED, ink]),
        words,
    )
    blank.write(number(rng), blank.part(0.06, 0.28, 0.94, 0.78), ink, lettering(rng))
    blank.write(pick(rng, MOTTOS), blank.part(0.2, 0.84, 0.8, 0.94), ink, words)
    for x in (0.1, 0.82):
        if rng.random() < 0.4:
            blank.fill(
                pick(rng, [RED, AMBER, GREEN, SKY]),
                blank.part(x, 0.05, x + 0.08, 0.2),
            )
    maybe_border(rng, blank, ink, 0.3)


def arabic(rng: np.random.Generator, blank: Blank) -> None:
    """A coloured band with the country above; below digits and letters, divided by a line."""
    width, height = blank.width_mm, blank.height_mm
    blank.fill(WHITE)
    band = rng.uniform(0.22, 0.34) * height
    blank.fill(pick(rng, [SKY, BLUE, BLUE, (40, 120, 235), RED, GREY, GREEN, YELLOW]), (0, 0, width, band))
    ink = pick(rng, [BLACK, BLACK, NAVY])
    words = Lettering("sans", 600, 0.12)
    blank.write("EGYPT", (0.06 * width, 0.22 * band, 0.4 * width, 0.8 * band), ink, words)
    blank.write("مصر", (0.6 * width, 0.15 * band, 0.94 * width, 0.85 * band), ink, words)
    middle = rng.uniform(0.46, 0.56) * width
    top, bottom = band + 0.1 * height, 0.92 * height
    style = Lettering("sans", int(rng.integers(500, 800)), rng.uniform(0.12, 0.3))
    blank.write(
        registration(rng, "٩٩٩٩"[: rng.integers(3, 5)]), (0.04 * width, top, middle - 5, bottom), ink, style
    )
    letters = " ".join(registration(rng, "ععع"[: rng.integers(2, 4)]))
    blank.write(letters, (middle + 5, top, 0.96 * width, bottom), ink, style)
    blank.fill(ink, (middle - 1, band, middle + 1, height))
    maybe_border(rng, blank, ink, 0.8)


def gulf(rng: np.random.Generator, blank: Blank) -> None:
    """Arabic and Latin of the same number side by side or one above the other."""
    paper, ink = pick(rng, [(WHITE, BLACK), (WHITE, BLACK), (YELLOW, BLACK), (SKY, BLACK), (RED, WHITE)])
    blank.fill(paper)
    width, height = blank.width_mm, blank.height_mm
    arabic_row, latin_row = registration(rng, "٩٩٩٩٩ عع"), registration(rng, "99999 AA")
    style = Lettering("sans", int(rng.integers(450, 750)), 0.12)
    if width > 3.5 * height:
        blank.write(arabic_row, (12, 0.2 * height, 0.46 * width, 0.8 * height), ink, style)
        blank.write(latin_row, (0.54 * width, 0.2 * height, width - 12, 0.8 * height), ink, style)
        blank.disc((0.5 * width, 0.5 * height), 0.12 * height, pick(rng, [GREEN, GREY, BLUE]))
    else:
        blank.write(arabic_row, (12, 0.1 * height, 0.94 * width, 0.44 * height), ink, style)
        blank.write(latin_row, (12, 0.54 * height, 0.94 * width, 0.9 * height), ink, style)
        blank.fill(ink, (0, 0.495 * height, width, 0.51 * height))
    maybe_border(rng, blank, ink, 0.7)


def mercosur(rng: np.random.Generator, blank: Blank) -> None:
    """White with a blue band along the top that names the country."""
    width, height = blank.width_mm, blank.height_mm
    blank.fill(WHITE)
    band = rng.uniform(0.2, 0.26) * height
    blank.fill(pick(rng, [BLUE, NAVY]), (0, 0, width, band))
    country = pick(rng, ["BRASIL", "REPUBLICA ARGENTINA", "URUGUAY", "PARAGUAY"])
    blank.write(
        country, (0.2 * width, 0.25 * band, 0.8 * width, 0.8 * band), WHITE, Lettering("sans", 700, 0.12)
    )
    blank.fill(pick(rng, [GREEN, SKY, RED]), (0.89 * width, 0.2 * band, 0.96 * width, 0.8 * band))
    box = 0.06 * width, band + 0.08 * height, 0.94 * width, 0.93 * height
    ink = pick(rng, [BLACK, BLACK, BLACK, RED, BLUE])
    blank.write(registration(rng, pick(rng, ["AAA9A99", "AA 999 AA", "AAA 9999"])), box, ink, lettering(rng))
    maybe_border(rng, blank, BLACK, 0.4)


def chinese(rng: np.random.Generator, blank: Blank) -> None:
    """A province sign, a letter, a dot and five signs; blue, yellow, white, or green that fades to white."""
    width, height = blank.width_mm, blank.height_mm
    paper, ink = pick(rng, [(BLUE, WHITE)] * 3 + [(YELLOW, BLACK), (WHITE, BLACK), (BLACK, WHITE)])
    blank.fill(paper)
    if rng.random() < 0.25:
        ink = BLACK
        ramp = np.linspace(0, 1, blank.image.shape[0])[:, None, None]
        blank.image[:] = (np.array(WHITE) * (1 - ramp) + np.array((110, 200, 90)) * ramp).astype(np.uint8)
    style = Lettering(pick(rng, ["sans", "stroke", "uni"]), int(rng.integers(400, 650)), 0.16)
    box = 0.035 * width, 0.18 * height, 0.965 * width, 0.82 * height
    blank.write(f"{pick(rng, CHINESE)}{pick(rng, LATIN)}·" + registration(rng, "AA999"), box, ink, style)
    maybe_border(rng, blank, ink, 0.9)


def two_rows(rng: np.random.Generator, blank: Blank) -> None:
    """A tall plate with a short row above a longer one; any colours, some with a strip or kana."""
    paper, ink = pick(rng, DARK_ON_LIGHT if rng.random() < 0.65 else LIGHT_ON_DARK)
    blank.fill(paper)
    width, height = blank.width_mm, blank.height_mm
    left = 0.06 * width
    if rng.random() < 0.3:
        country_strip(rng, blank, 0, 0.11 * width, 0.5)
        left = 0.14 * width
    split = rng.uniform(0.36, 0.5)
    style = lettering(rng)
    upper = registration(rng, pick(rng, ["A", "AA", "99 A", "AAA", "AA 99", "9 99"]))
    lower = registration(rng, pick(rng, ["9999", "999 AA", "AA 999", "99-99", "A 9999"]))
    if rng.random() < 0.25:
        upper = f"{pick(rng, CHINESE)}{pick(rng, CHINESE)} " + registration(rng, "999")
        lower = f"{pick(rng, KANA)} " + registration(rng, "99-99")
    blank.write(upper, (left, 0.09 * height, 0.94 * width, (split - 0.04) * height), ink, style)
    blank.write(lower, blank.part(0.06, split + 0.04, 0.94, 0.91), ink, style)
    maybe_border(rng, blank, ink, 0.6)
