"""What the image of a plate can look like: four corners that cannot be those of one plate, and what can be mended."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import CORNER_SIGNS, plate_width_px
from pipeline.inference.rectify import is_convex

ASTRAY_SHARE = 1.0
"""A corner this many widths of the plate from where the other three put it is that of another thing."""
SHAPES = (0.5, 8.0)
"""Least and largest ratio of width to height; of 1,230 labelled plates it is 0.54 to 5.9."""
OPPOSITE_SIDES = 2.0
"""The largest ratio of two opposite sides; of those plates one in 500 has more than 1.5."""
LEAST_FULL = 0.5
"""The least area over the product of the sides, which is the sine of the angle between them; there 0.6 and more."""


def is_plate_shaped(corners_px: NDArray[np.float64]) -> bool:
    """Whether corners (4, 2) can be those of one plate, seen from the front at any angle."""
    if not is_convex(corners_px):
        return False
    top, right, bottom, left = np.linalg.norm(np.roll(corners_px, -1, axis=0) - corners_px, axis=1)
    width_px, height_px = (top + bottom) / 2, (left + right) / 2
    uneven = max(top / bottom, bottom / top, left / right, right / left)
    full = cv2.contourArea(corners_px.astype(np.float32)) / (width_px * height_px)
    return bool(
        SHAPES[0] < width_px / height_px < SHAPES[1] and uneven < OPPOSITE_SIDES and full > LEAST_FULL
    )


def without_stray_corner(corners_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners (4, 2) of a first look with one that went astray put where the other three say it is.

    A plate is nearly a parallelogram in the image: each corner is the sum of its neighbours less the opposite one.
    Of the four parallelograms that leave one corner out, the one without the stray corner is the smallest that
    can be read: neither seen from behind nor turned by over 45 degrees.
    """
    completions = np.tile(corners_px, (4, 1, 1))
    for stray in range(4):
        before, opposite, after = corners_px[[stray - 1, stray - 2, stray - 3]]
        completions[stray, stray] = before + after - opposite
    perimeters_px = np.linalg.norm(completions - np.roll(completions, 1, axis=1), axis=2).sum(axis=1)
    along, down = completions[:, 1] - completions[:, 0], completions[:, 3] - completions[:, 0]
    legible = (along[:, 0] > np.abs(along[:, 1])) & (along[:, 0] * down[:, 1] > along[:, 1] * down[:, 0])
    if not legible.any():
        return corners_px
    stray = int(np.argmin(np.where(legible, perimeters_px, np.inf)))
    astray_px = float(np.linalg.norm(completions[stray, stray] - corners_px[stray]))
    return completions[stray] if astray_px > ASTRAY_SHARE * plate_width_px(completions[stray]) else corners_px


def plates_at(corners_px: NDArray[np.float64], width_px: float) -> NDArray[np.float64]:
    """Four upright plates (4, 4, 2) of that width, each with one of the given corners (4, 2) as that corner."""
    half_px = width_px / 2 * np.array([1.0, 0.25])
    return corners_px[:, None] + (CORNER_SIGNS - CORNER_SIGNS[:, None]) * half_px
