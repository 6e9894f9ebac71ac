"""Corner-aware augmentation: one photograph in, one training image with exact corners out.

Geometry is one homography from the photograph to the training image, so that pixels are interpolated once
and corners follow exactly. What changes only pixel values is in `photometric`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.model.photometric import degrade
from pipeline.synthetic.paste import paste_plate
from pipeline.synthetic.plates import draw_plate

Image = NDArray[np.uint8]
Points = NDArray[np.float64]

PLATE_SIZES_M = ((0.52, 0.11), (0.44, 0.14), (0.40, 0.13), (0.33, 0.165), (0.305, 0.152), (0.35, 0.17),
                 (0.50, 0.12), (0.34, 0.24), (0.372, 0.134), (0.24, 0.15), (0.20, 0.16), (0.36, 0.11))  # fmt: skip
"""Sizes of plates that are drawn, across countries and vehicles; one close to the labelled aspect ratio is taken."""

RIVAL_AREA = 0.75
"""A second plate in view may have at most this share of the target's area: the closest must be unmistakable."""


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


@dataclass(frozen=True, eq=False)
class Sample:
    """A training image (H, W, 3) uint8 BGR and the corners (4, 2) of its closest plate, None if there is no plate."""

    image: Image
    corners_px: Points | None


def transform_points(homography: NDArray[np.float64], points: Points) -> Points:
    """Map points (..., 2) by a 3x3 homography."""
    mapped = points @ homography[:, :2].T + homography[:, 2]
    return mapped[..., :2] / mapped[..., 2:]


def flip_corners(quads: Points, width_px: int) -> Points:
    """Corners (..., 4, 2) after the image was mirrored left to right: TL and TR, BL and BR change places."""
    flipped = quads[..., [1, 0, 3, 2], :].copy()
    flipped[..., 0] = width_px - 1 - flipped[..., 0]
    return flipped


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
    homography = _random_view(rng, image.shape[1::-1], quads[0], settings)
    view = _warp(rng, image, homography, settings)
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
        target = _cover(rng, target)
        if not _is_visible(target, settings):
            return None
        view = _with_drawn_plate(rng, view, target)
    return Sample(np.asarray(degrade(rng, view), np.uint8), target)


def make_negative(rng: np.random.Generator, image: Image, quads: Points, settings: Augmentation) -> Sample:
    """A view without a plate: a plate-free photograph, or one whose plates were painted over."""
    for quad in quads:
        image = _erase(rng, image, quad)
    anchor = quads[0] if len(quads) else _random_quad(rng, image)
    homography = _random_view(rng, image.shape[1::-1], anchor, settings)
    view = _warp(rng, image, homography, settings)
    return Sample(np.asarray(degrade(rng, view), np.uint8), None)


def _is_upright(quad: Points) -> bool:
    """Whether the plate is read within 45 degrees of horizontal and its corners run clockwise."""
    along = (quad[1] - quad[0]) + (quad[2] - quad[3])
    down = (quad[3] - quad[0]) + (quad[2] - quad[1])
    clockwise = along[0] * down[1] - along[1] * down[0] > 0
    return bool(clockwise and along[0] > abs(along[1]))


def _random_view(
    rng: np.random.Generator, photo_size_px: tuple[int, int], quad: Points, settings: Augmentation
) -> NDArray[np.float64]:
    """A homography from the photograph to the training image that shows `quad` at a random place, size and tilt."""
    view_size_px = np.array([settings.width_px, settings.height_px])
    centre = quad.mean(axis=0)
    angle = np.deg2rad(np.clip(rng.normal(0, settings.rotation_sd_deg), -20, 20))
    stretch, shear = np.exp(rng.normal(0, 0.06)), rng.normal(0, 0.06)
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
    width_px = float(np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])) / 2
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


def _warp(
    rng: np.random.Generator, image: Image, homography: NDArray[np.float64], settings: Augmentation
) -> Image:
    """Sample the photograph; what lies outside of it is the letterbox's grey, a random colour or the border pixel.

    Where the view shrinks the photograph it is shrunk by area averaging first, so that sampling never aliases.
    """
    centre = np.linalg.inv(homography) @ (settings.width_px / 2, settings.height_px / 2, 1)
    centre = centre[:2] / centre[2]
    steps = transform_points(homography, centre + np.array([[0, 0], [1, 0], [0, 1]]))
    scale = np.sqrt(abs(np.linalg.det(steps[1:] - steps[0])))
    if scale < 0.8:
        height, width = image.shape[:2]
        small = max(1, round(width * scale)), max(1, round(height * scale))
        shrunk = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.uint8)
        ratio = np.array([small[0] / width, small[1] / height])
        grow = np.diag([1 / ratio[0], 1 / ratio[1], 1.0])
        grow[:2, 2] = 0.5 / ratio - 0.5
        image, homography = shrunk, homography @ grow
    mode = cv2.BORDER_REPLICATE if rng.random() < 0.3 else cv2.BORDER_CONSTANT
    colour = (114, 114, 114) if rng.random() < 0.7 else tuple(int(c) for c in rng.integers(0, 256, 3))
    size = (settings.width_px, settings.height_px)
    interpolation = cv2.INTER_CUBIC if scale > 1.2 and rng.random() < 0.5 else cv2.INTER_LINEAR
    warped = cv2.warpPerspective(
        image, homography, size, flags=interpolation, borderMode=mode, borderValue=colour
    )
    return np.asarray(warped, np.uint8)


def _is_visible(quad: Points, settings: Augmentation) -> bool:
    """Whether all corners lie inside of the image, at least a pixel from its border."""
    size = np.array([settings.width_px, settings.height_px])
    return bool((quad > 1).all() and (quad < size - 2).all())


def _visible_area(quad: Points, settings: Augmentation) -> float:
    clipped = np.clip(quad, 0, (settings.width_px - 1, settings.height_px - 1))
    return float(cv2.contourArea(clipped.astype(np.float32)))


def _cover(rng: np.random.Generator, quad: Points) -> Points:
    """A slightly larger quadrilateral, so that the drawn plate hides the labelled one whose edge is not exact."""
    centre = quad.mean(axis=0)
    return centre + (quad - centre) * rng.uniform((1.06, 1.10), (1.14, 1.30))


def _with_drawn_plate(rng: np.random.Generator, image: Image, quad: Points) -> Image:
    """The image with a drawn plate on the quadrilateral, of a size whose aspect ratio is close to it."""
    width = np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])
    height = np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])
    misfit = [abs(np.log(w / h * height / width)) + rng.exponential(0.15) for w, h in PLATE_SIZES_M]
    plate = draw_plate(rng, *PLATE_SIZES_M[int(np.argmin(misfit))])
    return paste_plate(rng, image, plate, quad)


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
    return centre + half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
