"""Are a camera's time stamps to be trusted? Repeats, displaced stamps and jumps are told from lost frames."""

from __future__ import annotations

from collections import deque
from typing import Literal

import numpy as np

from pipeline.frames import FrameStamp

Verdict = Literal["good", "bad", "jump"]

_HISTORY = 25  # intervals that tell the frame period
_LEAST_HISTORY = 8
_REGULAR = 0.05  # of the period: a regular stream's intervals are this close to it
_OFF_GRID = 0.25  # of the period: a stamp this far from a whole number of periods is displaced
_LONGEST_GAP_S, _LONGEST_GAP_FRAMES = 0.5, 6  # a longer gap in the stream is not bridged
_MOST_REPEATS = 1  # frames in a regular stream for which no time has passed; more were dated back


class FrameClock:
    """Judges the stamps of one epoch, in order.

    A stream is regular when its frames come at whole multiples of one period; frames may be lost, and each counts
    as one period. There a stamp between the multiples is "bad", and so is one that comes after more frames than
    periods: the clock was set back meanwhile. In every stream a stamp after a long gap is "bad", too.
    What the next stamp says decides. If it fits the stamps before, that one alone was displaced. If the last two steps
    are alike and short, the stream has a new rate and goes on. If neither, the clock has jumped, and the next stamp is
    a "jump": times before and after it must not be combined. A time that does not rise is always "bad".
    Streams of variable frame rate and times of arrival are not regular and are taken as they are.
    """

    def __init__(self) -> None:
        self._last: FrameStamp | None = None
        self._suspect: FrameStamp | None = None
        self._intervals_s: deque[float] = deque(maxlen=_HISTORY)

    def judge(self, stamp: FrameStamp) -> Verdict:
        """Whether the stamp's time may be used, and whether together with the earlier ones."""
        if self._last is None:
            self._last = stamp
            return "good"
        step_s = stamp.time_s - self._last.time_s
        if step_s <= 0:
            return "bad"
        if self._continues(step_s, stamp.index - self._last.index, self._period_s(stamp)):
            return self._accept(stamp, jumped=False)
        if self._suspect is not None and stamp.time_s > self._suspect.time_s:
            steps_s = _step_s(self._last, self._suspect), _step_s(self._suspect, stamp)
            self._intervals_s.clear()
            return self._accept(stamp, jumped=not _alike(*steps_s))
        self._suspect = stamp
        return "bad"

    def _accept(self, stamp: FrameStamp, jumped: bool) -> Verdict:
        assert self._last is not None
        if not jumped:
            self._intervals_s.append(_step_s(self._last, stamp))
        self._last, self._suspect = stamp, None
        return "jump" if jumped else "good"

    def _period_s(self, stamp: FrameStamp) -> float | None:
        """The frame period of a regular stream, None for another."""
        if stamp.time_source == "arrival" or len(self._intervals_s) < _LEAST_HISTORY:
            return None
        intervals = np.array(self._intervals_s)
        period = float(np.median(intervals))
        regular = np.mean(np.abs(intervals - period) < _REGULAR * period) >= 0.8
        return period if regular else None

    def _continues(self, step_s: float, frames: int, period_s: float | None) -> bool:
        """The step from the last good stamp is no long gap, and in a regular stream a whole number of periods.

        Frames between the two that the camera delivered and the gate superseded, told by the index, are no gap.
        """
        typical_s = period_s or (float(np.median(self._intervals_s)) if self._intervals_s else step_s)
        longest_s = (_LONGEST_GAP_FRAMES - 1 + max(frames, 1)) * typical_s
        if step_s > max(_LONGEST_GAP_S, longest_s):
            return False
        if period_s is None:
            return True
        periods = step_s / period_s
        whole = max(round(periods), 1)
        return abs(periods - whole) < _OFF_GRID and frames - whole <= _MOST_REPEATS


def _step_s(one: FrameStamp, later: FrameStamp) -> float:
    """Time from one frame to the next between two stamps; their indices count what was left out."""
    return (later.time_s - one.time_s) / max(later.index - one.index, 1)


def _alike(one_s: float, other_s: float) -> bool:
    """Two steps of one rate, and so short that neither may be a gap in the stream."""
    return max(one_s, other_s) <= _LONGEST_GAP_S and abs(one_s - other_s) < _REGULAR * max(one_s, other_s)
