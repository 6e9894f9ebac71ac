"""Collects frames of several cameras into batches for the network.

A GPU runs a batch faster than its images one by one, so frames that are there together go together.
Waiting costs latency, so it ends at a deadline, and a single camera never waits. A replay has no deadline: it
waits for full batches, so that the same recordings always give the same batches.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from pipeline.frames import Frame


class Inbox(Protocol):
    """What the batcher needs of a capture mailbox; each change notifies the condition that all share."""

    @property
    def closed(self) -> bool:
        """True when nothing more will be put."""
        ...

    def take(self) -> Frame | None:
        """The oldest frame, or None at once if there is none."""
        ...

    def __len__(self) -> int: ...


class Batcher:
    """Takes frames from mailboxes, one camera after the other."""

    def __init__(
        self, mailboxes: Sequence[Inbox], ready: threading.Condition, max_batch: int, deadline_s: float | None
    ) -> None:
        """Makes a batcher.

        Args:
            mailboxes: one for each camera.
            ready: the condition that all mailboxes notify.
            max_batch: the largest batch to return.
            deadline_s: how long the first frame of a batch may wait for frames of other cameras. None: as
                long as it takes to fill the batch or to reach the end of every source (replay); batches then
                depend on the sources' contents alone.
        """
        self._mailboxes = mailboxes
        self._ready = ready
        self._max_batch = max_batch
        self._deadline_s = deadline_s
        self._turn = 0  # index of the mailbox that is served first
        self._stopped = False

    def next_batch(self) -> list[Frame] | None:
        """Wait for the next batch.

        Returns:
            1 to `max_batch` frames, or None when all mailboxes are closed and empty, or after `stop`. Frames
            that were already taken when `stop` came are still returned.
        """
        with self._ready:
            batch = self._full_batch() if self._deadline_s is None else self._prompt_batch(self._deadline_s)
        return batch or None

    def stop(self) -> None:
        """End the wait in `next_batch`, now and for ever; callable from any thread."""
        with self._ready:
            self._stopped = True
            self._ready.notify_all()

    def _full_batch(self) -> list[Frame]:
        """Strictly in turn: waits for the camera whose turn it is, even if others have frames."""
        batch: list[Frame] = []
        while len(batch) < self._max_batch and not self._all_done():
            self._ready.wait_for(self._turn_is_decided)
            if self._stopped:
                break
            self._take_turn(batch)
        return batch

    def _prompt_batch(self, deadline_s: float) -> list[Frame]:
        """What is there, and what comes in time from the cameras that have not given a frame yet."""
        batch: list[Frame] = []
        self._ready.wait_for(lambda: self._stopped or self._any_waiting() or self._all_done())
        ends_s = time.monotonic() + deadline_s
        awaited = set(range(len(self._mailboxes)))
        while not self._stopped:
            awaited -= self._take_what_is_there(batch)
            awaited -= self._closed()
            if len(batch) == self._max_batch or not awaited:
                break
            left_s = max(0.0, ends_s - time.monotonic())
            if not self._ready.wait_for(partial(self._something_new, awaited), timeout=left_s):
                break
        return batch

    def _take_what_is_there(self, batch: list[Frame]) -> set[int]:
        """In turns until the batch is full or nothing is left; returns the indices that gave a frame."""
        gave: set[int] = set()
        while len(batch) < self._max_batch and self._any_waiting():
            turn = self._turn
            if self._take_turn(batch):
                gave.add(turn)
        return gave

    def _take_turn(self, batch: list[Frame]) -> bool:
        frame = self._mailboxes[self._turn].take()
        self._turn = (self._turn + 1) % len(self._mailboxes)
        if frame is not None:
            batch.append(frame)
        return frame is not None

    def _turn_is_decided(self) -> bool:
        mailbox = self._mailboxes[self._turn]
        return self._stopped or len(mailbox) > 0 or mailbox.closed

    def _something_new(self, awaited: set[int]) -> bool:
        return self._stopped or self._any_waiting() or bool(awaited & self._closed())

    def _any_waiting(self) -> bool:
        return any(len(box) for box in self._mailboxes)

    def _all_done(self) -> bool:
        return all(box.closed and not len(box) for box in self._mailboxes)

    def _closed(self) -> set[int]:
        return {index for index, box in enumerate(self._mailboxes) if box.closed}
