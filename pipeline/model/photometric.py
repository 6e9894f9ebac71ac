"""What light, lens, sensor and compression do to an image, without moving a corner.

Every blur kernel is symmetric about its centre: an asymmetric one would shift edges against their labels.
"""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike as Image


def degrade(rng: np.random.Generator, image: Image) -> Image:
    """A random combination of colour, light, blur, noise and compression."""
    if rng.random() < 0.35:
        image = _grey(rng, image)
    elif rng.random() < 0.7:
        image = _shift_colours(rng, image)
    if rng.random() < 0.8:
        image = _expose(rng, image)
    if rng.random() < 0.2:
        image = _shade(rng, image)
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.15:
        image = motion_blur(image, rng.uniform(2, 9), rng.uniform(0, 180))
    if rng.random() < 0.15:
        image = _lower_resolution(rng, image)
    if rng.random() < 0.5:
        image = _add_noise(rng, image)
    if rng.random() < 0.5:
        image = _compress(rng, image)
    return image


def motion_blur(image: Image, length_px: float, angle_deg: float) -> Image:
    """Average along a straight line through every pixel, as a steady motion during the exposure does."""
    half = int(np.ceil(length_px / 2)) + 1
    offsets = np.linspace(-length_px / 2, length_px / 2, 8 * half)
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    direction = np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))])
    points = half + offsets[:, None] * direction
    corner = np.floor(points).astype(int)
    fraction = points - corner
    for dx in (0, 1):
        for dy in (0, 1):
            weight = np.abs(1 - dx - fraction[:, 0]) * np.abs(1 - dy - fraction[:, 1])
            np.add.at(kernel, (corner[:, 1] + dy, corner[:, 0] + dx), weight)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _grey(rng: np.random.Generator, image: Image) -> Image:
    """Infrared or night-mode cameras: one channel, sometimes weighted unlike the eye does, sometimes tinted."""
    weights = rng.dirichlet((2, 2, 2)) if rng.random() < 0.5 else np.array([0.114, 0.587, 0.299])
    grey = image.astype(np.float32) @ weights.astype(np.float32)
    tint = rng.uniform(0.75, 1.0, 3) if rng.random() < 0.2 else np.ones(3)
    return np.clip(grey[:, :, None] * tint, 0, 255).astype(np.uint8)


def _shift_colours(rng: np.random.Generator, image: Image) -> Image:
    if rng.random() < 0.5:
        cast = np.exp(rng.normal(0, 0.15, 3))
        return np.clip(image * cast, 0, 255).astype(np.uint8)
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV).astype(np.float32)
    hsv[:, :, 0] = (hsv[:, :, 0] + (rng.uniform(0, 180) if rng.random() < 0.3 else rng.normal(0, 6))) % 180
    hsv[:, :, 1] = np.clip(hsv[:, :, 1] * rng.uniform(0.4, 1.5), 0, 255)
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2BGR)


def _expose(rng: np.random.Generator, image: Image) -> Image:
    """Gamma, gain and offset by a look-up table; one in eight is a night."""
    levels = np.arange(256) / 255
    gamma = rng.uniform(1.6, 3.0) if rng.random() < 0.125 else np.exp(rng.normal(0, 0.35))
    table = (levels**gamma - 0.5) * np.exp(rng.normal(0, 0.25)) + 0.5 + rng.normal(0, 0.1)
    if rng.random() < 0.03:
        table = 1 - table
    return cv2.LUT(image, np.clip(table * 255, 0, 255).astype(np.uint8))


def _shade(rng: np.random.Generator, image: Image) -> Image:
    """A smooth shadow or a head lamp's glare: a wide Gaussian that darkens or brightens."""
    height, width = image.shape[:2]
    centre, spread = rng.uniform((0, 0), (width, height)), rng.uniform(0.05, 0.5) * width
    x, y = (
        np.exp(-0.5 * ((np.arange(width) - centre[0]) / spread) ** 2),
        np.exp(-0.5 * ((np.arange(height) - centre[1]) / spread) ** 2),
    )
    bump = np.outer(y, x)[:, :, None].astype(np.float32)
    if rng.random() < 0.5:
        return np.clip(image * (1 - rng.uniform(0.3, 0.8) * bump), 0, 255).astype(np.uint8)
    return np.clip(image + rng.uniform(40, 200) * bump, 0, 255).astype(np.uint8)


def _lower_resolution(rng: np.random.Generator, image: Image) -> Image:
    height, width = image.shape[:2]
    ratio = rng.uniform(0.4, 0.9)
    small = cv2.resize(image, (round(width * ratio), round(height * ratio)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _add_noise(rng: np.random.Generator, image: Image) -> Image:
    """Sensor noise: a constant part and one that grows with the light, as much in colour as in grey."""
    sd = np.exp(rng.uniform(np.log(1), np.log(14)))
    height, width, channels = image.shape
    if rng.random() < 0.5:
        channels = 1
    grain = rng.standard_normal((height, width, channels), dtype=np.float32)
    strength = sd * np.sqrt(0.4 + image.astype(np.float32) / 160)
    return np.clip(image + grain * strength, 0, 255).astype(np.uint8)


def _compress(rng: np.random.Generator, image: Image) -> Image:
    quality = int(rng.integers(18, 92))
    _, encoded = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
