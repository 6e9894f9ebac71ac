"""Passages: when they begin and end, what their reports hold. Images are one pixel; only the stamps matter."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from calib.camera import Uncertainty
from pipeline.capture.timeline import Timeline
from pipeline.frames import (
    DropCounter,
    Estimate,
    Frame,
    FrameStamp,
    PassageReport,
    PlateLocation,
    PlateObservation,
    TimeSource,
)
from pipeline.post.track import Track
from pipeline.post.tracker import PassageTracker, TrackSettings
from tests.post.simulated import MOUNT, MOUNTED, corners_px

PIXEL = np.zeros((1, 1, 3), np.uint8)
SETTINGS = TrackSettings()


def observation(
    time_s: float, corners: np.ndarray | None, *, epoch: int = 1, sd_px: float = 0.5
) -> PlateObservation:
    """What the network says at a time; no corners: no plate, only noise somewhere."""
    stamp = FrameStamp("gate", round(25 * time_s), epoch, time_s, "pts")
    presence, seen = (0.02, np.full((4, 2), 7.0)) if corners is None else (0.99, corners)
    location = PlateLocation(presence, seen, np.broadcast_to(sd_px**2 * np.eye(2), (4, 2, 2)))
    return PlateObservation(Frame(stamp, PIXEL.copy()), location)


def stamped(seen: PlateObservation, stamp: FrameStamp) -> PlateObservation:
    """The same with another stamp."""
    return replace(seen, frame=replace(seen.frame, stamp=stamp))


def drive(
    rng: np.random.Generator, times_s: Iterable[float], distances_m: Iterable[float], epoch: int = 1
) -> list[PlateObservation]:
    """A vehicle at these distances along the lane at these times."""
    return [
        observation(
            time, corners_px(np.array([0.2, distance, 0.5])) + rng.normal(scale=0.5, size=(4, 2)), epoch=epoch
        )
        for time, distance in zip(times_s, distances_m, strict=True)
    ]


def frame_times(start_s: float, end_s: float, fps: float = 25.0) -> np.ndarray:
    return start_s + np.arange(round((end_s - start_s) * fps)) / fps


def nothing(start_s: float, end_s: float) -> list[PlateObservation]:
    return [observation(time, None) for time in frame_times(start_s, end_s).tolist()]


def follow(
    observations: Sequence[PlateObservation], tracker: PassageTracker | None = None
) -> list[PassageReport]:
    tracker = tracker or PassageTracker("gate", MOUNTED, SETTINGS)
    return [report for item in observations for report in tracker.update(item)] + tracker.finish()


def kinds(reports: Sequence[PassageReport]) -> list[tuple[str, str]]:
    """(kind, passage) of the reports that begin and end passages."""
    return [(report.kind, report.passage) for report in reports if report.kind != "update"]


def one_passage(number: int, epoch: int = 1) -> list[tuple[str, str]]:
    return [(kind, f"gate-{epoch}-{number:04d}") for kind in ("new", "end")]


def approach(start_s: float = 0.0, epoch: int = 1, seed: int = 0) -> list[PlateObservation]:
    """From 10 m to 5 m at 18 km/h, in one second."""
    times = frame_times(start_s, start_s + 1.0)
    return drive(np.random.default_rng(seed), times.tolist(), 10.0 - 5.0 * (times - start_s), epoch)


def test_approach_is_one_passage_with_its_speed() -> None:
    reports = follow(nothing(0.0, 0.4) + approach(0.4) + nothing(1.4, 4.0))
    assert kinds(reports) == one_passage(1)
    end = reports[-1]
    assert (end.first_time_s, end.last_time_s, end.frames) == (0.4, pytest.approx(1.36), 25)
    assert end.motion.motion == "approaching"
    assert end.motion.speed_kmh is not None
    assert end.motion.speed_kmh.ci95[0] < 18.0 < end.motion.speed_kmh.ci95[1]
    assert end.motion.distance_m is not None
    assert end.motion.distance_m.value == pytest.approx(5.2, rel=0.02)


def test_times_are_as_uncertain_as_the_camera_file_or_else_their_source_says() -> None:
    """With exact times as the rest, the speed's variance grows as that of a straight line through uncertain ones."""

    def speed_of(time_source: TimeSource, known_s: float | None) -> Estimate:
        camera = replace(MOUNTED, uncertainty=Uncertainty(time_s=known_s))
        seen = [stamped(item, replace(item.stamp, time_source=time_source)) for item in approach(seed=5)]
        speed = follow(seen, PassageTracker("gate", camera, SETTINGS))[-1].motion.speed_kmh
        assert speed is not None
        return speed

    assert speed_of("pts", None) == speed_of("rtcp", None) == speed_of("arrival", 0.001)
    assert speed_of("arrival", None) == speed_of("pts", 0.010)
    for sd_s in (0.01, 0.02):
        straight_line_kmh = 18.0 * sd_s / (np.sqrt(25) * np.std(frame_times(0.0, 1.0)))
        grown_kmh2 = speed_of("pts", sd_s).sd ** 2 - speed_of("pts", 1e-6).sd ** 2
        assert np.sqrt(grown_kmh2) == pytest.approx(straight_line_kmh, rel=0.3)


