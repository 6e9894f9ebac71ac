"""A second look: the network again, on a crop around its first answer in which the plate has a canonical width.

A plate that is 60 px wide in the first input has corners that are known to a share of a heatmap cell of 8 px. In the
crop, taken from the image at its own resolution, the same cell is a smaller part of the plate. Large plates, shrunk,
are seen whole. The weights are the same; the crop is a quarter of the first input's area, and so is its cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.config import ModelConfig
from pipeline.frames import PlateLocation, plate_width_px
from pipeline.inference.letterbox import Letterbox
from pipeline.inference.locator import Locator, PlateLocator, decode, letterbox_batch
from pipeline.inference.session import CornerSession, NetworkSession, open_session

CROP_PX = (320, 240)
"""Width and height of the crop as the network sees it."""
PLATE_SHARE = 0.625
"""The plate's share of the crop's width, 200 px; the best of 0.4 to 0.78 on validation photographs."""
MIN_PRESENCE = 0.02
"""Less likely plates are not looked at again."""
SAME_PLATE_SHARE = 0.25
"""A second answer that differs by more than this share of the plate's width is another thing, and is not taken."""


@dataclass(frozen=True, eq=False)
class Region:
    """A rectangle of whole pixels of an image: its upper left pixel and the pixels themselves."""

    origin_px: tuple[int, int]
    pixels: NDArray[np.uint8]

    @classmethod
    def around(cls, corners_px: NDArray[np.float64], image: NDArray[np.uint8]) -> Region:
        """The crop's part of an image (height, width, 3): moved inwards at its borders, cut where it is larger."""
        width_px = plate_width_px(corners_px) / PLATE_SHARE
        wanted = np.array([width_px, width_px * CROP_PX[1] / CROP_PX[0]])
        size = np.clip(np.rint(wanted).astype(int), 16, image.shape[1::-1])
        first = np.rint(corners_px.mean(axis=0) - (size - 1) / 2).astype(int)
        left, top = np.clip(first, 0, np.array(image.shape[1::-1]) - size)
        return cls((int(left), int(top)), image[top : top + size[1], left : left + size[0]])


class SecondLook:
    """A locator that looks again where another one has found a plate.

    Args:
        first: finds the plate.
        session: the same network with inputs of `CROP_PX`.
    """

    def __init__(self, first: Locator, session: NetworkSession) -> None:
        self._first, self._session = first, session

    def locate(self, images: Sequence[NDArray[np.uint8]]) -> list[PlateLocation]:
        """One location for each (height, width, 3) uint8 BGR image, in that image's own pixels.

        Raises:
            GateError: the network failed.
        """
        return self.refine(images, self._first.locate(images))

    def refine(
        self, images: Sequence[NDArray[np.uint8]], firsts: Sequence[PlateLocation]
    ) -> list[PlateLocation]:
        """The first look's answers made more exact; presence stays that of the first look, which saw everything."""
        locations = list(firsts)
        again = [index for index, location in enumerate(locations) if location.presence >= MIN_PRESENCE]
        step = self._session.max_batch
        for start in range(0, len(again), step):
            part = again[start : start + step]
            regions = [Region.around(locations[index].corners_px, images[index]) for index in part]
            for index, second in zip(part, self._look(regions), strict=True):
                locations[index] = refined(locations[index], second)
        return locations

    def interrupt(self) -> None:
        """Make a `locate` in another thread, and every later one, end soon with a GateError."""
        self._first.interrupt()
        self._session.interrupt()

    def _look(self, regions: Sequence[Region]) -> list[PlateLocation]:
        """The network's answers for some regions, in the pixels of the images that they were cut from."""
        crops = [region.pixels for region in regions]
        boxes = [Letterbox.fit((crop.shape[1], crop.shape[0]), CROP_PX) for crop in crops]
        batch = letterbox_batch(crops, boxes, CROP_PX, self._session.batch_size_for(len(crops)))
        answers = decode(self._session.run(batch), boxes)
        return [
            PlateLocation(answer.presence, answer.corners_px + region.origin_px, answer.corner_cov_px2)
            for answer, region in zip(answers, regions, strict=True)
        ]


def open_locator(config: ModelConfig) -> tuple[Locator, CornerSession]:
    """The locator that a configuration asks for, ready to run, and the session of its first look.

    Raises:
        GateError: not a plate-corner model, or no provider that `config` allows works here.
    """
    session = open_session(config)
    first = PlateLocator(session)
    if not config.second_look:
        return first, session
    return SecondLook(first, open_session(config, input_size_px=CROP_PX)), session


def refined(first: PlateLocation, second: PlateLocation) -> PlateLocation:
    """The second answer's corners with the first one's presence and covariances, unless it is about something else.

    The covariances are calibrated to hold for both: what limits the second look, the image's own resolution and edges
    that are not clear, does not show in a crop that is always of one size.
    """
    moved_px = float(np.linalg.norm(second.corners_px - first.corners_px, axis=1).mean())
    if moved_px > SAME_PLATE_SHARE * plate_width_px(first.corners_px):
        return first
    return PlateLocation(first.presence, second.corners_px, first.corner_cov_px2)
