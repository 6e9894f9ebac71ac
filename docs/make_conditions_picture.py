"""The picture of docs/accuracy.md, a drawn frame under each condition: `python docs/make_conditions_picture.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from make_clips_picture import frame_at, labelled, write_sheet

from pipeline.annotate import draw_location
from pipeline.config import ModelConfig
from pipeline.inference.letterbox import Letterbox
from pipeline.inference.locator import letterbox_batch
from pipeline.inference.looks import open_locator
from pipeline.model.conditions import LIGHTS, VIEWS, under
from pipeline.model.measure import SIZE_PX
from pipeline.synthetic.clips import clip_named

PICTURE = Path(__file__).parent / "conditions.jpg"
TILE_PX, COLUMNS = (320, 240), 5
SHARE = 0.85


def drawn_frame() -> tuple[np.ndarray, np.ndarray]:
    """A frame of the clip `approach` as the network sees it, (480, 640, 3), and the plate's corners (4, 2)."""
    image, truth = frame_at(clip_named("approach").make(), SHARE)
    box = Letterbox.fit(image.shape[1::-1], SIZE_PX)
    (view,) = letterbox_batch([image], [box], SIZE_PX, size=1)
    return view, box.to_input_px(truth.corners_px)


def tile(picture: np.ndarray, corners_px: np.ndarray, name: str, error_px: float) -> np.ndarray:
    """The surroundings of the plate, with the condition and the error below."""
    left, top = np.clip(
        corners_px.mean(axis=0) - np.array(TILE_PX) / 2, 0, np.subtract(SIZE_PX, TILE_PX)
    ).astype(int)
    return labelled(picture[top : top + TILE_PX[1], left : left + TILE_PX[0]], f"{name}: {error_px:.1f} px")


def main() -> None:
    """Write the picture."""
    config = ModelConfig(provider="cpu")
    locator, _ = open_locator(config)
    image, corners_px = drawn_frame()
    tiles = []
    for place, name in enumerate((*LIGHTS, *VIEWS)):
        changed, moved_px = under(name, np.random.default_rng(place), image, corners_px)
        (answer,) = locator.locate([changed])
        error_px = float(np.linalg.norm(answer.corners_px - moved_px, axis=1).mean())
        picture = draw_location(changed, answer, config.presence_threshold)
        tiles.append(tile(picture, moved_px, name, error_px))
    write_sheet(tiles, COLUMNS, PICTURE)


if __name__ == "__main__":
    main()