def test_covariances_that_are_no_numbers_begin_no_passage() -> None:
    bad = np.full((4, 2, 2), np.nan)
    seen = [replace(item, plate=replace(item.plate, corner_cov_px2=bad)) for item in approach()]
    assert follow(seen) == []


def test_end_comes_with_the_first_frame_after_expiry() -> None:
    tracker = PassageTracker("gate", MOUNTED, SETTINGS)
    for item in approach():
        tracker.update(item)
    last_s = 0.96
    assert tracker.update(observation(last_s + 1.49, None)) == []
    assert [report.kind for report in tracker.update(observation(last_s + 1.51, None))] == ["end"]
    assert tracker.finish() == []


def test_plate_lost_for_a_second_stays_one_passage() -> None:
    times = np.concatenate([frame_times(0.0, 0.6), frame_times(1.6, 2.2)])
    seen = drive(np.random.default_rng(1), times.tolist(), 10.0 - 2.0 * times)
    assert kinds(follow(seen)) == one_passage(1)


@pytest.mark.parametrize("hits", [1, 2])
def test_flash_of_a_false_plate_is_no_passage(hits: int) -> None:
    assert follow(nothing(0.0, 1.0) + approach(1.0)[:hits] + nothing(1.5, 3.0)) == []


def test_flash_elsewhere_does_not_disturb_a_passage() -> None:
    seen = approach()
    flash = observation(seen[10].stamp.time_s, corners_px(np.array([-3.0, 12.0, 1.5])))
    reports = follow([*seen[:10], flash, *seen[11:]])
    assert kinds(reports) == one_passage(1)
    assert reports[-1].frames == 24


def test_epoch_change_ends_the_passage_at_once() -> None:
    reports = follow(approach() + approach(epoch=2))
    assert kinds(reports) == one_passage(1) + one_passage(2, epoch=2)


def test_vehicle_that_stops_for_a_minute_stays_one_passage() -> None:
    times = frame_times(0.0, 66.0)
    moved = np.where(times < 2, 4 * times - times**2, 4.0)  # 4 m/s, braked evenly to a stop within 2 s
    moved += np.where(times > 62, 0.5 * (times - 62) ** 2, 0.0)  # drives on
    rng, step = np.random.default_rng(2), 5
    seen = drive(rng, times[::step].tolist(), 9.0 - np.minimum(moved[::step], 7.0))
    reports = follow(seen)
    assert kinds(reports) == one_passage(1)
    middle = [report.motion for report in reports if 5 < report.last_time_s < 60]
    assert {motion.motion for motion in middle} == {"stopped"}
    widths = [motion.speed_kmh.ci95[1] - motion.speed_kmh.ci95[0] for motion in middle if motion.speed_kmh]
    assert len(widths) == len(middle)
    assert np.median(widths) < 0.3


def test_stopped_vehicles_summary_has_the_speed_of_its_approach() -> None:
    times = frame_times(0.0, 12.0)
    moved = np.where(times < 1, 4 * times, np.where(times < 3, 4 * times - (times - 1) ** 2, 8.0))
    reports = follow(drive(np.random.default_rng(3), times.tolist(), 12.0 - moved))
    speed = reports[-1].motion.speed_kmh
    assert speed is not None
    assert speed.value == pytest.approx(14.4, abs=1.0)  # 4 m/s before it braked
    assert reports[-1].motion.motion == "approaching"
    distance = reports[-1].motion.distance_m
    assert distance is not None
    assert distance.value == pytest.approx(4.0, rel=0.02)


@pytest.mark.parametrize("gap_s", [0.04, 0.4, 1.2])
def test_queue_of_two_vehicles_is_two_passages(gap_s: float) -> None:
    first = frame_times(0.0, 1.4)
    second = frame_times(first[-1] + gap_s, first[-1] + gap_s + 1.2)
    rng = np.random.default_rng(4)
    seen = drive(rng, first.tolist(), 9.0 - 5.0 * first)
    seen += drive(rng, second.tolist(), 8.0 - 3.0 * (second - second[0]))
    assert kinds(follow(seen)) == one_passage(1) + one_passage(2)


