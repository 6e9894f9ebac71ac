"""The bound against the values of an independent simulation, and the estimator against the bound."""

from __future__ import annotations

import numpy as np
import pytest

from calib.camera import Camera, Intrinsics, Mount
from pipeline.post.benchmark.bound import bounds
from pipeline.post.benchmark.passages import Population, measure
from pipeline.synthetic.drive import Drive, SpeedProfile
from pipeline.synthetic.tracks import EXACT, REALISTIC, Conditions, observe
from pipeline.synthetic.traffic import TYPICAL, random_track

CAMERA = Camera("c", Intrinsics(1280, 960, 800.0, 800.0, 639.5, 479.5), Mount(1.3, 8.0, 0.0, 0.0))


def bound_kmh(middle_m: float, duration_s: float, conditions: Conditions = EXACT) -> float:
    """At 15 km/h with corner noise of 1 px, as in the design's table."""
    speed = 15 / 3.6
    times = np.arange(-round(25 * duration_s) + 1, 1) / 25
    place = np.array([0.3, middle_m - 0.5 * speed * duration_s, 0.5])
    drive = Drive(place, 0, 0, 0.03, -0.05, 0.02, (0.52, 0.11), SpeedProfile([0], [speed]))
    track = observe(np.random.default_rng(0), drive, CAMERA, times, 1.0, conditions)
    return bounds(track, conditions, TYPICAL)[0]


@pytest.mark.parametrize(
    ("middle_m", "duration_s", "table_kmh"),
    [(4, 0.5, 0.13), (4, 1.0, 0.06), (6, 0.5, 0.24), (6, 1.0, 0.12), (9, 1.0, 0.23), (12, 1.0, 0.37)],
)
def test_bound_is_near_the_published_table(middle_m: float, duration_s: float, table_kmh: float) -> None:
    """The table has no prior on the facing and no slope of the road, so the bounds are alike, not equal."""
    assert bound_kmh(middle_m, duration_s) == pytest.approx(table_kmh, rel=0.25)


def test_correlation_jitter_and_calibration_raise_the_bound() -> None:
    exact = bound_kmh(6, 1.0)
    assert bound_kmh(6, 1.0, Conditions(correlation=0.8)) > 1.4 * exact
    assert bound_kmh(6, 1.0, Conditions(jitter_s=0.01)) > exact
    assert bound_kmh(6, 1.0, REALISTIC) > bound_kmh(6, 1.0, Conditions(correlation=0.8))


def simulated(conditions: Conditions, count: int = 20) -> list[tuple[float, float, float, float]]:
    """Error of the speed over the track, whether its interval held, bound, error of IPPE and regression."""
    found = []
    for seed in range(count):
        track = random_track(np.random.default_rng(3000 + seed), conditions)
        result = measure(track, Population(conditions))
        score = result.track_speed
        found.append((score.error, score.held, result.speed_bound_kmh, result.ippe_kmh))
    return found


@pytest.mark.parametrize("conditions", [EXACT, REALISTIC], ids=["exact", "realistic"])
def test_estimator_is_near_the_bound_and_its_intervals_hold(conditions: Conditions) -> None:
    error, held, bound, ippe = np.array(simulated(conditions)).T
    known = np.isfinite(error)
    assert known.mean() > 0.96
    rmse = np.sqrt(np.mean(error[known] ** 2))
    assert rmse < 1.5 * np.sqrt(np.mean(bound[known] ** 2))
    assert rmse < 0.4 * np.sqrt(np.nanmean(ippe**2))
    assert np.mean(held[known]) > 0.85
