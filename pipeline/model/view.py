"""The geometry of a training image: a random homography from the photograph, and the pixels sampled by it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import CORNER_SIGNS, plate_width_px
from pipeline.inference.letterbox import PADDING_GRAY
from pipeline.inference.rectify import inverse, is_convex, scale_at, shrunk, transform_points

Image = NDArray[np.uint8]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Augmentation:
    """How training images are made; the lengths are in pixels of the training image."""

    width_px: int
    height_px: int
    plate_width_px: tuple[float, float] = (26.0, 280.0)
    rotation_sd_deg: float = 5.0
    perspective: float = 0.12
    drawn_share: float = 0.4
    background_share: float = 0.09
    erased_share: float = 0.09


def is_upright(quad: Points) -> bool:
    """Whether the plate is read within 45 degrees of horizontal; corners (4, 2) run clockwise from the top left."""
    along = (quad[1] - quad[0]) + (quad[2] - quad[3])
    return is_convex(quad) and bool(along[0] > abs(along[1]))


def flip_corners(quads: Points, width_px: int) -> Points:
    """Corners (..., 4, 2) after the image was mirrored left to right: TL and TR, BL and BR change places."""
    flipped = quads[..., [1, 0, 3, 2], :].copy()
    flipped[..., 0] = width_px - 1 - flipped[..., 0]
    return flipped


def tilted_rectangle(centre: Points, half: Points, tilt_deg: float) -> Points:
    """Corners (4, 2) of a rectangle of half width and half height `half` (2,), turned clockwise in the image."""
    tilt = np.deg2rad(tilt_deg)
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    return np.asarray(centre + (half * CORNER_SIGNS) @ turn)


def random_view(
    rng: np.random.Generator, photo_size_px: tuple[int, int], quad: Points, settings: Augmentation
) -> NDArray[np.float64]:
    """A homography from the photograph to the training image that shows `quad` at a random place, size and tilt."""
    view_size_px = np.array([settings.width_px, settings.height_px])
    centre = quad.mean(axis=0)
    angle = np.deg2rad(np.clip(rng.normal(0, settings.rotation_sd_deg), -20, 20))
    stretch, shear = np.exp(rng.normal(0, 0.12)), rng.normal(0, 0.08)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    affine = np.eye(3)
    affine[:2, :2] = rotation @ np.array([[stretch, shear], [0, 1 / stretch]])
    affine[:2, :2] *= _random_scale(rng, photo_size_px, quad, settings)
    affine[:2, 2] = -affine[:2, :2] @ centre
    tilt = np.eye(3)
    tilt[2, :2] = rng.uniform(-1, 1, 2) * settings.perspective / view_size_px.max()
    centred = tilt @ affine
    shift = np.eye(3)
    shift[:2, 2] = _random_place(rng, transform_points(centred, quad), centred, photo_size_px, view_size_px)
    return shift @ centred


def _random_scale(
    rng: np.random.Generator, photo_size_px: tuple[int, int], quad: Points, settings: Augmentation
) -> float:
    """Scale to a log-uniform plate width, but at most doubled and never to a stamp in an empty image."""
    width_px = plate_width_px(quad)
    low, high = settings.plate_width_px
    low = max(low, 0.55 * width_px * settings.width_px / photo_size_px[0])
    high = min(high, 2.0 * width_px)
    return float(np.exp(rng.uniform(np.log(min(low, high)), np.log(high))) / width_px)


def _random_place(
    rng: np.random.Generator,
    quad: Points,
    centred: NDArray[np.float64],
    photo_size_px: tuple[int, int],
    view_size_px: NDArray[np.int_],
) -> Points:
    """A shift that keeps the plate in view; mostly one that also fills the view with photograph."""
    first, last = 3.0 - quad.min(axis=0), view_size_px - 4.0 - quad.max(axis=0)
    first, last = np.minimum(first, last), np.maximum(first, last)
    if rng.random() < 0.75:
        width, height = photo_size_px
        outline = transform_points(
            centred, np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
        )
        filled = np.sort([view_size_px - outline.max(axis=0), -outline.min(axis=0)], axis=0)
        first, last = np.clip(filled[0], first, last), np.clip(filled[1], first, last)
    return rng.uniform(first, last)


def warp(
    rng: np.random.Generator, image: Image, homography: NDArray[np.float64], settings: Augmentation
) -> Image:
    """Sample the photograph; what lies outside of it is the letterbox's grey, a random colour or the border pixel.

    Where the view shrinks the photograph it is shrunk by area averaging first, so that sampling never aliases.
    """
    centre_px = transform_points(
        inverse(homography), np.array([settings.width_px / 2, settings.height_px / 2])
    )
    scale = scale_at(homography, centre_px)
    image, homography = shrunk(image, homography, centre_px)
    mode = cv2.BORDER_REPLICATE if rng.random() < 0.3 else cv2.BORDER_CONSTANT
    colour = (PADDING_GRAY,) * 3 if rng.random() < 0.7 else tuple(int(c) for c in rng.integers(0, 256, 3))
    size = (settings.width_px, settings.height_px)
    interpolation = cv2.INTER_CUBIC if scale > 1.2 and rng.random() < 0.5 else cv2.INTER_LINEAR
    warped = cv2.warpPerspective(
        image, homography, size, flags=interpolation, borderMode=mode, borderValue=colour
    )
    return np.asarray(warped, np.uint8)
