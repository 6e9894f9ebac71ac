"""Events in a file, one JSON object a line, each line written out at once.

A running gate appends to its file. A replay's file appears under its name only when the replay ended well: a
file that looks whole is whole.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pipeline.errors import GateError
from pipeline.events.codec import MAX_EVENT_BYTES, MalformedEventError, decode, encode
from pipeline.events.schema import Event
from pipeline.files import PartFile

_BEGINNING = b'{"schema":'  # of every event

_log = logging.getLogger(__name__)


class EventJournal:
    """Appends events to `path`, after what is there already. Used by one thread.

    A gate must not end because its disk is full: an event that cannot be written is left out, and the log says so once.
    A file that was moved away, as log rotation does, is begun anew under its name.
    """

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            GateError: `path` is no regular file, ends with something that is no event, is another gate's, or cannot be
            written to.
        """
        whole_length(path)  # refuses what is no journal, which opening might wait for
        self.path, self._left_out = path, 0
        try:
            self._file = _opened_alone(path)
            whole = whole_length(path)
            if whole < self._file.seek(0, os.SEEK_END):
                _log.warning("%s: the event at its end is not whole and is taken away", path)
                self._file.truncate(whole)
        except BlockingIOError as error:
            raise GateError(
                f"{path}: another program writes its events there; give each gate a journal of its own"
            ) from error
        except OSError as error:
            raise GateError(f"{path}: cannot write the events there ({error.strerror})") from error

    def emit(self, event: Event, jpeg: bytes | None = None) -> None:
        """Append one event; crops are not recorded."""
        try:
            self._follow_rotation()
            self._append(encode(event) + b"\n")
        except OSError as error:
            if self._left_out == 0:
                _log.error(
                    "%s: cannot write the events there (%s); the gate goes on", self.path, error.strerror
                )
            self._left_out += 1
        else:
            if self._left_out:
                _log.warning(
                    "%s: events are written again; %d of them are missing", self.path, self._left_out
                )
            self._left_out = 0

    def _append(self, line: bytes) -> None:
        """Write a whole line or nothing of it."""
        before = self._file.seek(0, os.SEEK_END)
        if self._file.write(line) != len(line):
            self._file.truncate(before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _follow_rotation(self) -> None:
        try:
            there = os.path.samestat(self.path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            there = False
        if not there:
            begun = _opened_alone(self.path)
            self._file.close()
            self._file = begun

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

    Until then an older file under that name stays as it is. After an exception the part is left where it is. An event
    that cannot be written ends the replay.
    """

    def __init__(self, path: Path) -> None:
        """Open the part, empty.

        Raises:
            GateError: `path` is no regular file, or its folder does not exist or cannot be written to.
        """
        self._whole = PartFile(path, "events")
        super().__init__(self._whole.part)

    def emit(self, event: Event, jpeg: bytes | None = None) -> None:
        """Append one event; crops are not recorded.

        Raises:
            GateError: the disk is full or failed.
        """
        try:
            self._append(encode(event) + b"\n")
        except OSError as error:
            raise GateError(f"{self.path}: cannot write the events there ({error.strerror})") from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is None:
            self._whole.finish()
        else:
            _log.warning("the replay did not end well; its events up to there are in %s", self.path)


def _opened_alone(path: Path) -> FileIO:
    """The file, for appending, locked against other gates.

    Raises:
        OSError: it cannot be opened; a BlockingIOError if somebody else has it.
    """
    file = path.open("ab", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise
    except OSError:
        pass  # a file system without locks
    return file


def whole_length(path: Path) -> int:
    """Bytes of a journal without the half event that a full disk or a power cut left at its end; 0 if there is none.

    Raises:
        GateError: it cannot be read, is no regular file, or its last line is no event.
    """
    try:
        if not path.exists():
            return 0
        if not path.is_file():
            raise GateError(f"{path}: is no regular file; give the name of a file for the events")
        with path.open("rb") as file:
            end = _end_before_zeros(file)
            begin = max(0, end - MAX_EVENT_BYTES - 2)  # with the end of the line before
            file.seek(begin)
            before, _, half = file.read(end - begin).rpartition(b"\n")
    except OSError as error:
        raise GateError(f"{path}: cannot write the events there ({error.strerror})") from error
    last = half or before.rpartition(b"\n")[2]
    if not _BEGINNING.startswith(last[: len(_BEGINNING)]):
        raise GateError(f"{path}: its last line is no event; give the name of another file for the events")
    return end - len(half)


def _end_before_zeros(file: BinaryIO) -> int:
    """Length of a file without the zeros at its end, as some file systems leave them after a power cut."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - MAX_EVENT_BYTES)
        file.seek(start)
        block = file.read(end - start).rstrip(b"\0")
        if block:
            return start + len(block)
        end = start
    return 0


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
