"""The thread that takes batches of frames and locates the plates in them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from pipeline.errors import GateError
from pipeline.frames import Frame, PlateLocation
from pipeline.inference.batcher import Batcher
from pipeline.inference.locator import Locator

BATCHES_IN_FLIGHT = 2
"""Batches between the network and the post stage; more would only add latency."""

LONGEST_S = 300.0
"""A network that takes longer for one batch hangs, as with a driver that has failed."""


class InferenceThread(threading.Thread):
    """Locates until the batcher has no more batches or the network fails.

    Attributes:
        looked_at: the frames that the network has now; those of an interrupted batch stay.
    """

    def __init__(
        self,
        batcher: Batcher,
        locator: Locator,
        on_batch: Callable[[list[Frame], list[PlateLocation]], None],
        on_end: Callable[[Exception | None], None],
    ) -> None:
        """Prepare the thread.

        Args:
            batcher: gives the batches.
            locator: the network.
            on_batch: called with every batch and its locations; `batch_done` makes place for another one.
            on_end: called at the end, with what ended it if something did.
        """
        super().__init__(name="inference", daemon=True)
        self._batcher, self._locator = batcher, locator
        self._on_batch, self._on_end = on_batch, on_end
        self._places = threading.Semaphore(BATCHES_IN_FLIGHT)
        self._since_s: float | None = None
        self.looked_at: Sequence[Frame] = ()

    def batch_done(self) -> None:
        """A batch has been dealt with."""
        self._places.release()

    def require_answer(self) -> None:
        """Fail where the network hangs.

        Raises:
            GateError: it has not answered for too long.
        """
        since_s = self._since_s
        if since_s is not None and time.monotonic() - since_s > LONGEST_S:
            raise GateError(f"the network has not answered for {LONGEST_S:.0f} s")

    def run(self) -> None:
        """Body of the thread."""
        error: Exception | None = None
        try:
            while True:
                self._places.acquire()
                frames = self._batcher.next_batch()
                if frames is None:
                    break
                self.looked_at, self._since_s = frames, time.monotonic()
                locations = self._locator.locate([frame.image for frame in frames])
                self.looked_at, self._since_s = (), None
                self._on_batch(frames, locations)
        except Exception as failure:  # handed to the caller of `Gate.run`, which raises it
            error = failure
        self._on_end(error)
