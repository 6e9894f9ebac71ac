"""Hard conditions, each of one fixed strength: what night, glare or dirt do to a photograph with a plate.

Everything happens in the 640x480 letterbox, so that a strength in pixels means the same for every camera. `LIGHTS`
change pixels and leave the corners where they are; `VIEWS` are homographies that the corners follow.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.inference.letterbox import PADDING_GRAY
from pipeline.inference.rectify import transform_points
from pipeline.model.measure import SIZE_PX
from pipeline.model.photometric import motion_blur
from pipeline.model.view import Image, Points

Light = Callable[[np.random.Generator, Image, Points], NDArray[np.floating] | Image]
"""From the image (480, 640, 3) and the corners (4, 2) of its closest plate to the changed image."""

View = Callable[[np.random.Generator, Points], NDArray[np.float64]]
"""From the corners (4, 2) of the closest plate to a homography (3, 3) of the image."""


def under(name: str, rng: np.random.Generator, image: Image, quad: Points) -> tuple[Image, Points]:
    """The image (480, 640, 3) and the corners (4, 2) of its closest plate under one condition."""
    if name in VIEWS:
        homography = VIEWS[name](rng, quad)
        grey = (PADDING_GRAY,) * 3
        view = cv2.warpPerspective(image, homography, SIZE_PX, flags=cv2.INTER_LINEAR, borderValue=grey)
        return np.asarray(view, np.uint8), transform_points(homography, quad)
    return np.clip(np.round(LIGHTS[name](rng, image, quad)), 0, 255).astype(np.uint8), quad


def _unchanged(rng: np.random.Generator, image: Image, quad: Points) -> Image:
    return image


def _night(rng: np.random.Generator, image: Image, quad: Points) -> NDArray[np.floating]:
    """So little light that white is 20 electrons: shot noise, and 2 electrons of the sensor's own."""
    return _sensed(rng, image, white_electrons=20)


def _infrared(rng: np.random.Generator, image: Image, quad: Points) -> NDArray[np.floating]:
    """A lamp beside the camera: no colours, dark surroundings, and a plate that throws the light back."""
    grey = image.astype(np.float32) @ np.array([0.0, 0.3, 0.7], np.float32)
    lit = 0.3 + 1.2 * _inside(quad)
    return _sensed(rng, np.repeat((grey * lit)[..., None], 3, axis=2), white_electrons=200)


def _glare(rng: np.random.Generator, image: Image, quad: Points) -> NDArray[np.floating]:
    """A head lamp one plate width beside the plate, saturated, and its halo over half of the plate."""
    width = _width_px(quad)
    lamp = quad.mean(axis=0) + np.array([rng.choice((-1.0, 1.0)), -0.2]) * width
    return image + 400 * np.exp(-0.5 * (_distance_px(lamp) / (0.45 * width)) ** 2)[..., None]


def _shadow(rng: np.random.Generator, image: Image, quad: Points) -> NDArray[np.floating]:
    """The sharp edge of a shadow across the plate; half as bright on one side."""
    angle = np.deg2rad(rng.uniform(30, 150))
    across = (_grid() - quad.mean(axis=0)) @ (np.cos(angle), np.sin(angle))
    return image * (0.75 + 0.25 * np.tanh(across))[..., None]


def _fog(rng: np.random.Generator, image: Image, quad: Points) -> NDArray[np.floating]:
    """A quarter of the contrast is left."""
    return 0.25 * image.astype(np.float32) + 0.75 * 200


def _sodium_lamp(rng: np.random.Generator, image: Image, quad: Points) -> NDArray[np.floating]:
    """Nearly one colour: orange."""
    return image * np.array([0.25, 0.7, 1.1])


def _dirt(rng: np.random.Generator, image: Image, quad: Points) -> NDArray[np.floating]:
    """Mud over a quarter of the plate and of its surroundings, in blots as wide as the plate is high."""
    height = float(np.linalg.norm(quad[3] - quad[0]))
    blots = cv2.GaussianBlur(rng.standard_normal(image.shape[:2]), (0, 0), height / 3)
    inside = _inside(quad) > 0.5
    thickness = blots - np.quantile(blots[inside], 0.75)
    cover = 0.9 / (1 + np.exp(-thickness / (0.1 * blots.std())))
    cover *= _distance_px(quad.mean(axis=0)) < 1.2 * _width_px(quad)
    mud = np.array([52.0, 74.0, 92.0]) + rng.normal(0, 6, image.shape)
    return image * (1 - cover[..., None]) + mud * cover[..., None]


