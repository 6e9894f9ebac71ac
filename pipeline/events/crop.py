"""The plate cut out of a frame and rectified: what a plate reader wants to see."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

PX_PER_M = 800.0  # a plate of 520 x 110 mm becomes 416 x 88 px
MARGIN_PX = 8  # of the scene around the plate, on every side: 10 mm

_DEFAULT_HEIGHT_PX = 88
_ASPECT_LIMITS = (1.0, 6.0)  # the known plate formats, with some room
_MIN_SIDE_PX = 4.0
_MIN_CORNER_SINE = 0.1  # of the angle at each corner; below it is no view of a rectangle worth cutting
_MAX_OVERSAMPLING = 4


def rectified_plate_jpeg(
    image: NDArray[np.uint8],
    corners_px: NDArray[np.float64],
    plate_size_m: tuple[float, float] | None = None,
    quality: int = 90,
) -> bytes | None:
    """The plate as a JPEG, seen from the front, with `MARGIN_PX` of its surroundings.

    Args:
        image: (height, width, 3) uint8 BGR.
        corners_px: (4, 2) corners TL, TR, BR, BL at the plate's outer edge.
        plate_size_m: (width, height) of the plate; without it the crop is 88 px high and its aspect ratio
            comes from the corners, which foreshortening distorts.
        quality: JPEG quality, 0 to 100.

    Returns:
        The file's bytes, or None where a corner lies outside the image or the corners are no view of a plate.
    """
    corners = np.asarray(corners_px, dtype=np.float64)
    if not (_inside(corners, image) and _is_quadrilateral(corners)):
        return None
    crop = _rectify(image, corners, *_plate_size_px(corners, plate_size_m))
    encoded, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes() if encoded else None


def _rectify(
    image: NDArray[np.uint8], corners: NDArray[np.float64], width: int, height: int
) -> NDArray[np.uint8]:
    """The plate at `width` x `height` px plus the margin.

    A plate that is larger in the image is sampled at a multiple of that size and averaged down.
    """
    top, right, bottom, left = _side_lengths(corners)
    shrink = max(max(top, bottom) / width, max(left, right) / height)
    factor = int(np.clip(math.ceil(shrink), 1, _MAX_OVERSAMPLING))
    # Edges in the crop's pixel coordinates: the edge before pixel n lies at n - 0.5.
    edges = factor * (MARGIN_PX + np.array([[0, 0], [width, 0], [width, height], [0, height]])) - 0.5
    homography = cv2.getPerspectiveTransform(corners.astype(np.float32), edges.astype(np.float32))
    size = (width + 2 * MARGIN_PX, height + 2 * MARGIN_PX)
    large = (factor * size[0], factor * size[1])
    crop = cv2.warpPerspective(
        image, homography, large, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if factor > 1:
        crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    return crop.astype(np.uint8, copy=False)


def _plate_size_px(corners: NDArray[np.float64], plate_size_m: tuple[float, float] | None) -> tuple[int, int]:
    if plate_size_m is not None:
        width_m, height_m = plate_size_m
        return round(PX_PER_M * width_m), round(PX_PER_M * height_m)
    top, right, bottom, left = _side_lengths(corners)
    aspect = np.clip((top + bottom) / (left + right), *_ASPECT_LIMITS)
    return round(_DEFAULT_HEIGHT_PX * aspect), _DEFAULT_HEIGHT_PX


def _inside(corners: NDArray[np.float64], image: NDArray[np.uint8]) -> bool:
    """Whether all corners lie on the image's pixels; False for corners that are not finite."""
    size = np.array([image.shape[1], image.shape[0]])
    return bool(np.all((corners >= -0.5) & (corners <= size - 0.5)))


def _is_quadrilateral(corners: NDArray[np.float64]) -> bool:
    """Whether the sides turn clockwise, clearly, at every corner, and are long enough to show something."""
    lengths = _side_lengths(corners)
    if lengths.min() < _MIN_SIDE_PX:
        return False
    sides = _sides(corners) / lengths[:, None]
    following = np.roll(sides, -1, axis=0)
    sines = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    return bool(np.all(sines > _MIN_CORNER_SINE))


def _sides(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """(4, 2) top, right, bottom and left side as vectors, clockwise."""
    return np.roll(corners, -1, axis=0) - corners


def _side_lengths(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.norm(_sides(corners), axis=1)
