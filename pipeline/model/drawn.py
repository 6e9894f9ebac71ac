"""Drawn plates in training images: over the photographed plate, whose edge is never exact, or beside it."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from pipeline.frames import plate_width_px
from pipeline.inference.rectify import is_convex, transform_points
from pipeline.model.view import Augmentation, Image, Points, tilted_rectangle
from pipeline.synthetic.paste import mounted, paste_plate
from pipeline.synthetic.plates import PX_PER_M, draw_plate

PLATE_SIZES_M = ((0.52, 0.11), (0.44, 0.14), (0.40, 0.13), (0.33, 0.165), (0.305, 0.152), (0.35, 0.17),
                 (0.50, 0.12), (0.34, 0.24), (0.372, 0.134), (0.24, 0.15), (0.20, 0.16), (0.36, 0.11))  # fmt: skip
"""Sizes of plates that are drawn, across countries and vehicles."""

RIVAL_AREA = 0.75
"""A second plate in view may have at most this share of the target's area: the closest must be unmistakable."""

MOUNTED_BEYOND_M, LEAST_GAP_PX = 0.055, 4.0
"""How far a holder and its shadow reach beyond a plate, and how far a second plate with both stays away."""

HOLDER_SHARE = 0.6
"""Share of the drawn plates that have a holder or a shadow."""

PLAIN_HOLDER_SHARE = 0.5
"""Share of the holders that are dark or chrome; the others are light as a plate's own rim, or of any colour."""


class Drawn(NamedTuple):
    """An image (H, W, 3) with a drawn plate, and the plate's corners (4, 2)."""

    image: Image
    corners_px: Points


def draw_over(rng: np.random.Generator, view: Image, quad: Points, settings: Augmentation) -> Drawn | None:
    """The view with a drawn plate over the labelled one; None where that would reach over the view's border."""
    size_m = _random_size_m(rng, quad)
    target = _place_for_drawn_plate(rng, quad, size_m)
    if not is_visible(target, settings):
        return None
    return Drawn(_paste_drawn(rng, view, target, size_m), target)


def is_visible(quad: Points, settings: Augmentation) -> bool:
    """Whether all corners lie inside of the image, at least a pixel from its border, as those of a plate do."""
    size = np.array([settings.width_px, settings.height_px])
    return bool((quad > 1).all() and (quad < size - 2).all()) and is_convex(quad)


def _shape(quad: Points) -> float:
    """Width to height of a plate's image."""
    return plate_width_px(quad) / plate_width_px(np.roll(quad, 1, axis=0))


def _random_size_m(rng: np.random.Generator, quad: Points) -> tuple[float, float]:
    """Half of the time a size whose shape is close to the photographed plate's, else any."""
    if rng.random() < 0.5:
        return PLATE_SIZES_M[rng.integers(len(PLATE_SIZES_M))]
    shape = _shape(quad)
    misfit = [abs(np.log(w / h / shape)) + rng.exponential(0.15) for w, h in PLATE_SIZES_M]
    return PLATE_SIZES_M[int(np.argmin(misfit))]


def _place_for_drawn_plate(rng: np.random.Generator, quad: Points, size_m: tuple[float, float]) -> Points:
    """Corners of a plate of another size in the plane of the labelled one, just large enough to hide it.

    The labelled plate's own edge is not exact; it disappears under the drawn one.
    """
    margin = rng.uniform((1.04, 1.06), (1.12, 1.25))
    change = size_m[0] / size_m[1] / (_shape(quad) * margin[0] / margin[1])
    margin *= np.maximum((change, 1 / change), 1.0)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    plane = cv2.getPerspectiveTransform(square, quad.astype(np.float32))
    shift = rng.uniform(-0.4, 0.4, 2) * (margin - 1)
    return transform_points(np.asarray(plane, np.float64), (square - 0.5) * margin + 0.5 + shift)


def _paste_drawn(
    rng: np.random.Generator, image: Image, corners: Points, size_m: tuple[float, float]
) -> Image:
    """The image with a drawn plate on four corners, often in a holder or with a shadow."""
    plate = draw_plate(rng, *size_m)
    if rng.random() < HOLDER_SHARE:
        holder = None if rng.random() < PLAIN_HOLDER_SHARE else _uncommon_holder(rng)
        plate, corners = mounted(rng, plate, corners, PX_PER_M, holder)
    return paste_plate(rng, image, plate, corners)


def _uncommon_holder(rng: np.random.Generator) -> tuple[int, int, int]:
    """A colour, half of the time nearly white or grey: what is most easily taken for the plate's own edge."""
    if rng.random() < 0.5:
        blue, green, red = np.clip(rng.uniform(90, 252) + rng.normal(0, 6, 3), 0, 255)
    else:
        blue, green, red = rng.uniform(0, 255, 3)
    return int(blue), int(green), int(red)


def with_rival(rng: np.random.Generator, image: Image, target: Points) -> Image:
    """The image with a second, clearly smaller drawn plate beside the target, as of a vehicle behind."""
    size_m = PLATE_SIZES_M[rng.integers(len(PLATE_SIZES_M))]
    area = rng.uniform(0.15, 0.9 * RIVAL_AREA) * cv2.contourArea(target.astype(np.float32))
    half = np.sqrt(area * size_m[0] / size_m[1]) / 2 * np.array([1, size_m[1] / size_m[0]])
    tilt_deg = rng.normal(0, 5)
    rival = tilted_rectangle(rng.uniform((0, 0), image.shape[1::-1]), half, tilt_deg)
    beyond = MOUNTED_BEYOND_M * 2 * half[0] / size_m[0]
    apart = np.abs(rival.mean(axis=0) - (target.min(axis=0) + target.max(axis=0)) / 2)
    gap = apart - np.ptp(rival, axis=0) / 2 - np.ptp(target, axis=0) / 2 - beyond
    if gap.max() < LEAST_GAP_PX:
        return image
    return _paste_drawn(rng, image, rival, size_m)
