"""A car's face below the bonnet: bumper, grilles, lamps, badge. Metres in the vehicle frame, x right, z up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.synthetic.sketch import Panel, Sketch, disc, flipped, mirrored
from pipeline.synthetic.wear import smooth_noise

Colour = tuple[float, float, float]

DARK: Colour = (22, 21, 20)
CHROME: Colour = (196, 194, 190)

FASCIA = mirrored(
    [
        (0.0, 0.815),
        (0.5, 0.80),
        (0.76, 0.755),
        (0.87, 0.66),
        (0.895, 0.46),
        (0.88, 0.28),
        (0.8, 0.19),
        (0, 0.17),
    ]
)
GRILLE = mirrored([(0.0, 0.735), (0.36, 0.728), (0.41, 0.70), (0.33, 0.605), (0.0, 0.59)])
LOWER_GRILLE = mirrored([(0.0, 0.375), (0.5, 0.38), (0.53, 0.36), (0.45, 0.25), (0.0, 0.24)])
LAMP = [(0.43, 0.69), (0.58, 0.735), (0.78, 0.72), (0.875, 0.67), (0.85, 0.625), (0.66, 0.60), (0.46, 0.63)]
FOG_POCKET = [(0.60, 0.385), (0.82, 0.42), (0.83, 0.30), (0.62, 0.26)]


def fascia(rng: np.random.Generator, paint: NDArray[np.float32]) -> Panel:
    """Bumper, grilles, lamps, badge: everything below the bonnet's edge."""
    sheet = Sketch(-0.92, 0.92, 0.15, 0.83)
    x, z = sheet.grid_m()
    sheet.body(sheet.mask(FASCIA), paint)
    roundness = 1.0 - 0.5 * np.abs(x / 0.9) ** 4
    upward = 0.62 + 0.5 * np.clip((z - 0.2) / 0.6, 0, 1)
    sheet.shade((roundness * upward).astype(np.float32))
    _folds(sheet, paint)
    _grille(rng, sheet)
    _lower_openings(sheet)
    for outline in (np.array(LAMP), flipped(LAMP)):
        _lamp(sheet, outline)
    sheet.paint(
        sheet.mask(mirrored([(0, 0.23), (0.8, 0.225), (0.82, 0.2), (0.7, 0.15), (0, 0.15)])), (30, 29, 28)
    )
    grain = 1 + 0.008 * smooth_noise(rng, sheet.alpha.shape, 300)
    sheet.shade(grain.astype(np.float32))
    return sheet.upright(0.03)


def _folds(sheet: Sketch, paint: NDArray[np.float32]) -> None:
    """Light along the upper edges of the bumper, dark below them, and the gap under the bonnet."""
    light, dark = np.minimum(1.1 * paint + 70, 252), 0.45 * paint
    sheet.paint(
        sheet.mask(mirrored([(0, 0.585), (0.45, 0.592), (0.86, 0.60), (0.87, 0.575), (0, 0.56)]), 0.009),
        light,
        0.55,
    )
    sheet.paint(
        sheet.mask(mirrored([(0, 0.415), (0.5, 0.42), (0.87, 0.44), (0.87, 0.40), (0, 0.385)]), 0.012),
        dark,
        0.7,
    )
    sheet.paint(
        sheet.mask(mirrored([(0, 0.81), (0.5, 0.795), (0.75, 0.75), (0.74, 0.74), (0, 0.78)]), 0.006),
        light,
        0.5,
    )
    sheet.paint(
        sheet.mask(mirrored([(0, 0.755), (0.45, 0.747), (0.45, 0.741), (0, 0.748)]), 0.0015), DARK, 0.9
    )
    sheet.paint(sheet.ring(FASCIA, 0.02, 0.012), dark, 0.6)


