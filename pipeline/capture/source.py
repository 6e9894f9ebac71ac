"""The seam of the capture stage: what a camera or a recording looks like to the rest of the program."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Self

from pipeline.files import as_text
from pipeline.frames import Frame


class SourceLost(Exception):
    """A live source cannot be reached, or stopped answering; another attempt may succeed.

    The text is the reason alone, without the source's address, and never holds a password.
    """


class Source(ABC):
    """Gives the frames of one camera or recording, in the order of their presentation times.

    `open`, `read` and `close` are called by one thread at a time; only `interrupt` may come from another one
    meanwhile. A live source can be opened again after it was lost, which starts a new epoch.

    Attributes:
        live: True for a camera, which can be lost and come back; False for a recording, which ends.
        camera: identifier that goes into every frame's stamp.
        label: what is read, fit for logs (no password).
        epoch: number of the current connection, from 1; 0 before the first one.
        size_px: (width, height) of a live source's frames in this epoch, None before the first one.
    """

    live: ClassVar[bool]

    def __init__(self, camera: str, label: str) -> None:
        self.camera = camera
        self.label = as_text(label)
        self.epoch = 0
        self.size_px: tuple[int, int] | None = None

    @abstractmethod
    def open(self) -> None:
        """Opens the source; on return its first frame has arrived and the epoch has begun.

        Raises:
            SourceLost: a live source gave no frame within its open time-out, or was interrupted.
            GateError: a recording is missing, broken or holds no frame.
        """

    @abstractmethod
    def read(self) -> Frame | None:
        """Next frame, or None at the end of a recording.

        Raises:
            SourceLost: a live source gave no usable frame within its read time-out, or was interrupted.
        """

    @abstractmethod
    def close(self) -> None:
        """Gives the source back; does nothing if it is not open."""

    def interrupt(self) -> None:  # noqa: B027 (a recording has nothing to interrupt)
        """Makes a blocked `open` or `read` of a live source, and all later ones, raise `SourceLost`."""

    @property
    def frame_count_hint(self) -> int | None:
        """About how many frames the recording holds (for a progress bar), None if unknown."""
        return None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
