"""A second look: the network again, on a crop around its first answer in which the plate has a canonical width.

A plate that is 60 px wide in the first input has corners that are known to a share of a heatmap cell of 8 px. In the
crop, taken from the image at its own resolution, the same cell is a smaller part of the plate. The weights are the
same; the crop is a quarter of the first input's area, and so is its cost. A corner that the first look saw on another
thing is looked for beside the other three. Where the four are on several plates there is a crop at each of them.

Where the first look is not sure of a plate, the second one sees the whole image, at half the size: a plate that fills
most of it, too large for the first look's filters, is then of a size that they know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.frames import PlateLocation, plate_width_px
from pipeline.inference.letterbox import Letterbox
from pipeline.inference.locator import MIN_PRESENCE, PlateLocator
from pipeline.inference.plate_shape import is_plate_shaped, plates_at, without_stray_corner
from pipeline.inference.session import NetworkSession

CROP_PX = (320, 240)
"""Width and height of the crop as the network sees it."""
PLATE_SHARE = 0.625
"""The plate's share of the crop's width, 200 px; the best of 0.4 to 0.78 on validation photographs."""
SURE_PRESENCE = 0.5
"""Where the first look gives less, the whole image is looked at again."""
LARGE_PX = 128
"""Such a look counts if the plate is at least this wide in its input: twice that in the first look's."""
SUPPOSED_SHARE = 0.28
"""Width of the plate that is supposed at each corner where the four are on several plates, of the image's width."""
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
    """Looks again where a first look at the whole image has found a plate, or may have missed a large one.

    Args:
        session: the network of the first look, with inputs of `CROP_PX`.
    """

    def __init__(self, session: NetworkSession) -> None:
        self._again = PlateLocator(session)

    def refine(
        self, images: Sequence[NDArray[np.uint8]], firsts: Sequence[PlateLocation]
    ) -> list[PlateLocation]:
        """The first look's answers made more exact, or replaced by that of a plate that was too large for it.

        Presence is that of the look which saw the whole image, but for a plate of which a corner went astray
        (`refined`), or whose corners were found on several plates.

        Raises:
            GateError: the network failed.
        """
        firsts = self._of_one_plate(images, firsts)
        large = self._large_plates(images, firsts)
        again = [
            index
            for index, first in enumerate(firsts)
            if index not in large and first.presence >= MIN_PRESENCE
        ]
        expected_px = {index: without_stray_corner(firsts[index].corners_px) for index in again}
        seconds = self._look([Region.around(expected_px[index], images[index]) for index in again])
        mended = {
            index: refined(firsts[index], expected_px[index], second)
            for index, second in zip(again, seconds, strict=True)
        }
        better = large | mended
        return [better.get(index, first) for index, first in enumerate(firsts)]

    def _of_one_plate(
        self, images: Sequence[NDArray[np.uint8]], firsts: Sequence[PlateLocation]
    ) -> list[PlateLocation]:
        """The first answers; instead of one with its corners on several plates the closest of these."""
        mended = list(firsts)
        for index, (image, first) in enumerate(zip(images, firsts, strict=True)):
            if first.presence >= MIN_PRESENCE and not is_plate_shaped(without_stray_corner(first.corners_px)):
                width_px = SUPPOSED_SHARE * max(image.shape[1], image.shape[0] * CROP_PX[0] / CROP_PX[1])
                plates = plates_at(first.corners_px, width_px)
                seen = self._look([Region.around(plate, image) for plate in plates])
                mended[index] = closest_of(seen) or first
        return mended

    def _large_plates(
        self, images: Sequence[NDArray[np.uint8]], firsts: Sequence[PlateLocation]
    ) -> dict[int, PlateLocation]:
        """The plates that were too large for the first look, by the index of their image."""
        unsure = [index for index, first in enumerate(firsts) if first.presence < SURE_PRESENCE]
        wholes = self._look([Region((0, 0), images[index]) for index in unsure])
        return {
            index: whole
            for index, whole in zip(unsure, wholes, strict=True)
            if whole.presence > firsts[index].presence and _is_large(whole, images[index])
        }

    def interrupt(self) -> None:
        """Make a `refine` in another thread, and every later one, end soon with a GateError."""
        self._again.interrupt()

    def _look(self, regions: Sequence[Region]) -> list[PlateLocation]:
        """The network's answers for some regions, in the pixels of the images that they were cut from."""
        answers = self._again.locate([region.pixels for region in regions])
        return [
            PlateLocation(answer.presence, answer.corners_px + region.origin_px, answer.corner_cov_px2)
            for answer, region in zip(answers, regions, strict=True)
        ]


def _is_large(location: PlateLocation, image: NDArray[np.uint8]) -> bool:
    """Whether the plate is `LARGE_PX` wide where the whole image is a crop."""
    box = Letterbox.fit((image.shape[1], image.shape[0]), CROP_PX)
    return plate_width_px(box.to_input_px(location.corners_px)) >= LARGE_PX


def closest_of(answers: Sequence[PlateLocation]) -> PlateLocation | None:
    """The widest plate of those answers that are at least half as sure as the surest; None if none can be a plate."""
    plates = [a for a in answers if a.presence >= MIN_PRESENCE and is_plate_shaped(a.corners_px)]
    enough = max((plate.presence for plate in plates), default=0.0) / 2
    sure = [plate for plate in plates if plate.presence >= enough]
    return max(sure, key=lambda plate: plate_width_px(plate.corners_px), default=None)


def refined(first: PlateLocation, expected_px: NDArray[np.float64], second: PlateLocation) -> PlateLocation:
    """The second answer's corners with the first one's covariances, unless it is about something else.

    The covariances are calibrated to hold for both: what limits the second look, the image's own resolution and edges
    that are not clear, does not show in a crop that is always of one size. Presence is that of the first look, which
    saw everything; but where a corner went astray it was read in part at the wrong place: there the second one's
    is taken.

    Args:
        first: the first look's answer.
        expected_px: its corners (4, 2), `without_stray_corner`.
        second: the answer to the crop around them.
    """
    moved_px = float(np.linalg.norm(second.corners_px - expected_px, axis=1).mean())
    if moved_px > SAME_PLATE_SHARE * plate_width_px(expected_px):
        return first
    presence = first.presence if expected_px is first.corners_px else second.presence
    return PlateLocation(presence, second.corners_px, first.corner_cov_px2)
