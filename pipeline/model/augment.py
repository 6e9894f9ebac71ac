"""Corner-aware augmentation: one photograph in, one training image with exact corners out.

Geometry (`view`) is one homography from the photograph to the training image, so that pixels are interpolated once
and corners follow exactly. What changes only pixel values is in `photometric`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from pipeline.model.photometric import degrade
from pipeline.model.view import Augmentation, Image, Points, flip_corners, random_view, transform_points, warp
from pipeline.synthetic.paste import mounted, paste_plate
from pipeline.synthetic.plates import PX_PER_M, draw_plate

PLATE_SIZES_M = ((0.52, 0.11), (0.44, 0.14), (0.40, 0.13), (0.33, 0.165), (0.305, 0.152), (0.35, 0.17),
                 (0.50, 0.12), (0.34, 0.24), (0.372, 0.134), (0.24, 0.15), (0.20, 0.16), (0.36, 0.11))  # fmt: skip
"""Sizes of plates that are drawn, across countries and vehicles."""

RIVAL_AREA = 0.75
"""A second plate in view may have at most this share of the target's area: the closest must be unmistakable."""


HOLDER_SHARE = 0.5
RIVAL_SHARE = 0.1
CORNER_SIGNS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])


@dataclass(frozen=True, eq=False)
class Sample:
    """A training image (H, W, 3) uint8 BGR and the corners (4, 2) of its closest plate, None if there is no plate."""

    image: Image
    corners_px: Points | None


def make_positive(
    rng: np.random.Generator, image: Image, quads: Points, settings: Augmentation, draw: bool
) -> Sample | None:
    """A view of the photograph in which the largest plate is wholly visible and unmistakably the closest.

    Args:
        rng: source of every random choice.
        image: the photograph.
        quads: (n, 4, 2) corners of its plates, the largest first.
        settings: how to augment.
        draw: put a drawn plate with exact corners in the place of the labelled one.

    Returns:
        None where this draw put a second plate in the way or where the label is unusable.
    """
    if not _is_upright(quads[0]):
        return None
    homography = random_view(rng, image.shape[1::-1], quads[0], settings)
    view = warp(rng, image, homography, settings)
    corners = transform_points(homography, quads)
    if rng.random() < 0.5:
        view, corners = np.ascontiguousarray(view[:, ::-1]), flip_corners(corners, settings.width_px)
    if not _is_visible(corners[0], settings):
        return None
    target_area = cv2.contourArea(corners[0].astype(np.float32))
    if any(_visible_area(rival, settings) > RIVAL_AREA * target_area for rival in corners[1:]):
        return None
    target = corners[0]
    if draw:
        drawn = draw_over(rng, view, target, settings)
        if drawn is None:
            return None
        view, target = drawn
    if rng.random() < RIVAL_SHARE:
        view = _with_rival(rng, view, target)
    return Sample(np.asarray(degrade(rng, view), np.uint8), target)


class Drawn(NamedTuple):
    """An image (H, W, 3) with a drawn plate, and the plate's corners (4, 2)."""

    image: Image
    corners_px: Points


def draw_over(rng: np.random.Generator, view: Image, quad: Points, settings: Augmentation) -> Drawn | None:
    """The view with a drawn plate over the labelled one; None where that would reach over the view's border."""
    size_m = _random_size_m(rng, quad)
    target = _place_for_drawn_plate(rng, quad, size_m)
    if not _is_visible(target, settings):
        return None
    return Drawn(_paste_drawn(rng, view, target, size_m), target)


def make_negative(rng: np.random.Generator, image: Image, quads: Points, settings: Augmentation) -> Sample:
    """A view without a plate: a plate-free photograph, or one whose plates were painted over."""
    image = without_plates(rng, image, quads)
    anchor = quads[0] if len(quads) else _random_quad(rng, image)
    homography = random_view(rng, image.shape[1::-1], anchor, settings)
    view = warp(rng, image, homography, settings)
    return Sample(np.asarray(degrade(rng, view), np.uint8), None)


def without_plates(rng: np.random.Generator, image: Image, quads: Points) -> Image:
    """The image with its plates, (n, 4, 2), painted over."""
    for quad in quads:
        image = _erase(rng, image, quad)
    return image


