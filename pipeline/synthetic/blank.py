"""The sheet a plate is drawn on: boxes in millimetres, colours in BGR, and the relief of what is embossed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.synthetic.lettering import Lettering, row_mask

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in millimetres from the plate's top left corner


class Blank:
    """A plate in the making.

    Attributes:
        width_mm, height_mm: size of the plate, outer edge to outer edge.
        image: (H, W, 3) uint8 BGR.
        relief: (H, W) uint8, 255 where the sheet is raised.
    """

    def __init__(
        self, width_m: float, height_m: float, px_per_m: float, colour: Colour = (240, 240, 240)
    ) -> None:
        self.width_mm, self.height_mm = 1000.0 * width_m, 1000.0 * height_m
        self._px_per_mm = px_per_m / 1000.0
        shape = max(8, round(height_m * px_per_m)), max(8, round(width_m * px_per_m))
        self.image: NDArray[np.uint8] = np.full((*shape, 3), colour, np.uint8)
        self.relief: NDArray[np.uint8] = np.zeros(shape, np.uint8)

    def px(self, length_mm: float) -> int:
        """A length in whole pixels."""
        return round(length_mm * self._px_per_mm)

    def part(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """A box from fractions of the sheet."""
        return x0 * self.width_mm, y0 * self.height_mm, x1 * self.width_mm, y1 * self.height_mm

    def fill(self, colour: Colour, box: Box | None = None) -> None:
        """Paint a box, or the whole sheet."""
        if box is None:
            self.image[:] = colour
            return
        rows, columns = self._slices(box)
        self.image[rows, columns] = colour

    def border(self, colour: Colour, inset_mm: float, line_mm: float, radius_mm: float) -> None:
        """Draw and emboss a line around the sheet, `inset_mm` inside its edge."""
        corner_mm = inset_mm, inset_mm, self.width_mm - inset_mm, self.height_mm - inset_mm
        outer = self.rounded(corner_mm, radius_mm)
        x0, y0, x1, y1 = corner_mm
        inner = self.rounded((x0 + line_mm, y0 + line_mm, x1 - line_mm, y1 - line_mm), radius_mm - line_mm)
        self.ink(outer - np.minimum(inner, outer), (0, 0), colour)

    def rounded(self, box: Box, radius_mm: float) -> NDArray[np.uint8]:
        """Coverage (H, W) of a box with rounded corners, anti-aliased."""
        height, width = self.relief.shape
        x0, y0, x1, y1 = (float(self._px_per_mm * value) for value in box)
        radius = max(float(radius_mm * self._px_per_mm), 0.01)
        # Distance to a rounded box, from the separable distances to the box shrunk by the radius.
        x = np.arange(width, dtype=np.float32) + 0.5
        y = np.arange(height, dtype=np.float32) + 0.5
        dx = np.maximum(x0 + radius - x, x - (x1 - radius))
        dy = np.maximum(y0 + radius - y, y - (y1 - radius))
        outside = cv2.magnitude(
            np.broadcast_to(np.maximum(dx, 0), (height, width)).copy(),
            np.broadcast_to(np.maximum(dy, 0)[:, None], (height, width)).copy(),
        )
        inside = np.minimum(np.maximum(dx[None, :], dy[:, None]), 0)
        return np.rint(np.clip(radius + 0.5 - outside - inside, 0, 1) * 255).astype(np.uint8)

    def write(self, text: str, box: Box, colour: Colour, style: Lettering, align: float = 0.5) -> None:
        """Set one row as high as the box, condensed if it is too wide; `align` 0 is left, 1 is right."""
        x0, y0, x1, y1 = box
        width, height = max(2, self.px(x1 - x0)), max(3, self.px(y1 - y0))
        mask = row_mask(text, height, style)
        if mask.shape[1] > width:
            condensed = max(0.62, width / mask.shape[1])  # past this, letters get lower as well
            scale = width / (mask.shape[1] * condensed)
            size = width, max(2, round(height * scale))
            mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.uint8)
        left = self.px(x0) + round(align * (width - mask.shape[1]))
        top = self.px(y0) + (height - mask.shape[0]) // 2
        self.ink(mask, (left, top), colour)

    def disc(self, centre_mm: tuple[float, float], radius_mm: float, colour: Colour) -> None:
        """Paint a disc, anti-aliased; it is not embossed."""
        centre = tuple(round(8 * value * self._px_per_mm) for value in centre_mm)  # in eighths of a pixel
        radius = max(1, round(8 * radius_mm * self._px_per_mm))
        cv2.circle(self.image, centre, radius, colour, -1, cv2.LINE_AA, 3)

    def ink(self, mask: NDArray[np.uint8], left_top_px: tuple[int, int], colour: Colour) -> None:
        """Blend `colour` in where `mask` covers and raise the sheet there; what leaves the sheet is cut."""
        left, top = left_top_px
        height, width = self.relief.shape
        mask = mask[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
        left, top = max(0, left), max(0, top)
        area = slice(top, top + mask.shape[0]), slice(left, left + mask.shape[1])
        if mask.size:
            cover = cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR)
            paint = cv2.multiply(np.full_like(cover, colour), cover, scale=1 / 255)
            paper = cv2.multiply(self.image[area], 255 - cover, scale=1 / 255)
            self.image[area] = cv2.add(paint, paper)
            self.relief[area] = cv2.max(self.relief[area], mask)

    def _slices(self, box: Box) -> tuple[slice, slice]:
        x0, y0, x1, y1 = (max(0, self.px(value)) for value in box)
        return slice(y0, y1), slice(x0, x1)
