"""What recorded files and image folders share: they start, they end, and nobody has to wait for them."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Iterator

from pipeline.capture.source import Source
from pipeline.capture.timeline import Timeline
from pipeline.errors import GateError
from pipeline.frames import DropCounter, Frame


class Recording(Source):
    """A source that ends. It takes nothing from the host's clock, so that two runs give the same frames."""

    live = False

    def __init__(self, camera: str, label: str, drops: DropCounter) -> None:
        super().__init__(camera, label)
        self._drops = drops
        self._frames: Iterator[Frame] = iter(())

    def open(self) -> None:
        """Opens the recording and reads its first frame; opened again it starts again, in a new epoch."""
        self.close()
        frames = self._start(Timeline(self.camera, self.epoch + 1, self._drops))
        first = next(frames, None)
        if first is None:
            self.close()
            raise GateError(
                f"{self.label}: not one frame could be read with a usable time; if it plays, it carries no times: "
                "give it some with ffmpeg -r 25 -i RECORDING -c copy NEW.mp4"
            )
        self._frames = itertools.chain([first], frames)
        self.epoch += 1

    def read(self) -> Frame | None:
        """Next frame, None at the end."""
        return next(self._frames, None)

    def close(self) -> None:
        """Ends the reading."""
        self._frames = iter(())

    @abstractmethod
    def _start(self, timeline: Timeline) -> Iterator[Frame]:
        """Frames from the beginning, stamped by `timeline`.

        Raises:
            GateError: the recording is missing or cannot be read.
        """
