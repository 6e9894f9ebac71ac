from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.capture.timeline import Timeline
from pipeline.frames import DropCounter, FrameStamp, TimeSource
from pipeline.post.frame_clock import FrameClock

PERIOD = 0.04


def verdicts(times_s: Sequence[float], source: TimeSource = "pts") -> list[str]:
    """Of frames at these times, numbered without gaps."""
    clock = FrameClock()
    return [clock.judge(FrameStamp("c", i, 1, time, source)) for i, time in enumerate(times_s)]


def regular(count: int = 20) -> list[float]:
    return (PERIOD * np.arange(count)).tolist()


def test_regular_stream_is_good() -> None:
    assert set(verdicts(regular())) == {"good"}


def test_lost_frames_are_no_fault() -> None:
    times = [time for i, time in enumerate(regular(40)) if i not in (15, 16, 22)]
    assert set(verdicts(times)) == {"good"}


@pytest.mark.parametrize("wrong_s", [0.0, -0.3])
def test_time_that_does_not_rise_is_bad(wrong_s: float) -> None:
    times = regular()
    times[12] = times[11] + wrong_s
    found = verdicts(times)
    assert found[12] == "bad"
    assert found.count("good") == 19


@pytest.mark.parametrize("off_s", [0.018, -0.018, 5.0])
def test_one_displaced_stamp_is_bad_and_no_jump(off_s: float) -> None:
    times = regular()
    times[12] += off_s
    found = verdicts(times)
    assert found[12] == "bad"
    assert found.count("good") == 19


def test_clock_that_jumps_between_frames_is_told() -> None:
    times = regular()
    times[12:] = [time + 0.337 for time in times[12:]]
    found = verdicts(times)
    assert found[12:14] == ["bad", "jump"]
    assert found.count("good") == 18


@pytest.mark.parametrize("back_s", [0.08, 0.12, 0.2, 0.22, 0.4, 3.0])
def test_clock_that_is_set_back_is_a_jump_when_it_has_caught_up(back_s: float) -> None:
    """The frames that are dated back have no stamp; the first one with a stamp again seems to follow the last one."""
    timeline, clock, found = Timeline("c", 1, DropCounter()), FrameClock(), []
    for number in range(130):
        time_s = PERIOD * number - (back_s if number >= 20 else 0.0)
        stamp = timeline.stamp(time_s, "pts")
        if stamp is not None:
            found.append(clock.judge(stamp))
    assert found[:20] == ["good"] * 20
    assert found[20:22] == ["bad", "jump"]
    assert set(found[22:]) == {"good"}


def test_stamps_that_repeat_now_and_then_are_no_jump() -> None:
    timeline, clock, found = Timeline("c", 1, DropCounter()), FrameClock(), []
    for number in range(60):
        for _ in range(2 if number % 13 == 5 else 1):
            stamp = timeline.stamp(PERIOD * number, "pts")
            if stamp is not None:
                found.append(clock.judge(stamp))
    assert found == ["good"] * 60


@pytest.mark.parametrize(("first_s", "then_s"), [(1.2, 0.25), (0.04, 0.25), (0.2, 0.033)])
def test_new_rate_is_no_jump(first_s: float, then_s: float) -> None:
    """A camera that takes more frames while something moves; the first one at the new rate is left out."""
    times = np.cumsum([first_s] * 12 + [then_s] * 12).tolist()
    found = verdicts(times)
    assert "jump" not in found
    assert found.count("good") >= 23


def test_long_gap_is_not_bridged() -> None:
    times = regular()
    times[12:] = [time + 2.0 for time in times[12:]]
    assert verdicts(times)[12:15] == ["bad", "jump", "good"]


def test_slow_camera_has_no_gaps() -> None:
    assert set(verdicts([0.5 * i for i in range(12)])) == {"good"}


def test_variable_rate_and_arrival_times_are_taken_as_they_are() -> None:
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.02, 0.08, 40)).tolist()
    assert set(verdicts(times)) == {"good"}
    assert set(verdicts(times, "arrival")) == {"good"}


def test_frames_that_a_slow_gate_superseded_are_no_gap() -> None:
    """A CPU that takes every thirtieth frame of a live camera: the index tells that none was lost."""
    clock = FrameClock()
    stamps = [FrameStamp("c", i, 1, PERIOD * i, "rtcp") for i in (0, 1, 31, 60, 92, 93, 124)]
    assert [clock.judge(stamp) for stamp in stamps] == ["good"] * len(stamps)