def _grille(rng: np.random.Generator, sheet: Sketch) -> None:
    opening = sheet.mask(GRILLE)
    sheet.paint(opening, DARK)
    slats = int(rng.integers(3, 6))
    for level in np.linspace(0.612, 0.72, slats):
        bar = mirrored([(0, level + 0.006), (0.4, level + 0.006), (0.4, level - 0.004), (0, level - 0.004)])
        sheet.paint(sheet.mask(bar, 0.001) * opening, CHROME, 0.75)
        sheet.paint(sheet.mask(bar - (0, 0.008), 0.002) * opening, (4, 4, 4), 0.7)
    sheet.paint(sheet.ring(GRILLE, 0.014, 0.001), CHROME, 0.95)
    sheet.paint(sheet.ring(GRILLE + np.array([0, 0.003]), 0.004, 0.001), (244, 243, 241), 0.8)
    sheet.paint(sheet.mask(disc(0, 0.665, 0.058)), (70, 68, 66))
    sheet.paint(sheet.ring(disc(0, 0.665, 0.055), 0.012, 0.001), (228, 226, 222))
    sheet.paint(sheet.mask([(-0.03, 0.645), (0.0, 0.705), (0.03, 0.645), (0.0, 0.66)], 0, 1), (226, 224, 220))


def _lower_openings(sheet: Sketch) -> None:
    opening = sheet.mask(LOWER_GRILLE)
    sheet.paint(opening, DARK)
    x, z = sheet.grid_m()
    mesh = (np.sin(2 * np.pi * z / 0.032) > 0.55) | (np.sin(2 * np.pi * x / 0.11) > 0.97)
    sheet.paint(opening * mesh, (58, 57, 56), 0.8)
    sheet.paint(sheet.ring(LOWER_GRILLE, 0.008, 0.002), (52, 51, 50), 0.8)
    for pocket, side in ((np.array(FOG_POCKET), 1), (flipped(FOG_POCKET), -1)):
        sheet.paint(sheet.mask(pocket), (28, 27, 26))
        sheet.paint(sheet.mask(disc(side * 0.72, 0.338, 0.043)), (150, 148, 144))
        sheet.paint(sheet.mask(disc(side * 0.72, 0.332, 0.032), 0.006), (216, 214, 210))
        sheet.paint(sheet.ring(disc(side * 0.72, 0.338, 0.046), 0.008), (90, 88, 86))


def _lamp(sheet: Sketch, outline: NDArray[np.float64]) -> None:
    side = np.sign(outline[0, 0])
    glass = sheet.mask(outline)
    sheet.paint(glass, (62, 60, 58))
    for at_x, at_z, radius in ((0.54, 0.668, 0.047), (0.67, 0.668, 0.05)):
        sheet.paint(sheet.mask(disc(side * at_x, at_z, radius), 0.003) * glass, (172, 170, 168))
        sheet.paint(sheet.mask(disc(side * at_x, at_z + 0.004, 0.7 * radius), 0.008) * glass, (70, 66, 62))
        core = sheet.mask(disc(side * at_x, at_z, 0.45 * radius), 0.008) * glass
        sheet.paint(core, (226, 224, 222))
    amber = np.array([(0.79, 0.71), (0.87, 0.67), (0.84, 0.635), (0.76, 0.64)]) * (side, 1)
    sheet.paint(sheet.mask(amber, 0.004) * glass, (60, 130, 215), 0.75)
    strip = np.array([(0.47, 0.642), (0.66, 0.615), (0.8, 0.63), (0.8, 0.64), (0.66, 0.626), (0.47, 0.652)])
    sheet.paint(sheet.mask(strip * (side, 1), 0.002) * glass, (250, 248, 246), 0.9)
    shine = np.array([(0.5, 0.72), (0.6, 0.735), (0.8, 0.72), (0.7, 0.70)]) * (side, 1)
    sheet.paint(sheet.mask(shine, 0.008) * glass, (250, 246, 240), 0.55)
    sheet.paint(sheet.ring(outline, 0.006, 0.001), (30, 29, 28), 0.9)
