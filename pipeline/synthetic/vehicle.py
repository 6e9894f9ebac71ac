"""The front of a car as flat textured panels at their true depths, painted with the light of an overcast day.

Vehicle frame in metres: x to the right as the camera sees it, y backwards from the plane of the number plate,
z up from the road.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.synthetic.fascia import DARK, Colour, fascia
from pipeline.synthetic.sketch import Panel, Sketch, disc, mirrored
from pipeline.synthetic.wear import smooth_noise

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
        fascia(rng, paint),
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
