"""Several looks at one image: the first finds the plate, each further one makes its corners more exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.config import ModelConfig
from pipeline.frames import PlateLocation
from pipeline.inference.locator import Locator, PlateLocator
from pipeline.inference.model_file import EDGE_CORNERS, RECTIFIED_CORNERS
from pipeline.inference.rectified_look import RectifiedLook
from pipeline.inference.rectify import INPUT_PX
from pipeline.inference.second_look import CROP_PX, SecondLook
from pipeline.inference.session import CornerSession
from pipeline.inference.start_session import open_session


class Look(Protocol):
    """What looks again where a plate was found: `SecondLook`, `RectifiedLook`."""

    def refine(
        self, images: Sequence[NDArray[np.uint8]], locations: Sequence[PlateLocation]
    ) -> list[PlateLocation]:
        """Better answers than the given ones, one for each image."""
        ...

    def interrupt(self) -> None:
        """Make a `refine` in another thread, and every later one, end soon with a GateError."""
        ...


class SeveralLooks:
    """A locator whose answers are refined by further looks, one after the other."""

    def __init__(self, first: Locator, further: Sequence[Look]) -> None:
        self._first, self._further = first, further

    def locate(self, images: Sequence[NDArray[np.uint8]]) -> list[PlateLocation]:
        """One location for each (height, width, 3) uint8 BGR image, in that image's own pixels.

        Raises:
            GateError: a network failed.
        """
        locations = self._first.locate(images)
        for look in self._further:
            locations = look.refine(images, locations)
        return locations

    def interrupt(self) -> None:
        """Make a `locate` in another thread, and every later one, end soon with a GateError."""
        self._first.interrupt()
        for look in self._further:
            look.interrupt()


def open_locator(config: ModelConfig) -> tuple[Locator, CornerSession]:
    """The locator that a configuration asks for, ready to run, and the session of its first look.

    Raises:
        GateError: not a plate-corner model, or no provider that `config` allows works here.
    """
    session = open_session(config)
    return SeveralLooks(PlateLocator(session), open_further_looks(config)), session


def open_further_looks(config: ModelConfig) -> list[Look]:
    """The looks that a configuration asks for after the first.

    Raises:
        GateError: as `open_locator`.
    """
    further: list[Look] = []
    if config.second_look:
        further.append(SecondLook(open_session(config, input_size_px=CROP_PX)))
    if config.rectified_look:
        further.append(open_rectified_look(config))
        if config.edge_look:  # it sees a few pixels around the rectified look's answer, and knows its errors
            further.append(open_edge_look(config))
    return further


def open_rectified_look(config: ModelConfig) -> RectifiedLook:
    """The rectified look with the network that a configuration names.

    Raises:
        GateError: not a network for rectified views, or no provider that `config` allows works here.
    """
    rectified = msgspec.structs.replace(config, path=config.rectified_path)
    return RectifiedLook(open_session(rectified, input_size_px=INPUT_PX, task=RECTIFIED_CORNERS))


def open_edge_look(config: ModelConfig) -> RectifiedLook:
    """The edge look with the network that a configuration names.

    Raises:
        GateError: not a network for edges in rectified views, or no provider that `config` allows works here.
    """
    edges = msgspec.structs.replace(config, path=config.edge_path)
    session = open_session(edges, input_size_px=INPUT_PX, task=EDGE_CORNERS)
    return RectifiedLook(session, rounds=1)
