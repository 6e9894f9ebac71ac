"""The photographs of a set under hard conditions, to tell what each of them costs a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.files import make_folder, write_image
from pipeline.inference.letterbox import Letterbox
from pipeline.model.conditions import LIGHTS, VIEWS, under
from pipeline.model.measure import SIZE_PX
from pipeline.model.photographs import Photograph, Plate, write_index

SEED = 20261126


def condition_set(photographs: Sequence[Photograph], count: int, folder: Path) -> list[Photograph]:
    """Write `count` of the photographs that have a plate under every condition, 640x480, with an index, to a folder.

    They are taken evenly from the set; the same ones give the same images. The condition is the new photograph's
    `source`; of its plates the closest is kept.

    Returns:
        The photographs of the new index.
    """
    make_folder(folder)
    with_plate = [(photo, photo.closest) for photo in photographs if photo.closest is not None]
    taken = np.unique(np.linspace(0, len(with_plate) - 1, count).round().astype(int))
    made = []
    for number in taken:
        photo, plate = with_plate[number]
        image, box = photo.letterboxed(SIZE_PX)
        corners_px, in_photograph = box.to_input_px(plate.corners_px), _in_photograph(box)
        for place, name in enumerate((*LIGHTS, *VIEWS)):
            rng = np.random.default_rng((SEED, number, place))
            changed, moved_px = under(name, rng, image, corners_px)
            if name in LIGHTS:  # the letterbox has no weather
                changed = np.where(in_photograph, changed, image)
            path = folder / f"{number:04d}-{name.replace(' ', '-')}.png"
            write_image(path, changed)
            plates = (Plate(moved_px, plate.label),)
            made.append(Photograph(path, *SIZE_PX, "conditions", name, photo.group, plates))
    write_index(made, folder)
    return made


def _in_photograph(box: Letterbox) -> NDArray[np.bool_]:
    """(480, 640, 1), whether a pixel of the letterbox is one of the photograph."""
    (left, top), (width, height) = box.pad_px, box.content_px
    inside = np.zeros((*SIZE_PX[::-1], 1), np.bool_)
    inside[top : top + height, left : left + width] = True
    return inside
