"""Command `python -m pipeline.post.benchmark`: how near distance and speed come to the statistical limit.

Simulates passages with known truth, estimates them, and prints errors, the Cramér-Rao bound, coverage of the
intervals and, for comparison, what single-frame PnP (IPPE) with a regression makes of the same tracks.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.frames import Estimate
from pipeline.post.benchmark_report import NOWHERE, Result, Score, plot_coverage, plot_errors, report
from pipeline.post.bound import bounds
from pipeline.post.motion import MotionFollower
from pipeline.post.plate_formats import EUROPE, PlateFormat
from pipeline.post.pose import plate_poses
from pipeline.post.track_data import TIME_SD_S, TrackPoint
from pipeline.synthetic.tracks import EXACT, REALISTIC, Conditions, SimulatedTrack
from pipeline.synthetic.traffic import TYPICAL, Manoeuvre, random_track

Array = NDArray[np.float64]

WINDOW_S = 2.0
OTHERS: tuple[Manoeuvre, ...] = ("braking", "stopping", "stopped", "glance")


def track_points(track: SimulatedTrack) -> list[TrackPoint]:
    """What the estimator is given of a simulated track."""
    covariance = np.broadcast_to(track.stated_sd_px**2 * np.eye(2), (4, 2, 2))
    stated_s = track.camera.uncertainty.time_s
    time_sd_s = TIME_SD_S["pts"] if stated_s is None else stated_s
    pairs = zip(track.times_s.tolist(), track.corners_px, strict=True)
    return [TrackPoint(time_s, corners, covariance, time_sd_s) for time_s, corners in pairs]


def measure(track: SimulatedTrack, conditions: Conditions, manoeuvre: Manoeuvre) -> Result:
    """Estimate one passage and compare."""
    started = time.process_time()
    follower = MotionFollower(track.camera, EUROPE)
    follower.add(track_points(track))
    now = follower.estimate()
    seconds = time.process_time() - started
    over_track = follower.estimate("track")
    plate_format = next(item for item in EUROPE if (item.width_m, item.height_m) == track.drive.size_m)
    middle = track.drive.centres_m(track.capture_s[[0, -1]]).mean(axis=0)
    steady = manoeuvre == "steady"
    limits = bounds(track, conditions, TYPICAL) if steady else (NOWHERE, NOWHERE)
    return Result(
        middle_m=float(np.linalg.norm(track.true_camera.camera_from_road(middle))),
        duration_s=float(np.ptp(track.capture_s)),
        noise_mrad=1e3 * track.sd_px / track.true_camera.intrinsics.fx,
        format_right=now.plate_format == plate_format.name,
        format_named=now.plate_format is not None and now.quality != "format_ambiguous",
        motion=now.motion,
        quality=now.quality,
        track_speed=_score(over_track.speed_kmh, track.mean_speed_kmh),
        speed=_score(now.speed_kmh, track.speed_kmh),
        range_m=_score(now.range_m, track.range_m),
        distance_m=_score(now.distance_m, track.distance_m),
        speed_bound_kmh=limits[0],
        range_bound_m=limits[1],
        ippe_kmh=ippe_speed_kmh(track, plate_format) - track.mean_speed_kmh if steady else NOWHERE,
        seconds=seconds,
    )


def ippe_speed_kmh(track: SimulatedTrack, plate_format: PlateFormat) -> float:
    """What is usually done: the better of the two poses of each frame, a straight line through the distances."""
    times, distances = [], []
    for time_s, corners in zip(track.times_s, track.corners_px, strict=True):
        poses = plate_poses(corners, track.camera, plate_format)
        if poses:
            times.append(time_s)
            distances.append(track.camera.road_from_camera(poses[0].centre_m)[1])
    return -3.6 * float(np.polyfit(times, distances, 1)[0]) if len(times) > 2 else NOWHERE


def simulate(
    passages: int, seed: int, conditions: Conditions, manoeuvre: Manoeuvre, name: str
) -> list[Result]:
    """Random passages, each with a seed of its own."""
    streams = np.random.SeedSequence(seed).spawn(passages)
    return [
        measure(random_track(np.random.default_rng(stream), conditions, manoeuvre), conditions, manoeuvre)
        for stream in tqdm(streams, desc=name, leave=False)
    ]


def update_milliseconds(seed: int, passages: int) -> list[list[float]]:
    """Processor time of each update of a sliding window, for each passage; its first has no update before it."""
    rows: list[list[float]] = []
    for stream in np.random.SeedSequence(seed).spawn(passages):
        rng = np.random.default_rng(stream)
        track = random_track(rng, REALISTIC, "stopping")
        follower = MotionFollower(track.camera, EUROPE, WINDOW_S)
        row: list[float] = []
        for point in track_points(track):
            started = time.process_time()
            follower.add([point])
            follower.estimate()
            row.append(1e3 * (time.process_time() - started))
        rows.append(row)
    return rows


def _score(estimate: Estimate | None, truth: float) -> Score:
    if estimate is None:
        return Score(truth, NOWHERE, NOWHERE, NOWHERE)
    low, high = estimate.ci95
    return Score(truth, estimate.value - truth, float(low <= truth <= high), 0.5 * (high - low))


def main() -> None:
    """Simulate, print, plot."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.post.benchmark", description=__doc__)
    parser.add_argument(
        "--passages", type=int, default=2000, help="of each of the two main cases; a quarter of others"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plots", type=Path, help="folder for motion_error.png and motion_coverage.png")
    args = parser.parse_args()
    cases: dict[str, dict[str, list[Result]]] = {}
    for name, conditions in (("exact", EXACT), ("realistic", REALISTIC)):
        cases[name] = {"steady": simulate(args.passages, args.seed, conditions, "steady", f"{name} steady")}
        for manoeuvre in OTHERS:
            few = max(args.passages // 4, 1)
            cases[name][manoeuvre] = simulate(few, args.seed, conditions, manoeuvre, f"{name} {manoeuvre}")
    print(f"python -m pipeline.post.benchmark --passages {args.passages} --seed {args.seed}")
    for line in report(cases, update_milliseconds(args.seed, 20)):
        print(line)
    if args.plots:
        args.plots.mkdir(parents=True, exist_ok=True)
        plot_errors(cases, args.plots / "motion_error.png")
        plot_coverage(cases, args.plots / "motion_coverage.png")


if __name__ == "__main__":
    main()
