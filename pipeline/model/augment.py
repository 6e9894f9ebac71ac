"""Corner-aware augmentation: one photograph in, one training image with exact corners out.

Geometry (`view`) is one homography from the photograph to the training image, so that pixels are interpolated once
and corners follow exactly. `drawn` and `erase` put plates in and paint them over; what changes
only pixel values is in `photometric`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.frames import CORNER_SIGNS
from pipeline.inference.rectify import transform_points
from pipeline.model.drawn import RIVAL_AREA, draw_over, is_visible, with_rival
from pipeline.model.erase import without_plates
from pipeline.model.photometric import degrade
from pipeline.model.view import Augmentation, Image, Points, flip_corners, is_upright, random_view, warp

RIVAL_SHARE = 0.1
"""Share of the images with a plate into which a second, smaller one is drawn."""


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
    if not is_upright(quads[0]):
        return None
    homography = random_view(rng, image.shape[1::-1], quads[0], settings)
    view = warp(rng, image, homography, settings)
    corners = transform_points(homography, quads)
    if rng.random() < 0.5:
        view, corners = np.ascontiguousarray(view[:, ::-1]), flip_corners(corners, settings.width_px)
    if not is_visible(corners[0], settings):
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
        view = with_rival(rng, view, target)
    return Sample(np.asarray(degrade(rng, view), np.uint8), target)


def make_negative(rng: np.random.Generator, image: Image, quads: Points, settings: Augmentation) -> Sample:
    """A view without a plate: a plate-free photograph, or one whose plates were painted over."""
    image = without_plates(rng, image, quads)
    anchor = quads[0] if len(quads) else _random_quad(rng, image)
    homography = random_view(rng, image.shape[1::-1], anchor, settings)
    view = warp(rng, image, homography, settings)
    return Sample(np.asarray(degrade(rng, view), np.uint8), None)


def _visible_area(quad: Points, settings: Augmentation) -> float:
    clipped = np.clip(quad, 0, (settings.width_px - 1, settings.height_px - 1))
    return float(cv2.contourArea(clipped.astype(np.float32)))


def _random_quad(rng: np.random.Generator, image: Image) -> Points:
    """A place and size in a plate-free photograph around which the view is taken."""
    height, width = image.shape[:2]
    half_width = np.exp(rng.uniform(np.log(0.02), np.log(0.25))) * width
    centre = rng.uniform((0, 0), (width, height))
    half = np.array([half_width, half_width / 4])
    return centre + half * CORNER_SIGNS