def test_vehicle_that_leaves_and_one_that_comes_are_two_passages() -> None:
    times = frame_times(0.0, 1.5)
    rng = np.random.default_rng(5)
    seen = drive(rng, times.tolist(), 3.0 + 4.0 * times)
    seen += drive(rng, (times + 1.5).tolist(), 5.0 - 1.0 * times)
    reports = follow(seen)
    assert kinds(reports) == one_passage(1) + one_passage(2)
    assert [report.motion.motion for report in reports if report.kind == "end"] == ["leaving", "approaching"]


@pytest.mark.parametrize("fps", [2.0, 5.0, 12.5, 60.0])
def test_frame_rate_does_not_change_the_passages(fps: float) -> None:
    times = frame_times(0.0, 3.0, fps)
    reports = follow(drive(np.random.default_rng(6), times.tolist(), 11.0 - 2.0 * times))
    assert kinds(reports) == one_passage(1)


def test_slow_network_sees_a_passage_if_its_gaps_are_allowed() -> None:
    """An image every 2.4 s: a vehicle comes, stands at the barrier for 20 s, drives on, and another one follows."""
    rng, patient = np.random.default_rng(0), TrackSettings(confirm_s=6.0, expiry_s=8.0)
    first = drive(rng, np.arange(0.0, 24.0, 2.4).tolist(), [8.0, 4.5] + 8 * [4.0])
    gone = [observation(time, None) for time in np.arange(24.0, 36.0, 2.4).tolist()]
    second = drive(rng, np.arange(36.0, 50.0, 2.4).tolist(), [7.0] + 5 * [4.0])
    seen = first + gone + second
    assert kinds(follow(seen)) == []
    reports = follow(seen, PassageTracker("gate", MOUNTED, patient))
    assert kinds(reports) == one_passage(1) + one_passage(2)
    for report in reports:
        distance = report.motion.distance_m
        assert distance is not None
        assert distance.value == pytest.approx(4.0 - MOUNT.stop_line_m, abs=0.3)


def test_updates_keep_their_interval_in_video_time() -> None:
    times = frame_times(0.0, 2.0, 50.0)
    reports = follow(drive(np.random.default_rng(7), times.tolist(), 11.0 - 2.0 * times))
    seen = np.array([report.last_time_s for report in reports if report.kind == "update"])
    assert np.diff(seen) == pytest.approx(0.1)


def test_same_observations_give_equal_reports() -> None:
    seen = approach()
    runs = [[(report.kind, report.passage, report.motion) for report in follow(seen)] for _ in range(2)]
    assert runs[0] == runs[1]


def test_uncalibrated_camera_has_passages_without_numbers() -> None:
    reports = follow(approach(), PassageTracker("gate", None, SETTINGS))
    assert kinds(reports) == one_passage(1)
    assert Counter(report.motion.quality for report in reports) == {"uncalibrated": len(reports)}


def test_end_holds_the_frame_with_the_most_certain_corners() -> None:
    seen = approach()
    sharp = seen[8]
    seen[8] = observation(sharp.stamp.time_s, sharp.plate.corners_px, sd_px=0.05)
    assert follow(seen)[-1].observation is seen[8]


def test_low_presence_and_broken_numbers_are_no_plate() -> None:
    seen = approach()
    broken = [observation(item.stamp.time_s, np.full((4, 2), np.nan)) for item in seen]
    assert follow(broken) == []
    strict = PassageTracker("gate", MOUNTED, TrackSettings(presence_threshold=0.995))
    assert follow(seen, strict) == []


def test_repeated_time_is_ignored() -> None:
    seen = approach()
    reports = follow([item for item in seen for _ in range(2)])
    assert reports[-1].frames == len(seen)


def test_long_stay_keeps_no_more_than_two_images() -> None:
    tracker = PassageTracker("gate", MOUNTED, TrackSettings(update_interval_s=5.0))
    alive = weakref.WeakSet[Frame]()
    rng = np.random.default_rng(8)
    for time in frame_times(0.0, 20.0).tolist():
        (item,) = drive(rng, [time], [MOUNT.height_m + 4.0])
        alive.add(item.frame)
        tracker.update(item)
    del item
    gc.collect()
    assert len(alive) <= 2


def test_speed_follows_a_vehicle_that_brakes_to_a_stop() -> None:
    """4 m/s, from 1.5 s on 2 m/s^2 less each second, standing from 3.5 s on; no report is far from the truth."""
    times = frame_times(0.0, 5.0)
    moved = np.where(times < 1.5, 4 * times, np.where(times < 3.5, 4 * times - (times - 1.5) ** 2, 10.0))
    reports = follow(drive(np.random.default_rng(9), times.tolist(), 13.5 - moved))
    held, errors = [], []
    for report in reports[:-1]:
        if report.motion.speed_kmh:
            truth = 3.6 * float(np.clip(4 - 2 * (report.last_time_s - 1.5), 0, 4))
            errors.append(report.motion.speed_kmh.value - truth)
            low, high = report.motion.speed_kmh.ci95
            held.append(low <= truth <= high)
    assert len(errors) > 30
    assert np.max(np.abs(errors)) < 2.5
    assert np.mean(held) > 0.75