def _moving(rng: np.random.Generator, image: Image, quad: Points) -> Image:
    """8 px of motion blur, downwards as a vehicle that comes closer moves."""
    return np.asarray(motion_blur(image, 8.0, rng.uniform(70, 110)))


def _out_of_focus(rng: np.random.Generator, image: Image, quad: Points) -> Image:
    """Points are discs of 6 px."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)).astype(np.float64)
    return np.asarray(cv2.filter2D(image, -1, disc / disc.sum(), borderType=cv2.BORDER_REPLICATE))


def _coarse(rng: np.random.Generator, image: Image, quad: Points) -> Image:
    """A camera with 256x192 pixels."""
    small = cv2.resize(image, (256, 192), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, SIZE_PX, interpolation=cv2.INTER_LINEAR))


def _compressed(rng: np.random.Generator, image: Image, quad: Points) -> Image:
    """JPEG of quality 10."""
    _, encoded = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, 10))
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))


def _oblique(rng: np.random.Generator, quad: Points) -> NDArray[np.float64]:
    """The whole picture turned by 50 degrees about the vertical through the plate; focal length 700 px."""
    angle = np.deg2rad(rng.choice((-50.0, 50.0)))
    there, back = np.eye(3), np.eye(3)
    there[:2, 2], back[:2, 2] = -quad.mean(axis=0), quad.mean(axis=0)
    turn = np.array([[np.cos(angle), 0, 0], [0, 1, 0], [np.sin(angle) / 700, 0, 1]])
    return np.asarray(back @ turn @ there)


def _at_the_border(rng: np.random.Generator, quad: Points) -> NDArray[np.float64]:
    """Moved until the plate is 3 px from the left, right or lower border."""
    first, last = quad.min(axis=0), quad.max(axis=0)
    shift = np.eye(3)
    shift[:2, 2] = [
        (3 - first[0], 0),
        (SIZE_PX[0] - 4 - last[0], 0),
        (0, SIZE_PX[1] - 4 - last[1]),
    ][rng.integers(3)]
    return shift


LIGHTS: dict[str, Light] = {
    "unchanged": _unchanged,
    "night": _night,
    "infrared": _infrared,
    "glare": _glare,
    "shadow": _shadow,
    "fog": _fog,
    "sodium lamp": _sodium_lamp,
    "dirt": _dirt,
    "motion blur": _moving,
    "out of focus": _out_of_focus,
    "256x192 pixels": _coarse,
    "JPEG quality 10": _compressed,
}
VIEWS: dict[str, View] = {"turned by 50 degrees": _oblique, "at the border": _at_the_border}


def _sensed(
    rng: np.random.Generator, image: NDArray[np.floating] | Image, white_electrons: float
) -> NDArray[np.floating]:
    """What a sensor makes of the image's light, of which white gives so many electrons a pixel."""
    light = (np.clip(image, 0, 255) / 255.0) ** 2.2
    electrons = rng.poisson(light * white_electrons) + rng.normal(0, 2, image.shape)
    return 255 * np.clip(electrons / white_electrons, 0, 1) ** (1 / 2.2)


def _inside(quad: Points) -> NDArray[np.floating]:
    """(480, 640), 1 on the plate and 0 beside it, with the soft edge of a lens."""
    along = np.roll(quad, -1, axis=0) - quad
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    x, y = np.moveaxis(_grid()[:, :, None] - quad, -1, 0)
    inward_px = (along[:, 0] * y - along[:, 1] * x).min(axis=2)  # from the nearest edge
    return np.asarray(cv2.GaussianBlur(np.clip(inward_px + 0.5, 0.0, 1.0), (0, 0), 0.7))


def _grid() -> NDArray[np.float64]:
    """(480, 640, 2), x and y of every pixel."""
    return np.stack(np.meshgrid(np.arange(SIZE_PX[0]), np.arange(SIZE_PX[1])), axis=2).astype(np.float64)


def _distance_px(point: Points) -> NDArray[np.float64]:
    """(480, 640), of every pixel from a point (2,)."""
    return np.asarray(np.linalg.norm(_grid() - point, axis=2))


def _width_px(quad: Points) -> float:
    return float(np.linalg.norm(quad[1] - quad[0]))
