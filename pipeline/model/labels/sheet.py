"""Sheets that show every labelled plate, so that a wrong corner is seen at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from pipeline.files import write_image
from pipeline.model.labels.quads import Points
from pipeline.model.tiles import Image, put_title, tiled

TILE_PX, VIEW_PX, PLATE_PX = (240, 212), (240, 140), (200, 50)
"""(width, height) of a tile, of the picture's part in it, and of the straightened plate below."""
TITLE_PX = 18
COLUMNS, ROWS = 6, 8
OUTLINE_BGR, TOP_LEFT_BGR = (0, 230, 60), (40, 40, 255)
PLATE_SHARE = 0.7
"""Share of the tile's width that the plate takes."""


def tile(image: Image, corners_px: Points, title: str) -> Image:
    """One plate: its surroundings with the outline and a red dot at its top left, and below the plate straightened.

    Writing that is upside down or mirrored in the straightened plate means corners in a wrong order.

    Args:
        image: (height, width, 3) uint8 BGR.
        corners_px: (4, 2) TL, TR, BR, BL.
        title: written above.
    """
    width, height = VIEW_PX
    span = np.ptp(corners_px, axis=0)
    zoom = PLATE_SHARE * min(width / span[0], height / span[1])
    middle = (corners_px.min(axis=0) + corners_px.max(axis=0)) / 2
    to_view = np.array([[zoom, 0, width / 2 - zoom * middle[0]], [0, zoom, height / 2 - zoom * middle[1]]])
    canvas = np.zeros((TILE_PX[1], TILE_PX[0], 3), np.uint8)
    view, plate = canvas[TITLE_PX:][:height], canvas[TITLE_PX + height + 2 :][: PLATE_PX[1]]
    view[:] = cv2.warpAffine(image, to_view, VIEW_PX, flags=cv2.INTER_LINEAR)
    plate[:, (width - PLATE_PX[0]) // 2 :][:, : PLATE_PX[0]] = straightened(image, corners_px)
    outline = np.round((corners_px @ to_view[:, :2].T + to_view[:, 2]) * 16).astype(np.int32)
    cv2.polylines(view, [outline], True, OUTLINE_BGR, 1, cv2.LINE_AA, shift=4)
    cv2.circle(view, outline[0].tolist(), 4 * 16, TOP_LEFT_BGR, -1, cv2.LINE_AA, shift=4)
    put_title(canvas, title[-34:])
    return canvas


def straightened(image: Image, corners_px: Points) -> Image:
    """The plate as if seen from the front, (50, 200, 3)."""
    width, height = PLATE_PX
    frame = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32) - np.float32(0.5)
    homography = cv2.getPerspectiveTransform(corners_px.astype(np.float32), frame)
    return np.asarray(cv2.warpPerspective(image, homography, PLATE_PX, flags=cv2.INTER_AREA), np.uint8)


def write_sheets(tiles: Sequence[Image], folder: Path) -> list[Path]:
    """Write `labels-01.png` and so on into a folder, in place of those of an earlier import."""
    for old in folder.glob("labels-[0-9]*.png"):
        old.unlink()
    paths = []
    for number, start in enumerate(range(0, len(tiles), COLUMNS * ROWS), start=1):
        paths.append(folder / f"labels-{number:02d}.png")
        write_image(paths[-1], tiled(tiles[start : start + COLUMNS * ROWS], COLUMNS, fill=0))
    return paths
