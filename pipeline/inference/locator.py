"""Where the plate is in each of some images: all that the rest of the program asks of the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.frames import PlateLocation
from pipeline.inference.letterbox import Letterbox
from pipeline.inference.session import CornerOutput, NetworkSession

MIN_PRESENCE = 0.02
"""Less likely plates are not looked at again."""


class Locator(Protocol):
    """What the gate needs: one look of the network (`PlateLocator`), or several (`SeveralLooks`)."""

    def locate(self, images: Sequence[NDArray[np.uint8]]) -> list[PlateLocation]:
        """One location for each (height, width, 3) uint8 BGR image, in that image's own pixels."""
        ...

    def interrupt(self) -> None:
        """Make a `locate` in another thread, and every later one, end soon with a GateError."""
        ...


class PlateLocator:
    """Locates plates with a running network; images of one call may differ in size."""

    def __init__(self, session: NetworkSession) -> None:
        self._session = session

    def locate(self, images: Sequence[NDArray[np.uint8]]) -> list[PlateLocation]:
        """One location for each (height, width, 3) uint8 BGR image, in that image's own pixels.

        Raises:
            GateError: the network failed.
        """
        step = self._session.max_batch
        parts = (images[start : start + step] for start in range(0, len(images), step))
        return [location for part in parts for location in self._locate_batch(part)]

    def interrupt(self) -> None:
        """Make a `locate` in another thread, and every later one, end soon with a GateError."""
        self._session.interrupt()

    def _locate_batch(self, images: Sequence[NDArray[np.uint8]]) -> list[PlateLocation]:
        input_px = self._session.input_size_px
        boxes = [Letterbox.fit((image.shape[1], image.shape[0]), input_px) for image in images]
        batch = letterbox_batch(images, boxes, input_px, self._session.batch_size_for(len(images)))
        return decode(self._session.run(batch), boxes)


def letterbox_batch(
    images: Sequence[NDArray[np.uint8]], boxes: Sequence[Letterbox], input_px: tuple[int, int], size: int
) -> NDArray[np.uint8]:
    """The images as one (size, height, width, 3) array; places beyond the last image are black."""
    batch = np.zeros((size, input_px[1], input_px[0], 3), np.uint8)
    for image, box, target in zip(images, boxes, batch, strict=False):
        box.draw(image, target)
    return batch


def decode(output: CornerOutput, boxes: Sequence[Letterbox]) -> list[PlateLocation]:
    """The network's answers in each image's own pixels; answers beyond the last box belong to padding."""
    return [
        PlateLocation(
            presence=float(output.presence[index]),
            corners_px=box.to_image_px(output.corners_px[index]),
            corner_cov_px2=box.cov_to_image_px2(output.corner_cov_px2[index]),
        )
        for index, box in enumerate(boxes)
    ]
