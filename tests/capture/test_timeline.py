from __future__ import annotations

from fractions import Fraction

from pipeline.capture.timeline import Timeline
from pipeline.frames import DropCounter, DropReason


def test_stamp_starts_at_zero_wherever_the_clock_starts() -> None:
    timeline = Timeline("entry", 3, DropCounter())
    first = timeline.stamp(Fraction(900_000_000, 90_000), "pts")
    second = timeline.stamp(Fraction(900_003_600, 90_000), "pts")
    assert first is not None and second is not None
    assert (first.camera, first.epoch, first.index, first.time_s) == ("entry", 3, 0, 0.0)
    assert (second.index, second.time_s) == (1, 0.04)


def test_stamp_refuses_missing_repeated_and_backward_times() -> None:
    drops = DropCounter()
    timeline = Timeline("entry", 1, drops)
    times = [None, 5.0, 5.0, 4.0, None, 5.5]
    stamps = [timeline.stamp(time_s, "pts") for time_s in times]
    assert [None if stamp is None else stamp.time_s for stamp in stamps] == [None, 0.0, None, None, None, 0.5]
    assert drops.snapshot() == {"bad_time": 4}


def test_stamp_index_shows_the_gap_of_a_dropped_frame() -> None:
    drops = DropCounter()
    timeline = Timeline("entry", 1, drops)
    timeline.stamp(0.0, "pts")
    timeline.skip(DropReason.UNDECODABLE)
    stamp = timeline.stamp(0.08, "pts")
    assert stamp is not None and stamp.index == 2
    assert drops.snapshot() == {"undecodable": 1}
