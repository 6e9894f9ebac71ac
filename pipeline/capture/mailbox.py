"""The hand-over between a capture thread and whoever takes its frames."""

from __future__ import annotations

import threading
from collections import deque

from pipeline.config import Policy
from pipeline.frames import DropCounter, DropReason, Frame


class Mailbox:
    """Holds the frames of one source until they are taken.

    Policy `latest` (live): one place; a newer frame replaces an older one, which is counted as `superseded`.
    Policy `every` (replay): a few places; `put` blocks while all are taken, and no frame is lost.

    Several mailboxes share one condition, so that one thread can wait for all of them:

        with ready:
            ready.wait_for(lambda: any(len(box) or box.closed for box in boxes))
    """

    def __init__(
        self, policy: Policy, drops: DropCounter, ready: threading.Condition, capacity: int = 8
    ) -> None:
        """Makes an empty mailbox.

        Args:
            policy: see the class.
            drops: counter of the source that fills this mailbox.
            ready: notified at every change; its lock must be re-entrant, as `threading.Condition()` makes it.
            capacity: number of places under policy `every`.
        """
        self._waits = policy == "every"
        self._capacity = capacity if self._waits else 1
        self._drops = drops
        self._ready = ready
        self._frames: deque[Frame] = deque()
        self._closed = False

    def put(self, frame: Frame) -> None:
        """Hands `frame` over; counts it as `stopped` if the mailbox closes before there is a place."""
        with self._ready:
            if self._waits:
                self._ready.wait_for(lambda: self._closed or len(self._frames) < self._capacity)
            if self._closed:
                self._drops.add(DropReason.STOPPED)
                return
            if len(self._frames) == self._capacity:
                self._frames.popleft()
                self._drops.add(DropReason.SUPERSEDED)
            self._frames.append(frame)
            self._ready.notify_all()

    def take(self) -> Frame | None:
        """Oldest frame, or None at once if there is none."""
        with self._ready:
            if not self._frames:
                return None
            frame = self._frames.popleft()
            self._ready.notify_all()  # a `put` may wait for this place
            return frame

    def close(self) -> None:
        """Lets nothing more in; frames already here can still be taken."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    @property
    def closed(self) -> bool:
        """True when nothing more will be put; with a length of 0 the source is done."""
        with self._ready:
            return self._closed

    def __len__(self) -> int:
        with self._ready:
            return len(self._frames)
