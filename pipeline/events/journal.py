"""Events in a file, one JSON object a line, each line written out at once.

A running gate appends to its file. A replay's file appears under its name only when the replay ended well: a
file that looks whole is whole.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.errors import GateError
from pipeline.events.codec import MAX_EVENT_BYTES, MalformedEventError, decode, encode
from pipeline.events.schema import Event

_log = logging.getLogger(__name__)


class EventJournal:
    """Appends events to `path`, after what is there already. Used by one thread."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            GateError: `path` is no regular file, or cannot be written to.
        """
        if path.exists() and not path.is_file():
            raise GateError(f"{path}: is no regular file; give the name of a file for the events")
        self.path = path
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise GateError(f"{path}: cannot write events there ({error.strerror})") from error

    def emit(self, event: Event, jpeg: bytes | None = None) -> None:
        """Append one event; crops are not recorded.

        Raises:
            GateError: the disk is full or failed.
        """
        line = encode(event) + b"\n"
        try:
            written = self._file.write(line)
        except OSError as error:
            raise GateError(f"{self.path}: cannot write events ({error.strerror})") from error
        if written != len(line):
            raise GateError(f"{self.path}: cannot write events (the disk is full)")

    def close(self) -> None:
        """Close the file. May be called again."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ReplayJournal(EventJournal):
    """Writes `<path>.part` and renames it to `path` when its `with` block ends without an exception.

    Until then an older file under that name stays as it is. After an exception the part is left where it is.
    """

    def __init__(self, path: Path) -> None:
        """Open the part, empty.

        Raises:
            GateError: `path` is no regular file, or its folder does not exist or cannot be written to.
        """
        # Renaming over a device such as /dev/null would replace it.
        if not path.name or (path.exists() and not path.is_file()):
            raise GateError(f"{path}: is no regular file; give the name of a file for the events")
        super().__init__(path.with_name(path.name + ".part"))
        self._file.truncate(0)
        self._final_path = path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is None:
            self.path.replace(self._final_path)
        else:
            _log.warning("the replay did not end well; its events up to there are in %s", self.path)


def read_journal(path: Path) -> Iterator[Event]:
    """The events of a file, in order.

    Raises:
        GateError: the file cannot be read, or a line of it is no event.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_EVENT_BYTES + 2):
                number += 1
                yield _decoded_line(path, number, line)
    except OSError as error:
        raise GateError(f"{path}: cannot read events ({error.strerror})") from error


def _decoded_line(path: Path, number: int, line: bytes) -> Event:
    try:
        return decode(line.rstrip(b"\r\n"))
    except MalformedEventError as error:
        raise GateError(f"{path}, line {number}: {error}") from error
