"""The picture of docs/accuracy.md, a frame of each drawn clip: `python docs/make_clips_picture.py`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from pipeline.model.tiles import tiled
from pipeline.synthetic.clips import CLIPS, DrawnClip
from pipeline.synthetic.render import frames
from pipeline.synthetic.scene import Scenario, Truth

PICTURE = Path(__file__).parent / "clips.jpg"
SIZE_PX, COLUMNS, LINE_PX = (320, 240), 4, 22
SHARE = 0.6


def frame_at(scenario: Scenario, share: float) -> tuple[np.ndarray, Truth]:
    """The frame (H, W, 3) of a clip before which this share of its frames has passed, with its truth."""
    time_s = float(scenario.times_s[int(share * len(scenario.times_s))])
    return next(frames(replace(scenario, frame_times_s=(time_s,))))


def tile(clip: DrawnClip) -> np.ndarray:
    """A frame of the clip, small, with its name below."""
    image, _ = frame_at(clip.make(), SHARE)
    return labelled(cv2.resize(image, SIZE_PX, interpolation=cv2.INTER_AREA), clip.name)


def labelled(picture: np.ndarray, text: str) -> np.ndarray:
    """The picture with a line of text below."""
    label = np.full((LINE_PX, picture.shape[1], 3), 255, np.uint8)
    cv2.putText(label, text, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack([picture, label])


def write_sheet(tiles: list[np.ndarray], columns: int, path: Path) -> None:
    """Write all tiles in rows of so many."""
    cv2.imwrite(str(path), tiled(tiles, columns, fill=255), [cv2.IMWRITE_JPEG_QUALITY, 86])


if __name__ == "__main__":
    write_sheet([tile(clip) for clip in CLIPS], COLUMNS, PICTURE)
