"""Plates painted over, for images without one."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.model.view import Image, Points


def without_plates(rng: np.random.Generator, image: Image, quads: Points) -> Image:
    """The image with its plates, (n, 4, 2), painted over."""
    for quad in quads:
        image = _erase(rng, image, quad)
    return image


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
    # Shrunk, since inpainting costs by the pixel, and a blurred fill is what is wanted.
    small = 160 / max(160, width + 2 * pad)
    shrunk = cv2.resize(image[part], None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
    hole = cv2.resize(mask[part], (shrunk.shape[1], shrunk.shape[0]), interpolation=cv2.INTER_NEAREST)
    filled = cv2.inpaint(shrunk, hole, 3, cv2.INPAINT_TELEA)
    filled = cv2.resize(
        filled, (erased[part].shape[1], erased[part].shape[0]), interpolation=cv2.INTER_LINEAR
    )
    erased[part][mask[part] > 0] = filled[mask[part] > 0]
    return erased
