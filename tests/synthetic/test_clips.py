"""The catalogue through tracker and estimator, with true corners in the place of the network's, and its score."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest

from pipeline.errors import GateError
from pipeline.synthetic.clips import CLIPS, DrawnClip, clip_named
from pipeline.synthetic.score import Errors, score, truth_of
from tests.synthetic.scenarios import PASSING, TWO_CARS
from tests.synthetic.standin import see

ACCURACY = Path(__file__).parents[2] / "docs" / "accuracy.md"


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_clip_with_the_true_corners_gives_a_passage_for_each_vehicle(clip: DrawnClip) -> None:
    scenario = clip.make()
    found = score(see(scenario), scenario)
    assert found.passages_right
    assert all(found.formats)
    assert found.qualities["ok"] > 0.35 * found.frames
    assert found.distance.mean < 0.5


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_clip_shows_a_plate_in_every_frame_and_is_short(clip: DrawnClip) -> None:
    scenario = clip.make()
    times = scenario.times_s
    assert 20 <= len(times) <= 100
    assert times[0] == 0
    assert np.all(np.diff(times) > 0)
    assert all(scenario.truths(time_s) for time_s in times)


def test_names_differ_and_an_unknown_one_is_refused() -> None:
    assert len({clip.name for clip in CLIPS}) == len(CLIPS) >= 10
    assert clip_named("queue") in CLIPS
    with pytest.raises(GateError, match="no clip 'quiz'; there are: approach, braking"):
        clip_named("quiz")


def test_accuracy_lists_every_clip_with_its_frames() -> None:
    rows = re.findall(
        r"(?m)^\| ([a-z0-9-]+) \| .* \| (\d+)(?: at .*)? \|$", ACCURACY.read_text(encoding="utf-8")
    )
    listed = {name: int(frames) for name, frames in rows}
    assert listed == {clip.name: len(clip.make().times_s) for clip in CLIPS}
    assert (ACCURACY.parent / "clips.jpg").stat().st_size < 300_000


def test_vehicle_that_stands_for_a_minute_stays_one_passage() -> None:
    scenario = clip_named("long-stop").make()
    stood_s = np.ptp([time_s for time_s in scenario.times_s if scenario.truth(time_s).speed_kmh == 0])
    events = see(scenario)
    assert stood_s > 58
    assert len({event.passage for event in events}) == 1
    assert events[-1].last_time_s == pytest.approx(scenario.times_s[-1])


def test_event_is_matched_with_its_own_vehicle_and_moment() -> None:
    events = see(TWO_CARS)
    ends = [event for event in events if event.kind == "passage.end"]
    assert [truth_of(end, TWO_CARS).vehicle for end in ends] == [0, 1]
    for event in events:
        truth = truth_of(event, TWO_CARS)
        assert truth.time_s == (event.last_time_s if event in ends else event.time_s)


def test_score_measures_what_was_changed() -> None:
    event = next(item for item in see(PASSING) if item.quality == "ok")
    truth = PASSING.truth(event.time_s)
    wrong = msgspec.structs.replace(
        event,
        distance_m=truth.distance_m + 0.1,
        distance_ci95_m=(truth.distance_m - 0.01, truth.distance_m + 0.3),
        speed_kmh=truth.speed_kmh - 2.0,
        speed_ci95_kmh=(truth.speed_kmh - 3.0, truth.speed_kmh - 1.0),
    )
    found = score([wrong], PASSING)
    assert found.distance == Errors((pytest.approx(100 * 0.1 / truth.range_m),), (True,))
    assert found.speed == Errors((pytest.approx(-2.0),), (False,))
    assert not found.passages_right  # there is no "new" among the events


def test_lost_car_counts_as_a_wrong_number_of_passages() -> None:
    late = frozenset(
        index for index, time_s in enumerate(TWO_CARS.times_s) if not TWO_CARS.truths(time_s)[0].vehicle
    )
    found = score(see(TWO_CARS, hidden=late), TWO_CARS)
    assert (found.passages, found.vehicles, found.passages_right) == (1, 2, False)


def test_scores_add_up() -> None:
    one = score(see(PASSING), PASSING)
    both = one + one
    assert both.frames == 2 * one.frames
    assert both.distance.mean == pytest.approx(one.distance.mean)
    assert both.speed.worst == one.speed.worst
    assert both.qualities["ok"] == 2 * one.qualities["ok"]
    assert np.isnan(Errors((), ()).mean)
