from __future__ import annotations

import numpy as np

from pipeline.post import drives
from pipeline.post.plate_motion import (
    COUNT,
    DRIVE,
    SPEED,
    STRETCHES,
    seconds_lasted,
    speed_at,
    stretch_ages_s,
)

AGES = stretch_ages_s(2.0)


def draws(way: int, count: int = 200) -> np.ndarray:
    """Motions (count, 17) of a way to drive; all zero but for the drive."""
    root = drives.roots(AGES).each[way]
    motions = np.zeros((count, COUNT))
    motions[:, DRIVE] = np.random.default_rng(0).normal(size=(count, root.shape[1])) @ root.T
    return motions


def speeds_at(motion: np.ndarray, *times_s: float) -> np.ndarray:
    return speed_at(motion, seconds_lasted(np.array(times_s), AGES))


def test_every_way_has_a_probability_and_is_told_to_stand_or_not() -> None:
    assert len(drives.LOG_PROBABILITIES) == len(drives.STANDS) == len(drives.roots(AGES).each)


def test_steady_drive_keeps_its_speed() -> None:
    for motion in draws(drives.STEADY, 5):
        np.testing.assert_allclose(speeds_at(motion, -1.9, -0.7, 0.0), motion[SPEED])


def test_drives_that_stand_have_no_speed_at_one_end_and_the_others_at_neither() -> None:
    for way, stands in enumerate(drives.STANDS):
        drawn = draws(way)
        ends = [np.std(drawn[:, SPEED]), np.std([speeds_at(motion, -AGES[-1]) for motion in drawn])]
        assert (min(ends) < 0.01) == bool(stands)


def test_vehicle_that_started_stood_before() -> None:
    """Of the third stretch its way `STANDING + 7 + 3`: no speed up to 0.44 s ago, some 0.1 s ago."""
    motions = draws(drives.STANDING + 2 * STRETCHES - 4)
    speeds = np.array([speeds_at(motion, -1.5, -0.45, -0.1) for motion in motions])
    assert np.abs(speeds[:, :2]).max() < 0.01
    assert np.std(speeds[:, 2]) > 0.3


def test_varying_speed_changes_like_that_of_a_car() -> None:
    motions = draws(drives.VARYING)
    change = motions[:, SPEED] - [speeds_at(motion, -1.0)[0] for motion in motions]
    assert 0.8 < np.std(change) < 2.0  # m/s within a second
