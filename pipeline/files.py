"""Images and TOML that may be broken; files that appear only when they are whole, never in place of what is read."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import GateError


def read_image(path: Path) -> NDArray[np.uint8] | None:
    """(height, width, 3) BGR, None if the file is missing or holds no image that can be decoded."""
    # OpenCV gets the bytes, as it crashes on names that are no UTF-8. It raises for an empty file, and for a header
    # with a size that nobody has memory for.
    try:
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    return None if image is None else np.asarray(image, np.uint8)


def natural_order(name: str) -> tuple[list[int | str], str]:
    """Sort key that counts: "frame9" before "frame10"; the name itself decides between equals such as "1" and "01"."""
    parts = re.split(r"(\d+)", name.lower())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name


def read_toml(path: Path, content: str) -> dict[str, Any]:
    """What a TOML file holds; a byte order mark, as Windows' editors write it, is no part of that.

    Args:
        path: the file.
        content: what it holds, for error texts: "configuration".

    Raises:
        GateError: it cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise GateError(f"{path}: cannot read the {content}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise GateError(f"{path}: not a text file in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise GateError(f"{path}: not valid TOML: {error}") from error
    except RecursionError as error:
        raise GateError(f"{path}: not valid TOML: nested too deeply") from error


def write_image(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an image (height, width, 3) BGR in the format that its name ends on.

    Raises:
        GateError: OpenCV writes no such format, or it cannot be written there.
    """
    try:
        encoded, data = cv2.imencode(path.suffix, image)
    except cv2.error:
        encoded = False
    if not encoded:
        raise GateError(
            f"{path}: an image cannot be written as {path.suffix!r}; give a name that ends on .jpg or .png"
        )
    write_whole(path, "image", data.tobytes())


def as_text(name: str) -> str:
    """A file's name, or what tells of some, for reports and logs: bytes that are no UTF-8 become numbers."""
    return name.encode(errors="backslashreplace").decode()


def make_folder(folder: Path) -> None:
    """Make a folder for results, and those that it lies in; one that is there stays as it is.

    Raises:
        GateError: a file is there, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GateError(f"{folder}: cannot make a folder there ({error.strerror})") from error


class PartFile:
    """`<path>.part`, which gets its real name when it is finished, so that a file that looks whole is whole.

    As a `with` block it is finished at its end, and removed after an exception. Until then an older file under that
    name stays as it is. A place that cannot be written to is found at once, not after hours of work.

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
        self.path, self._content = path, content
        try:
            # Renaming over a device such as /dev/null would replace it.
            if not path.name or (path.exists() and not path.is_file()):
                raise GateError(f"{path}: is no regular file; give the name of a file for the {content}")
            self.part = _part_of(path)
            self.part.write_bytes(b"")
        except OSError as error:
            raise self.error(error) from error

    def error(self, error: OSError) -> GateError:
        """What to tell of a failure to write."""
        return GateError(f"{self.path}: cannot write the {self._content} there ({error.strerror})")

    def write(self, data: bytes) -> None:
        """Write all of it.

        Raises:
            GateError: the disk is full or failed.
        """
        try:
            self.part.write_bytes(data)
        except OSError as error:
            raise self.error(error) from error

    def finish(self) -> None:
        """Give the part its name.

        Raises:
            GateError: it is gone, or its name was taken by a folder.
        """
        try:
            self.part.replace(self.path)
        except OSError as error:
            raise self.error(error) from error

    def discard(self) -> None:
        """Remove the part."""
        self.part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        else:
            self.discard()


def _part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def write_whole(path: Path, content: str, data: bytes) -> None:
    """Write a file that appears under its name when it is whole; until then an older one stays.

    Args:
        path: the file.
        content: what it holds, for error texts: "report".
        data: all of it.

    Raises:
        GateError: it cannot be written there.
    """
    with PartFile(path, content) as whole:
        whole.write(data)


def check_places(places: Mapping[Path, str]) -> None:
    """Make sure that files can be written to these places; the values are what they will hold.

    Raises:
        GateError: one cannot.
    """
    for path, content in places.items():
        PartFile(path, content).discard()


def refuse_overwriting(written: Iterable[Path | None], read: Iterable[Path | None]) -> None:
    """Make sure that nothing that is read is written to, and nothing is written twice, parts included. None is no file.

    Raises:
        GateError: it would be.
    """
    taken = {os.path.realpath(path) for path in read if path is not None}
    for path in written:
        if path is None or not path.name:  # the latter is refused where it is opened
            continue
        own = {os.path.realpath(path), os.path.realpath(_part_of(path))}
        if own & taken:
            raise GateError(
                f"{path}: is read or written by this command already; give another name or folder"
            )
        taken |= own