def _is_upright(quad: Points) -> bool:
    """Whether the plate is read within 45 degrees of horizontal and its corners run clockwise."""
    along = (quad[1] - quad[0]) + (quad[2] - quad[3])
    down = (quad[3] - quad[0]) + (quad[2] - quad[1])
    clockwise = along[0] * down[1] - along[1] * down[0] > 0
    return bool(clockwise and along[0] > abs(along[1]))


def _is_visible(quad: Points, settings: Augmentation) -> bool:
    """Whether all corners lie inside of the image, at least a pixel from its border."""
    size = np.array([settings.width_px, settings.height_px])
    return bool((quad > 1).all() and (quad < size - 2).all())


def _visible_area(quad: Points, settings: Augmentation) -> float:
    clipped = np.clip(quad, 0, (settings.width_px - 1, settings.height_px - 1))
    return float(cv2.contourArea(clipped.astype(np.float32)))


def _shape(quad: Points) -> float:
    """Width to height of a plate's image."""
    width = np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])
    height = np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])
    return float(width / height)


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
    """The image with a drawn plate on four corners, half of the time in a holder or with a shadow."""
    plate = draw_plate(rng, *size_m)
    if rng.random() < HOLDER_SHARE:
        plate, outer = mounted(rng, plate, corners, PX_PER_M)
        return paste_plate(rng, image, plate, outer)
    return paste_plate(rng, image, plate, corners)


def _with_rival(rng: np.random.Generator, image: Image, target: Points) -> Image:
    """The image with a second, clearly smaller drawn plate beside the target, as of a vehicle behind."""
    size_m = PLATE_SIZES_M[rng.integers(len(PLATE_SIZES_M))]
    area = rng.uniform(0.15, 0.9 * RIVAL_AREA) * cv2.contourArea(target.astype(np.float32))
    half = np.sqrt(area * size_m[0] / size_m[1]) / 2 * np.array([1, size_m[1] / size_m[0]])
    tilt = np.deg2rad(rng.normal(0, 5))
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    centre = rng.uniform((0, 0), image.shape[1::-1])
    gap = np.abs(centre - target.mean(axis=0)) - half - np.ptp(target, axis=0) / 2
    if gap.max() < 6:
        return image
    return _paste_drawn(rng, image, centre + (half * CORNER_SIGNS) @ turn, size_m)


def _erase(rng: np.random.Generator, image: Image, quad: Points) -> Image:
    """Paint a plate over: filled in from its surroundings, or with one colour of the vehicle's neighbourhood."""
    centre = quad.mean(axis=0)
    outline = centre + (quad - centre) * rng.uniform((1.1, 1.2), (1.3, 1.6))
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(outline).astype(np.int32), 255)
    x, y, width, height = cv2.boundingRect(np.round(outline).astype(np.int32))
    pad = max(4, width // 4)
    top, left = max(0, y - pad), max(0, x - pad)
    part = np.s_[top : y + height + pad, left : x + width + pad]
    erased = image.copy()
    if rng.random() < 0.5:
        ring = cv2.dilate(mask[part], np.ones((5, 5), np.uint8)) - mask[part]
        pixels = image[part][ring > 0]
        if len(pixels):
            colour = pixels[rng.integers(len(pixels))]
            erased[part][mask[part] > 0] = np.clip(
                colour + rng.normal(0, 3, (int((mask[part] > 0).sum()), 3)), 0, 255
            )
        return erased
    small = 160 / max(
        160, width + 2 * pad
    )  # inpainting costs by the pixel, and a blurred fill is what is wanted
    shrunk = cv2.resize(image[part], None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
    hole = cv2.resize(mask[part], (shrunk.shape[1], shrunk.shape[0]), interpolation=cv2.INTER_NEAREST)
    filled = cv2.inpaint(shrunk, hole, 3, cv2.INPAINT_TELEA)
    filled = cv2.resize(
        filled, (erased[part].shape[1], erased[part].shape[0]), interpolation=cv2.INTER_LINEAR
    )
    erased[part][mask[part] > 0] = filled[mask[part] > 0]
    return erased


def _random_quad(rng: np.random.Generator, image: Image) -> Points:
    """A place and size in a plate-free photograph around which the view is taken."""
    height, width = image.shape[:2]
    half_width = np.exp(rng.uniform(np.log(0.02), np.log(0.25))) * width
    centre = rng.uniform((0, 0), (width, height))
    half = np.array([half_width, half_width / 4])
    return centre + half * CORNER_SIGNS
