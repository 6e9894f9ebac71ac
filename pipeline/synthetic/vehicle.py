"""The front of a car as flat textured panels at their true depths, painted with the light of an overcast day.

Vehicle frame in metres: x to the right as the camera sees it, y backwards from the plane of the number plate,
z up from the road.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.synthetic.sketch import Panel, Sketch, disc, flipped, mirrored
from pipeline.synthetic.wear import smooth_noise

Colour = tuple[float, float, float]

PLATE_CENTRE_Z_M = 0.475
PAINTS: list[Colour] = [
    (172, 170, 166),
    (60, 58, 56),
    (40, 36, 150),
    (128, 70, 30),
    (212, 212, 210),
    (96, 94, 90),
    (70, 84, 50),
]
LAMPS_M = np.array([(-0.6, 0.03, 0.668), (0.6, 0.03, 0.668)])
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


def car_front(rng: np.random.Generator) -> list[Panel]:
    """The panels of one car, from the farthest to the nearest; the number plate itself is not among them."""
    paint = np.array(PAINTS[int(rng.integers(len(PAINTS)))], np.float32) * rng.uniform(0.85, 1.1)
    return [
        _ground_shadow(),
        _underside(),
        *_wings(paint),
        _roof(paint),
        _windscreen(rng, paint),
        *_mirrors(paint),
        _bonnet(rng, paint),
        _fascia(rng, paint),
    ]


def _ground_shadow() -> Panel:
    sheet = Sketch(-1.5, 1.5, -0.7, 4.5, 80)
    sheet.alpha = 0.85 * sheet.mask(mirrored([(0, 4.3), (0.95, 4.3), (0.95, 0.05), (0, 0.05)]), 0.12)
    x0, x1, near, far = sheet.box_m
    corners = np.array([(x0, far, 0), (x1, far, 0), (x1, near, 0), (x0, near, 0)])
    return Panel(sheet.texture(), corners)


def _underside() -> Panel:
    """What is dark below the bumper: floor, and the two front tyres."""
    sheet = Sketch(-0.95, 0.95, 0.0, 0.6, 300)
    sheet.body(sheet.mask(mirrored([(0, 0.5), (0.85, 0.5), (0.85, 0.15), (0, 0.15)])), (14, 14, 14))
    for side in (-1, 1):
        tyre = sheet.mask(np.array([(0.63, 0.5), (0.86, 0.5), (0.86, 0.005), (0.63, 0.005)]) * (side, 1))
        sheet.body(tyre, (34, 33, 33))
        sheet.paint(
            sheet.mask(np.array([(0.7, 0.4), (0.79, 0.4), (0.79, 0.02), (0.7, 0.02)]) * (side, 1), 0.02),
            (58, 57, 56),
        )
    return sheet.upright(0.7)


def _wings(paint: NDArray[np.float32]) -> list[Panel]:
    """The body beside and behind the bonnet, as slices one behind the other."""
    panels = []
    for y, top in ((1.1, 1.0), (0.8, 0.95), (0.55, 0.90), (0.32, 0.86), (0.16, 0.83)):
        sheet = Sketch(-0.95, 0.95, 0.25, 1.05, 300)
        nose = 0.06 * max(0.0, 0.5 - y)
        half = [
            (0, top),
            (0.72 - nose, top - 0.015),
            (0.84 - nose, top - 0.09),
            (0.905 - nose, 0.6),
            (0.9, 0.25),
            (0, 0.25),
        ]
        sheet.body(sheet.mask(mirrored(half), 0.003), 0.72 * paint)
        _, z = sheet.grid_m()
        sheet.shade(0.7 + 0.6 * np.clip((z - top + 0.3) / 0.3, 0, 1))
        panels.append(sheet.upright(y))
    return panels


def _roof(paint: NDArray[np.float32]) -> Panel:
    sheet = Sketch(-0.75, 0.75, 0.0, 0.3, 300)
    sheet.body(
        sheet.mask(mirrored([(0, 0.29), (0.5, 0.27), (0.62, 0.12), (0.64, 0.0), (0, 0.0)])), 0.8 * paint + 38
    )
    return sheet.panel(1.72, 2.6, 1.385, 1.475)


def _windscreen(rng: np.random.Generator, paint: NDArray[np.float32]) -> Panel:
    """Frame, glass, what is behind the glass, and the sky in it."""
    sheet = Sketch(-0.85, 0.85, 0.0, 1.0, 420)  # z runs along the glass
    _, z = sheet.grid_m()
    frame = mirrored([(0, 0.99), (0.55, 0.975), (0.66, 0.93), (0.83, 0.0), (0, 0.0)])
    sheet.body(sheet.mask(frame), 0.75 * paint)
    sheet.paint(sheet.ring(frame, 0.03, 0.012), 1.15 * paint + 25, 0.7)
    glass = sheet.mask(mirrored([(0, 0.94), (0.54, 0.925), (0.60, 0.89), (0.755, 0.04), (0, 0.02)]))
    sheet.paint(glass, (26, 25, 22))
    for x in (-0.37, 0.37):
        sheet.paint(sheet.mask(disc(x, 0.52, 0.15, 0.2), 0.015) * glass, (46, 44, 42), 0.9)
        sheet.paint(sheet.mask(disc(x, 0.78, 0.085, 0.09), 0.01) * glass, (52, 50, 47), 0.9)
    driver = disc(0.36, 0.72, 0.075, 0.12)
    sheet.paint(sheet.mask(driver, 0.01) * glass, (78, 92, 118), 0.6)
    sheet.paint(sheet.ring(disc(0.36, 0.33, 0.17, 0.19), 0.022, 0.004) * glass, (12, 12, 12), 0.9)
    sheet.paint(sheet.mask(mirrored([(0, 0.9), (0.12, 0.89), (0.12, 0.83), (0, 0.82)])) * glass, (14, 14, 14))
    sky = np.clip(0.25 + 0.55 * z, 0, 1) * (
        0.6 + 0.4 * np.clip(smooth_noise(rng, sheet.alpha.shape, 5), -1, 1)
    )
    sheet.paint(glass * sky.astype(np.float32), (214, 203, 190), 0.52)
    streak = sheet.mask([(-0.6, 0.0), (-0.35, 0.0), (0.1, 1.0), (-0.2, 1.0)], 0.03) * glass
    sheet.paint(streak, (235, 230, 225), 0.16)
    sheet.paint(sheet.mask(mirrored([(0, 0.07), (0.76, 0.08), (0.78, 0.0), (0, 0.0)]), 0.006), (18, 18, 18))
    for x, reach in ((-0.62, 0.62), (0.02, 0.6)):
        arm = [(x, 0.05), (x + reach, 0.105), (x + reach, 0.118), (x, 0.065)]
        sheet.paint(sheet.mask(arm, 0.002, 0), (10, 10, 10))
    sheet.paint(
        sheet.mask([(0.46, 0.86), (0.53, 0.86), (0.53, 0.79), (0.46, 0.79)], 0, 1) * glass, (90, 170, 120)
    )
    return sheet.panel(1.02, 1.74, 0.955, 1.40)


def _mirrors(paint: NDArray[np.float32]) -> list[Panel]:
    panels = []
    for side in (-1.0, 1.0):
        low, high = sorted((side * 0.74, side * 1.06))
        sheet = Sketch(low, high, 0.9, 1.12, 420)
        shape = np.array([(0.8, 1.06), (0.97, 1.085), (1.03, 1.05), (1.02, 0.965), (0.86, 0.94)]) * (side, 1)
        sheet.body(sheet.mask(shape), 0.72 * paint)
        sheet.body(
            sheet.mask(np.array([(0.75, 0.96), (0.88, 0.985), (0.88, 0.95), (0.75, 0.93)]) * (side, 1)), DARK
        )
        upper = np.array([(0.82, 1.05), (0.97, 1.075), (1.01, 1.05), (0.9, 1.03)]) * (side, 1)
        sheet.paint(sheet.mask(upper, 0.012), np.minimum(1.1 * paint + 55, 250), 0.8)
        panels.append(sheet.upright(1.25))
    return panels


def _bonnet(rng: np.random.Generator, paint: NDArray[np.float32]) -> Panel:
    """Seen at a low angle, so that it mirrors the sky and the trees (Fresnel), the more the farther back."""
    sheet = Sketch(-0.92, 0.92, 0.0, 1.0, 420)
    x, z = sheet.grid_m()
    outline = mirrored([(0, 0.99), (0.74, 0.985), (0.79, 0.9), (0.80, 0.3), (0.70, 0.0), (0, 0.0)])
    sheet.body(sheet.mask(outline), paint)
    side = np.clip(1.04 - 0.5 * np.abs(x) ** 3, 0, 2) * (0.82 + 0.25 * z)
    sheet.shade(side.astype(np.float32))
    mirror = 0.20 + 0.30 * z**2 + 0.0 * x
    blobs = np.clip(0.5 + 0.6 * smooth_noise(rng, sheet.alpha.shape, 6), 0, 1)
    sheet.paint(sheet.alpha * (mirror * blobs).astype(np.float32), (225, 214, 202))
    sheet.paint(sheet.alpha * (mirror * (1 - blobs)).astype(np.float32), (62, 78, 70), 0.8)
    for side_of in (-1, 1):
        crease = np.array([(0.47, 0.99), (0.485, 0.99), (0.40, 0.0), (0.385, 0.0)]) * (side_of, 1)
        sheet.paint(sheet.mask(crease, 0.006), np.minimum(1.2 * paint + 60, 250), 0.6)
        sheet.paint(sheet.mask(crease + np.array([0.035 * side_of, 0]), 0.012), 0.55 * paint, 0.5)
        gap = np.array([(0.70, 0.97), (0.707, 0.97), (0.715, 0.1), (0.708, 0.1)]) * (side_of, 1)
        sheet.paint(sheet.mask(gap, 0.001), DARK, 0.85)
    return sheet.panel(0.05, 1.04, 0.785, 0.965)


def _fascia(rng: np.random.Generator, paint: NDArray[np.float32]) -> Panel:
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
