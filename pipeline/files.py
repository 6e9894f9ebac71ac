"""Images that may be broken, and files that appear only when they are whole, never in the place of what is read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import GateError


def read_image(path: Path) -> NDArray[np.uint8] | None:
    """(height, width, 3) BGR, None if the file is missing or holds no image that can be decoded."""
    try:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error:  # as where a header states a size that nobody has memory for
        return None
    return None if image is None else np.asarray(image, np.uint8)


class PartFile:
    """`<path>.part`, which gets its real name when it is finished, so that a file that looks whole is whole.

    Until then an older file under that name stays as it is. A place that cannot be written to is found at once, not
    after hours of work.

    Attributes:
        path: the file's name in the end.
        part: where to write.
    """

    def __init__(self, path: Path, content: str) -> None:
        """Make an empty part.

        Args:
            path: the file's name in the end.
            content: what it will hold, for error texts: "events".

        Raises:
            GateError: `path` is no regular file, or its folder does not exist or cannot be written to.
        """
        # Renaming over a device such as /dev/null would replace it.
        if not path.name or (path.exists() and not path.is_file()):
            raise GateError(f"{path}: is no regular file; give the name of a file for the {content}")
        self.path, self.part = path, path.with_name(path.name + ".part")
        try:
            self.part.write_bytes(b"")
        except OSError as error:
            raise GateError(f"{path}: cannot write the {content} there ({error.strerror})") from error

    def finish(self) -> None:
        """Give the part its name."""
        self.part.replace(self.path)

    def discard(self) -> None:
        """Remove the part."""
        self.part.unlink(missing_ok=True)


def refuse_overwriting(written: Iterable[Path | None], read: Iterable[Path]) -> None:
    """Make sure that nothing that is read is written to, and nothing is written twice. None is no file.

    Raises:
        GateError: it would be.
    """
    taken = {path.resolve() for path in read}
    for path in written:
        if path is None:
            continue
        if path.resolve() in taken:
            raise GateError(
                f"{path}: is read or written by this command already; give another name or folder"
            )
        taken.add(path.resolve())
