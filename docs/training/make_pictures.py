"""Makes the pictures of docs/training.md, all of them drawn: python docs/training/make_pictures.py

Run it from the repository's root.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.model import import_labels
from pipeline.synthetic import rehearsal
from pipeline.synthetic.paste import UNCHANGED, mounted, paste_plate
from pipeline.synthetic.plates import PX_PER_M, draw_plate

HERE = Path(__file__).parent.resolve()
CORNERS = np.array([(70.0, 75), (690, 110), (686, 250), (66, 225)])
NAMES = ("top left", "top right", "bottom right", "bottom left")
HERE_BGR, EDGE_BGR = (0, 0, 235), (0, 150, 255)
TEXT_BGR, BODY_BGR = (255, 255, 255), (150, 120, 100)
SEED, ZOOM, INSET_PX = 9, 5, (440, 320)


def corner_picture() -> NDArray[np.uint8]:
    """A plate in its holder with the four points to mark, and its bottom right corner enlarged."""
    rng = np.random.default_rng(SEED)
    texture, outer = mounted(rng, draw_plate(rng, 0.52, 0.11), CORNERS, PX_PER_M)
    image = np.full((320, 760, 3), BODY_BGR, np.uint8)
    image = paste_plate(rng, image, texture, outer, light=UNCHANGED, blur_px=0.6, noise_sd=1.0)
    left, top = (CORNERS[2] - np.array(INSET_PX) / (2 * ZOOM)).astype(int)
    width, height = (side // ZOOM for side in INSET_PX)
    inset = cv2.resize(
        image[top : top + height, left : left + width], INSET_PX, interpolation=cv2.INTER_CUBIC
    )
    mark(image, CORNERS, 1.0, NAMES)
    mark(inset, (CORNERS - (left, top) + 0.5) * ZOOM - 0.5, 2.5, ("", "", "where both edges meet", ""))
    return np.hstack([image, np.full((320, 8, 3), 255, np.uint8), inset])


def mark(image: NDArray, corners: NDArray[np.float64], size: float, names: tuple[str, ...]) -> None:
    """Draw the edges, lengthened beyond the corners, and a cross with its name at each corner."""
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        beyond = 40 * size * (end - start) / np.linalg.norm(end - start)
        ends = np.round(np.array([start - beyond, end + beyond]) * 16).astype(int).tolist()
        cv2.line(image, *ends, EDGE_BGR, 1, cv2.LINE_AA, shift=4)
    for corner, name in zip(corners, names, strict=True):
        centre = np.round(corner * 16).astype(int).tolist()
        cv2.circle(image, centre, round(5 * size * 16), HERE_BGR, round(2 * size), cv2.LINE_AA, shift=4)
        below = corner[1] > 0.45 * image.shape[0]
        place = (int(corner[0]) - round(60 * size**0.5), int(corner[1]) + (50 if below else -26))
        cv2.putText(image, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.55, TEXT_BGR, 1, cv2.LINE_AA)


def sheet() -> NDArray[np.uint8]:
    """The sheet that the import writes for twelve pictures of the drawn gate."""
    with tempfile.TemporaryDirectory() as folder:
        rehearsal.main(["--out", folder, "--passages", "6"])
        import_labels.main([f"{folder}/pictures", "--out", f"{folder}/set"])
        return np.asarray(cv2.imread(f"{folder}/set/labels-01.png"), np.uint8)


if __name__ == "__main__":
    cv2.imwrite(str(HERE / "corners.png"), corner_picture(), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    cv2.imwrite(str(HERE / "labels.jpg"), sheet(), [cv2.IMWRITE_JPEG_QUALITY, 88])
