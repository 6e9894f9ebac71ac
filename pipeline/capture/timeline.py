"""Stamps the frames of one epoch and refuses times that do not run forward."""

from __future__ import annotations

from fractions import Fraction

from pipeline.frames import DropCounter, DropReason, FrameStamp, TimeSource


class Timeline:
    """Numbers and dates the frames of one epoch.

    A frame whose time is missing, repeated or behind the last one never gets a made-up time: it gets no
    stamp and is counted as `bad_time`. It uses up its index, so that the gap shows.
    """

    def __init__(self, camera: str, epoch: int, drops: DropCounter) -> None:
        self._camera = camera
        self._epoch = epoch
        self._drops = drops
        self._index = 0
        self._first_s: Fraction | float | None = None
        self._last_s: Fraction | float | None = None

    def stamp(
        self, time_s: Fraction | float | None, source: TimeSource, utc_s: float | None = None
    ) -> FrameStamp | None:
        """Stamp of the next frame, or None if its time cannot be used.

        Args:
            time_s: the frame's time in seconds on one clock for the whole epoch, wherever it starts.
                Presentation times come as exact fractions, so that the start does not change the rounding.
            source: where `time_s` comes from.
            utc_s: wall-clock capture time of the frame, seconds since 1970.
        """
        if time_s is None or (self._last_s is not None and time_s <= self._last_s):
            self.skip(DropReason.BAD_TIME)
            return None
        if self._first_s is None:
            self._first_s = time_s
        self._last_s = time_s
        elapsed_s = float(time_s - self._first_s)
        stamp = FrameStamp(self._camera, self._index, self._epoch, elapsed_s, source, utc_s)
        self._index += 1
        return stamp

    def skip(self, reason: DropReason) -> None:
        """Counts a frame that is not passed on; its index stays unused."""
        self._drops.add(reason)
        self._index += 1
