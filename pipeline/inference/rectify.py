"""Plates made upright: the homography from an image to a view in which four given corners are a fixed rectangle.

In this view every plate, near or far, oblique or of two rows, has the same place and size, so that a small network
can learn where its true corners lie. The rectangle's shape is that of no format: one of 520x110 mm is
stretched to twice its height, one of 340x240 mm pressed to two thirds.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import CORNER_SIGNS

INPUT_PX = (416, 224)
"""Width and height of the rectified view."""
PLATE_PX = (256, 112)
"""Width and height of the given corners' rectangle in the middle of it; what is around it is a margin for error."""
LEAST_SCALE = 0.8
"""Where the view has fewer pixels than this for one of the image, the image is shrunk first, by area averaging."""


def target_corners_px() -> NDArray[np.float64]:
    """(4, 2) where the given corners lie in the view: TL, TR, BR, BL of the rectangle."""
    return (np.array(INPUT_PX) - 1) / 2 + CORNER_SIGNS * np.array(PLATE_PX) / 2


def is_convex(corners_px: NDArray[np.float64]) -> bool:
    """Whether corners (4, 2) are those of a convex quadrilateral, clockwise as one sees it."""
    edges = np.roll(corners_px, -1, axis=0) - corners_px
    following = np.roll(edges, -1, axis=0)
    return bool((edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]).min() > 0)


def rectification(corners_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 3x3 homography from an image to the view that makes four of its points the rectangle.

    Raises:
        ValueError: the corners (4, 2) are not those of a convex quadrilateral, clockwise as one sees it.
    """
    if not is_convex(corners_px):
        raise ValueError("the corners are not those of a convex quadrilateral that runs clockwise")
    source, target = corners_px.astype(np.float32), target_corners_px().astype(np.float32)
    # Float32 is the function's only type; a shift to the middle keeps its digits for the corners' fractions.
    middle = source.mean(axis=0).round()
    to_middle = np.array([[1, 0, -middle[0]], [0, 1, -middle[1]], [0, 0, 1]], np.float64)
    return np.asarray(cv2.getPerspectiveTransform(source - middle, target), np.float64) @ to_middle


def inverse(homography: NDArray[np.float64]) -> NDArray[np.float64]:
    """The homography that leads back."""
    return np.asarray(np.linalg.inv(homography), np.float64)


def transform_points(homography: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map points (..., 2) by a 3x3 homography."""
    mapped = points @ homography[:, :2].T + homography[:, 2]
    return mapped[..., :2] / mapped[..., 2:]


def jacobians(homography: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Derivatives (n, 2, 2) of the mapped points by the points (n, 2): quotient rule on `transform_points`."""
    mapped = points @ homography[:, :2].T + homography[:, 2]
    images = mapped[:, :2] / mapped[:, 2:]
    return (homography[:2, :2] - images[:, :, None] * homography[2, :2]) / mapped[:, 2, None, None]


def scale_at(homography: NDArray[np.float64], point_px: NDArray[np.float64]) -> float:
    """By how much a homography enlarges what is around a point (2,): root of the change of area."""
    return float(np.sqrt(abs(np.linalg.det(jacobians(homography, point_px[None])[0]))))


def shrunk(
    image: NDArray[np.uint8], homography: NDArray[np.float64], at_px: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Image and homography so that sampling one by the other does not alias around the image's point `at_px` (2,)."""
    scale = scale_at(homography, at_px)
    if scale >= LEAST_SCALE:
        return image, homography
    height, width = image.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    ratio = np.array([size[0] / width, size[1] / height])
    grow = np.diag([1 / ratio[0], 1 / ratio[1], 1.0])
    grow[:2, 2] = 0.5 / ratio - 0.5
    return small, homography @ grow


def rectified(
    image: NDArray[np.uint8], corners_px: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The view (224, 416, 3) of an image (height, width, 3) around four corners (4, 2), and its homography.

    Raises:
        ValueError: the corners are not those of a convex quadrilateral.
    """
    homography = rectification(corners_px)
    rows, columns = _seen_part(image.shape[:2], homography, scale_at(homography, corners_px.mean(axis=0)))
    from_part = homography @ np.array([[1, 0, columns.start], [0, 1, rows.start], [0, 0, 1]], np.float64)
    origin = (columns.start, rows.start)
    source, to_view = shrunk(image[rows, columns], from_part, corners_px.mean(axis=0) - origin)
    view = cv2.warpPerspective(
        source, to_view, INPUT_PX, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(view, np.uint8), homography


def _seen_part(shape: tuple[int, ...], homography: NDArray[np.float64], scale: float) -> tuple[slice, slice]:
    """Rows and columns of an image of that shape that the view shows, and what is averaged into its border."""
    whole = slice(0, shape[0]), slice(0, shape[1])
    width, height = INPUT_PX
    outline, back = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5, inverse(homography)
    depths = outline @ back[2, :2] + back[2, 2]
    if depths.min() * depths.max() <= 0:  # the view reaches beyond the horizon of the plate's plane
        return whole
    seen, margin_px = transform_points(back, outline), 2 * max(1.0, 1 / scale)
    size = np.array(shape[1::-1])
    low = np.clip(np.floor(seen.min(axis=0) - margin_px), 0, size - 1).astype(int)
    high = np.clip(np.ceil(seen.max(axis=0) + margin_px) + 1, low + 1, size).astype(int)
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
