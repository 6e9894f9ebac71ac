"""What years and light do to a drawn plate: embossing, uneven light, fading, dirt, scratches."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Layer = NDArray[np.floating]
Image = NDArray[np.uint8]


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> Layer:
    """(H, W) float32 noise, mean about 0, spread about 1, with about `cells` blobs along the longer side."""
    longest = max(shape)
    coarse = tuple(max(2, round(cells * side / longest)) for side in shape)
    noise = rng.standard_normal(coarse, dtype=np.float32)
    return np.asarray(cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def emboss(image: Image, relief: Image, strength: float) -> Image:
    """Light from above on a raised `relief`: upper flanks brighter, lower flanks darker."""
    soft = cv2.GaussianBlur(relief, (0, 0), max(0.8, image.shape[0] / 110))
    down, right = cv2.Sobel(soft, cv2.CV_32F, 0, 1), cv2.Sobel(soft, cv2.CV_32F, 1, 0)
    slope = cv2.addWeighted(down, strength / 4, right, strength / 8, 0)
    return np.asarray(cv2.add(image, cv2.merge([slope] * 3), dtype=cv2.CV_8U), np.uint8)


def weather(rng: np.random.Generator, image: Image) -> Image:
    """A plate as it looks after some time on the road, and in uneven light."""
    shape = image.shape[:2]
    light = _light(rng, shape)
    if rng.random() < 0.7:
        light *= 1 - rng.uniform(0.02, 0.12) * np.clip(smooth_noise(rng, shape, 14), 0, 2)
    if rng.random() < 0.35:  # road dirt, mostly from below
        height = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None] ** 2
        light *= 1 - rng.uniform(0.1, 0.5) * height * np.clip(0.5 + 0.6 * smooth_noise(rng, shape, 9), 0, 1)
    worn = np.asarray(cv2.multiply(image, cv2.merge([light] * 3), dtype=cv2.CV_8U), np.uint8)
    if rng.random() < 0.5:
        _scratch(rng, worn)
    fade = rng.uniform(0, 0.25) if rng.random() < 0.5 else 0.0
    return np.asarray(cv2.addWeighted(worn, 1 - fade, np.full_like(worn, 150), fade, 0), np.uint8)


def _light(rng: np.random.Generator, shape: tuple[int, int]) -> Layer:
    """Gain around 1: a ramp, and sometimes a soft band of reflection or the shadow of a bumper."""
    down, right = rng.uniform(-0.15, 0.15, 2)
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    light = 1 + np.float32(down) * y + np.float32(right) * x
    if rng.random() < 0.2:
        tilt, place, edge = rng.uniform(-0.6, 0.6), rng.uniform(-0.9, 0.9), rng.uniform(0.02, 0.4)
        side = rng.choice([-1.0, 1.0])
        position = side * (x - place + np.float32(tilt) * y)
        light *= 1 - np.float32(rng.uniform(0.15, 0.5)) * np.clip(0.5 + position / np.float32(edge), 0, 1)
    return light.astype(np.float32)


def _scratch(rng: np.random.Generator, image: Image) -> None:
    height, width = image.shape[:2]
    for _ in range(rng.integers(1, 8)):
        start = rng.uniform((0, 0), (width, height))
        end = start + rng.normal(0, 0.2 * height, 2)
        colour = rng.integers(40, 220, 1).repeat(3).tolist()
        cv2.line(image, start.astype(int).tolist(), end.astype(int).tolist(), colour, 1, cv2.LINE_AA)
