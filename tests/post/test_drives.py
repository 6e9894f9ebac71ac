from __future__ import annotations

import numpy as np

from pipeline.post import drives
from pipeline.post.plate_motion import COUNT, DRIVE, SPEED, speed_at, stretch_ages_s

AGES = stretch_ages_s(2.0)


def draws(way: int, count: int = 200) -> np.ndarray:
    """Motions (count, 17) of a way to drive; all zero but for the drive."""
    root = drives.roots(AGES).each[way]
    motions = np.zeros((count, COUNT))
    motions[:, DRIVE] = np.random.default_rng(0).normal(size=(count, root.shape[1])) @ root.T
    return motions


def test_probabilities_sum_to_one() -> None:
    assert np.isclose(np.exp(drives.LOG_PROBABILITIES).sum(), 1.0)
    assert len(drives.LOG_PROBABILITIES) == len(drives.STANDS) == len(drives.roots(AGES).each)


def test_steady_drive_keeps_its_speed() -> None:
    for motion in draws(drives.STEADY, 5):
        np.testing.assert_allclose(speed_at(motion, np.array([-1.9, -0.7, 0.0]), AGES), motion[SPEED])


def test_drives_that_stand_have_no_speed_at_their_end() -> None:
    for way, stands in enumerate(drives.STANDS):
        speeds = draws(way)[:, SPEED]
        assert (np.std(speeds) < 0.05) == bool(stands)


def test_varying_speed_changes_like_that_of_a_car() -> None:
    motions = draws(drives.VARYING)
    change = motions[:, SPEED] - [speed_at(motion, np.array([-1.0]), AGES)[0] for motion in motions]
    assert 0.8 < np.std(change) < 2.0  # m/s within a second