def test_clock_that_jumps_gives_no_wrong_speed_and_is_counted() -> None:
    """The camera's clock leaps by 0.337 s while the vehicle drives on evenly."""
    drops = DropCounter()
    tracker = PassageTracker("gate", MOUNTED, SETTINGS, drops)
    times = frame_times(0.0, 1.6)
    seen = drive(np.random.default_rng(10), times.tolist(), 11.0 - 4.0 * times)
    leaped = [
        observation(item.stamp.time_s + 0.337 * (item.stamp.time_s > 0.8), item.plate.corners_px)
        for item in seen
    ]
    reports = follow(numbered(leaped), tracker)
    assert kinds(reports) == one_passage(1)
    assert drops.snapshot() == {"bad_time": 1}
    qualities = [report.motion.quality for report in reports]
    assert "time_jump" in qualities
    speeds = [report.motion.speed_kmh for report in reports if report.motion.speed_kmh]
    assert len(speeds) > 8
    assert all(abs(speed.value - 14.4) < 3 * speed.sd + 0.2 for speed in speeds)


@pytest.mark.parametrize("back_s", [0.12, 0.2, 0.4])
def test_clock_that_is_set_back_gives_no_wrong_speed(back_s: float) -> None:
    """The camera's clock is set back while the vehicle drives on evenly; its frames are dated anew meanwhile."""
    timeline, seen = Timeline("gate", 1, DropCounter()), []
    times = frame_times(0.0, 2.4)
    for item in drive(np.random.default_rng(11), times.tolist(), 13.0 - 4.0 * times):
        stamp = timeline.stamp(item.stamp.time_s - back_s * (item.stamp.time_s > 0.8), "pts")
        if stamp is not None:
            seen.append(stamped(item, stamp))
    reports = follow(seen)
    assert kinds(reports) == one_passage(1)
    assert "time_jump" in [report.motion.quality for report in reports]
    speeds = [report.motion.speed_kmh for report in reports if report.motion.speed_kmh]
    assert len(speeds) > 8
    assert all(abs(speed.value - 14.4) < 3 * speed.sd + 0.2 for speed in speeds)


def numbered(observations: Sequence[PlateObservation]) -> list[PlateObservation]:
    """As frames of a camera that lost none."""
    return [stamped(item, replace(item.stamp, index=index)) for index, item in enumerate(observations)]


@pytest.mark.parametrize(("frames", "quality"), [(25, "ok"), (4, "too_few_frames")])
def test_vehicle_that_is_gone_after_a_stall_keeps_its_last_distance(frames: int, quality: str) -> None:
    """No frames come for 0.8 s, a gap that is not bridged, and then those of the empty lane."""
    seen = approach()[:frames]
    gone = nothing(seen[-1].stamp.time_s + 0.8, 5.0)
    reports = follow(numbered(seen + gone))
    last, end = reports[-2].motion, reports[-1].motion
    assert kinds(reports) == one_passage(1)
    assert end.range_m == last.range_m and end.range_m is not None and end.plate_format == last.plate_format
    assert end.quality == quality and (end.speed_kmh is not None) == (quality == "ok")


def test_end_after_a_jump_says_why_there_is_no_speed() -> None:
    """The clock leaps by a second, and the vehicle is seen twice since: too few for a speed."""
    seen = approach()
    leaped = [observation(item.stamp.time_s + 1.0, item.plate.corners_px) for item in seen[4:7]]
    end = follow(numbered(seen[:4] + leaped))[-1]
    assert end.motion.quality == "time_jump" and end.motion.range_m is not None


def test_displaced_time_stamp_is_left_out_and_counted() -> None:
    drops = DropCounter()
    seen = approach()
    late = seen[15]
    seen[15] = observation(late.stamp.time_s + 0.015, late.plate.corners_px)
    reports = follow(seen, PassageTracker("gate", MOUNTED, SETTINGS, drops))
    assert drops.snapshot() == {"bad_time": 1}
    assert reports[-1].frames == 24
    assert reports[-1].motion.quality == "ok"


def test_points_over_the_whole_stay_are_even_after_a_jump_of_the_clock() -> None:
    plate = corners_px(np.array([0.2, 5.0, 0.5]))
    track = Track(observation(0.0, plate), window_s=2.0)
    for frame in range(1, 500):
        if frame == 101:
            track.restart()
        track.add(observation(frame / 25, plate))
    numbers = np.round([25 * point.time_s for point in track.whole_track()])
    assert numbers[0] == 101
    assert len(set(np.diff(numbers[:-1]))) == 1
