"""Images of any size to the network's input size and corners back again, exact to the pixel centre.

The image keeps its aspect ratio and sits in the middle of a gray frame. `cv2.resize` maps pixel centres with
half-pixel offsets: x_small + 0.5 = (x + 0.5) * scale. Width and height are rounded to whole pixels, so each
axis has its own scale, which is used on the way there and back.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

PADDING_GRAY = 114


@dataclass(frozen=True)
class Letterbox:
    """How an image of one size sits in an input of another.

    Attributes:
        content_px: (width, height) of the resized image.
        pad_px: (left, top) padding; the right and lower padding are the same or one pixel more.
        scale: (x, y) input pixels per image pixel.
    """

    content_px: tuple[int, int]
    pad_px: tuple[int, int]
    scale: tuple[float, float]

    @classmethod
    def fit(cls, image_px: tuple[int, int], input_px: tuple[int, int]) -> Letterbox:
        """The letterbox of an image of (width, height) in an input of (width, height)."""
        factor = min(input_px[0] / image_px[0], input_px[1] / image_px[1])
        width, height = (max(1, round(size * factor)) for size in image_px)
        return cls(
            content_px=(width, height),
            pad_px=((input_px[0] - width) // 2, (input_px[1] - height) // 2),
            scale=(width / image_px[0], height / image_px[1]),
        )

    def draw(self, image: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
        """Write `image` (height, width, 3) and its padding into `target`, an array of the input's size."""
        (left, top), (width, height) = self.pad_px, self.content_px
        if (width, height) != (image.shape[1], image.shape[0]):
            method = cv2.INTER_AREA if max(self.scale) < 1 else cv2.INTER_LINEAR
            image = np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)
        target[:top] = target[top + height :] = PADDING_GRAY
        target[:, :left] = target[:, left + width :] = PADDING_GRAY
        target[top : top + height, left : left + width] = image

    def to_input_px(self, points_px: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points (..., 2) of the image in the input's pixels: (x + 0.5) * scale - 0.5 + pad."""
        return (np.asarray(points_px, np.float64) + 0.5) * self.scale - 0.5 + self.pad_px

    def to_image_px(self, points_px: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points (..., 2) of the input in the image's pixels; the inverse of `to_input_px`."""
        return (np.asarray(points_px, np.float64) - self.pad_px + 0.5) / self.scale - 0.5

    def cov_to_image_px2(self, cov_px2: NDArray[np.floating]) -> NDArray[np.float64]:
        """Covariances (..., 2, 2) of input points in the image's pixels: S cov S with S = diag(1 / scale)."""
        return np.asarray(cov_px2, np.float64) / np.outer(self.scale, self.scale)
