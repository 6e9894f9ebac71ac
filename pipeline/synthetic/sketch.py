"""Drawing on flat panels in metres: rounded shapes with soft edges, shades and highlights, as car parts need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]

_SUBPIXEL_BITS = 4


@dataclass(frozen=True, eq=False)
class Panel:
    """A textured rectangle in space.

    Attributes:
        texture: (H, W, 4) uint8 BGRA; its outer border is the rectangle's.
        corners_m: (4, 3) TL, TR, BR, BL in the frame of whatever the panel belongs to.
    """

    texture: NDArray[np.uint8]
    corners_m: Points


class Sketch:
    """A transparent sheet; x to the right and z up in metres, as seen from the front.

    Attributes:
        colour: (H, W, 3) float32 BGR, 0 to 255.
        alpha: (H, W) float32, 0 to 1.
    """

    def __init__(self, x0: float, x1: float, z0: float, z1: float, px_per_m: float = 560.0) -> None:
        self.box_m = x0, x1, z0, z1
        self._scale = px_per_m
        shape = round((z1 - z0) * px_per_m), round((x1 - x0) * px_per_m)
        self.colour: NDArray[np.float32] = np.zeros((*shape, 3), np.float32)
        self.alpha: NDArray[np.float32] = np.zeros(shape, np.float32)

    def grid_m(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """x (1, W) and z (H, 1) of the pixel centres."""
        x0, _, _, z1 = self.box_m
        height, width = self.alpha.shape
        x = x0 + (np.arange(width, dtype=np.float32) + 0.5) / self._scale
        z = z1 - (np.arange(height, dtype=np.float32) + 0.5) / self._scale
        return x[None, :].astype(np.float32), z[:, None].astype(np.float32)

    def mask(self, outline_m: ArrayLike, soft_m: float = 0.0, rounds: int = 3) -> NDArray[np.float32]:
        """Coverage (H, W) of a closed outline, its corners rounded; `soft_m` blurs the edge."""
        cover = np.zeros(self.alpha.shape, np.uint8)
        cv2.fillPoly(cover, [self._rounded(outline_m, rounds)], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        return self._softened(cover, soft_m)

    def ring(self, outline_m: ArrayLike, width_m: float, soft_m: float = 0.0) -> NDArray[np.float32]:
        """Coverage of a line along a closed outline."""
        cover = np.zeros(self.alpha.shape, np.uint8)
        line = max(1, round(width_m * self._scale))
        outline = self._rounded(outline_m, 3)
        cv2.polylines(cover, [outline], True, 255, line, cv2.LINE_AA, _SUBPIXEL_BITS)
        return self._softened(cover, soft_m)

    def _rounded(self, outline_m: ArrayLike, rounds: int) -> NDArray[np.int32]:
        """The outline with its corners rounded, in OpenCV's parts of a pixel."""
        x0, _, _, z1 = self.box_m
        points = rounded_outline(np.asarray(outline_m, np.float64), rounds)
        pixels = (points - (x0, z1)) * (self._scale, -self._scale) - 0.5
        return np.rint(pixels * 2**_SUBPIXEL_BITS).astype(np.int32)

    def _softened(self, cover: NDArray[np.uint8], soft_m: float) -> NDArray[np.float32]:
        layer = cover.astype(np.float32) / np.float32(255)
        if soft_m > 0:
            layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), soft_m * self._scale), np.float32)
        return layer

    def body(self, cover: NDArray[np.float32], colour: ArrayLike) -> None:
        """Lay an opaque `colour` ((3,) or (H, W, 3)) where `cover` is; this is what makes the sheet solid."""
        self.paint(cover, colour)
        self.alpha = np.maximum(self.alpha, cover)

    def paint(self, cover: NDArray[np.float32], colour: ArrayLike, strength: float = 1.0) -> None:
        """Blend `colour` over what is there, leaving the sheet's own outline as it is."""
        weight = (strength * cover)[..., None].astype(np.float32)
        self.colour += weight * (np.asarray(colour, np.float32) - self.colour)

    def shade(self, gain: NDArray[np.float32]) -> None:
        """Multiply the colours by a gain that broadcasts to (H, W)."""
        self.colour *= np.broadcast_to(gain, self.alpha.shape)[..., None]

    def texture(self) -> NDArray[np.uint8]:
        """(H, W, 4) uint8 BGRA."""
        layers = np.dstack([self.colour, 255 * self.alpha])
        return np.rint(np.clip(layers, 0, 255)).astype(np.uint8)

    def panel(self, bottom_y_m: float, top_y_m: float, bottom_z_m: float, top_z_m: float) -> Panel:
        """The sheet as a panel whose lower and upper edge lie at the given depths and heights."""
        x0, x1, _, _ = self.box_m
        upper, lower = (top_y_m, top_z_m), (bottom_y_m, bottom_z_m)
        corners = [(x0, *upper), (x1, *upper), (x1, *lower), (x0, *lower)]
        return Panel(self.texture(), np.array(corners))

    def upright(self, y_m: float) -> Panel:
        """The sheet as a vertical panel at depth `y_m`."""
        return self.panel(y_m, y_m, self.box_m[2], self.box_m[3])


def mirrored(half: Sequence[tuple[float, float]]) -> Points:
    """A closed outline from its right half, given from top to bottom, mirrored at x = 0."""
    right = np.array(half, np.float64)
    return np.vstack([right, right[::-1] * (-1, 1)])


def flipped(outline: Sequence[tuple[float, float]]) -> Points:
    """An outline mirrored at x = 0."""
    return np.array(outline, np.float64) * (-1, 1)


def disc(x: float, z: float, radius_x: float, radius_z: float | None = None) -> Points:
    """Outline of a disc or an ellipse."""
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    height = radius_x if radius_z is None else radius_z
    return np.column_stack([x + radius_x * np.cos(angle), z + height * np.sin(angle)])


def rounded_outline(points: Points, rounds: int) -> Points:
    """Cut the corners of a closed outline `rounds` times (Chaikin 1974); it tends to a smooth curve."""
    for _ in range(rounds):
        after = np.roll(points, -1, axis=0)
        points = np.stack([0.8 * points + 0.2 * after, 0.2 * points + 0.8 * after], axis=1).reshape(-1, 2)
    return points
