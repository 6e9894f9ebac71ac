"""Glyphs for drawn plates: text as a coverage mask, letter by letter with a plate's wide and even spacing.

OpenCV's own TrueType fonts are used (`cv2.FontFace`, OpenCV 5): they hold Latin, Arabic and CJK.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]


@dataclass(frozen=True)
class Lettering:
    """How a row is set.

    Attributes:
        face: "sans", "italic" or "uni" (OpenCV's fonts), or "stroke" (lines of even width).
        weight: 100 (thin) to 900 (black).
        gap: space between glyphs, in glyph heights.
    """

    face: str = "sans"
    weight: int = 600
    gap: float = 0.1


def row_mask(text: str, height_px: int, style: Lettering) -> Mask:
    """Coverage of one row of text, `height_px` high (capital height) and as wide as the text needs."""
    gap_px = max(1, round(style.gap * height_px))
    spacer = np.zeros((height_px, gap_px), np.uint8)
    blank = np.zeros((height_px, round(0.3 * height_px)), np.uint8)
    pieces: list[Mask] = []
    for glyph in re.findall("[ء-ي]+|.", text):  # Arabic letters join
        pieces += [blank if glyph == " " else glyph_mask(glyph, height_px, style), spacer]
    return np.hstack(pieces[:-1])


def glyph_mask(glyph: str, height_px: int, style: Lettering) -> Mask:
    """Coverage of one glyph, `height_px` high, cut to its ink at the left and right."""
    if style.face == "stroke" and glyph.isascii():
        return _cut_sides(_stroke_glyph(glyph, height_px, style.weight))
    face = "sans" if style.face == "stroke" else style.face
    size = max(4, round(height_px / _capital_height(face)))
    sheet = np.zeros((3 * size, 6 * size), np.uint8)  # Arabic runs to the left of the middle
    cv2.putText(sheet, glyph, (3 * size, 2 * size), 255, _font(face), size, style.weight)
    if glyph.isascii() or glyph.isdecimal() or glyph == "·":
        return _cut_sides(sheet[2 * size - height_px : 2 * size])
    return _fit_height(sheet, height_px)


def _stroke_glyph(glyph: str, height_px: int, weight: int) -> Mask:
    thickness = max(1, round(height_px * weight / 4200))
    scale = (height_px - thickness) / 21.0  # Hershey capitals are 21 units high
    sheet = np.zeros((height_px, 3 * height_px), np.uint8)
    baseline = height_px - thickness // 2 - 1
    face = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(sheet, glyph, (height_px // 2, baseline), face, scale, 255, thickness, cv2.LINE_AA)
    return sheet


def _cut_sides(sheet: Mask) -> Mask:
    x, _, width, _ = cv2.boundingRect(sheet)
    return sheet[:, x : x + max(width, 1)]


def _fit_height(sheet: Mask, height_px: int) -> Mask:
    """The ink of `sheet` scaled to `height_px`, but no wider than 1.3 times that (flat Arabic letters)."""
    x, y, width, height = cv2.boundingRect(sheet)
    if width == 0:
        return np.zeros((height_px, 1), np.uint8)
    scale = min(height_px / height, 1.3 * height_px / width)
    size = max(1, round(scale * width)), min(height_px, max(1, round(scale * height)))
    ink = cv2.resize(sheet[y : y + height, x : x + width], size, interpolation=cv2.INTER_AREA)
    out = np.zeros((height_px, size[0]), np.uint8)
    top = (height_px - size[1]) // 2
    out[top : top + size[1]] = ink
    return out


@cache
def _font(name: str) -> cv2.FontFace:
    return cv2.FontFace(name)


@cache
def _capital_height(name: str) -> float:
    """Height of a capital letter in units of the font's size."""
    sheet = np.zeros((400, 400), np.uint8)
    cv2.putText(sheet, "H", (100, 300), 255, _font(name), 200, 600)
    return cv2.boundingRect(sheet)[3] / 200.0
