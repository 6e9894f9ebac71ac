"""Simulated passages, estimated as at a gate, by single-frame PnP (IPPE) with a regression, and beside the bound."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from calib.camera import Uncertainty
from pipeline.frames import KMH_PER_MPS, Estimate
from pipeline.post.benchmark.bound import bounds
from pipeline.post.benchmark.results import NOWHERE, Result, Score
from pipeline.post.motion import MotionFollower
from pipeline.post.plate_formats import EUROPE, PlateFormat
from pipeline.post.pose import plate_poses
from pipeline.post.track_data import TIME_SD_S, TrackPoint
from pipeline.synthetic.tracks import CALIBRATION, EXACT, REALISTIC, Conditions, SimulatedTrack
from pipeline.synthetic.traffic import TYPICAL, WIDE, Manoeuvre, Spread, random_track

Array = NDArray[np.float64]

WINDOW_S = 2.0
TIMED_RUNS = 5
TIMES_ONLY = Uncertainty(time_s=REALISTIC.jitter_s)


@dataclass(frozen=True)
class Population:
    """Which passages are simulated."""

    conditions: Conditions
    manoeuvre: Manoeuvre = "steady"
    spread: Spread = TYPICAL
    mount_known: bool = True


MANOEUVRES: tuple[Manoeuvre, ...] = ("steady", "braking", "stopping", "stopped", "starting", "glance")
OTHERS = {
    "realistic, exact camera": Population(replace(REALISTIC, calibration=TIMES_ONLY)),
    "realistic, exact times": Population(
        replace(REALISTIC, jitter_s=0.0, calibration=replace(CALIBRATION, time_s=None))
    ),
    "realistic, white noise": Population(replace(REALISTIC, correlation=0.0)),
    "exact, no mount": Population(EXACT, mount_known=False),
    "realistic, no mount": Population(REALISTIC, mount_known=False),
    "exact, wide": Population(EXACT, spread=WIDE),
    "realistic, wide": Population(REALISTIC, spread=WIDE),
    "correlation 0.5": Population(Conditions(correlation=0.5)),
    "correlation 0.9": Population(Conditions(correlation=0.9)),
    "jitter 10 ms": Population(Conditions(jitter_s=0.01, calibration=Uncertainty(time_s=0.01))),
    "rolling shutter": Population(Conditions(row_time_s=2e-5)),
    "errors alike in all frames": Population(Conditions(correlation=0.5, shared=0.97)),
    "errors alike, stopped": Population(Conditions(correlation=0.5, shared=0.97), "stopped"),
}


def track_points(track: SimulatedTrack) -> list[TrackPoint]:
    """What the estimator is given of a simulated track."""
    covariance = np.broadcast_to(track.stated_sd_px**2 * np.eye(2), (4, 2, 2))
    stated_s = track.camera.uncertainty.time_s
    time_sd_s = TIME_SD_S["pts"] if stated_s is None else stated_s
    pairs = zip(track.times_s.tolist(), track.corners_px, strict=True)
    return [TrackPoint(time_s, corners, covariance, time_sd_s) for time_s, corners in pairs]


def measure(track: SimulatedTrack, population: Population) -> Result:
    """Estimate one passage and compare; with the bound and single-frame PnP at constant speed and known mount."""
    follower = MotionFollower(track.camera, EUROPE)
    follower.add(track_points(track))
    now = follower.estimate()
    over_track = follower.estimate("track")
    plate_format = next(item for item in EUROPE if (item.width_m, item.height_m) == track.drive.size_m)
    middle = track.drive.centres_m(track.capture_s[[0, -1]]).mean(axis=0)
    steady = population.manoeuvre == "steady" and population.mount_known
    bounded = steady and not population.conditions.shared
    limits = bounds(track, population.conditions, population.spread) if bounded else (NOWHERE, NOWHERE)
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
    )


def ippe_speed_kmh(track: SimulatedTrack, plate_format: PlateFormat) -> float:
    """What is usually done: the better of the two poses of each frame, a straight line through the distances."""
    times, distances = [], []
    for time_s, corners in zip(track.times_s, track.corners_px, strict=True):
        poses = plate_poses(corners, track.camera, plate_format)
        if poses:
            times.append(time_s)
            distances.append(track.camera.road_from_camera(poses[0].centre_m)[1])
    return -KMH_PER_MPS * float(np.polyfit(times, distances, 1)[0]) if len(times) > 2 else NOWHERE


def simulate(passages: int, seed: int, population: Population, name: str) -> list[Result]:
    """Random passages, each with a random stream of its own."""
    results = []
    for stream in tqdm(np.random.SeedSequence(seed).spawn(passages), desc=name, leave=False):
        track = random_track(
            np.random.default_rng(stream),
            population.conditions,
            population.manoeuvre,
            population.spread,
            population.mount_known,
        )
        results.append(measure(track, population))
    return results


def update_milliseconds(seed: int, passages: int) -> list[list[float]]:
    """Processor time of each update of a sliding window, for each passage; the first one begins it.

    Each is the least of some runs, since other programs on the machine can only make it longer.
    """
    rows: list[list[float]] = []
    for stream in np.random.SeedSequence(seed).spawn(passages):
        track = random_track(np.random.default_rng(stream), REALISTIC, "stopping")
        rows.append(np.min([_timed(track) for _ in range(TIMED_RUNS)], axis=0).tolist())
    return rows


def _timed(track: SimulatedTrack) -> list[float]:
    """Milliseconds of this thread's processor time for each point of a track."""
    follower = MotionFollower(track.camera, EUROPE, WINDOW_S)
    row: list[float] = []
    for point in track_points(track):
        started = time.thread_time()
        follower.add([point])
        follower.estimate()
        row.append(1e3 * (time.thread_time() - started))
    return row


def _score(estimate: Estimate | None, truth: float) -> Score:
    if estimate is None:
        return Score(truth, NOWHERE, NOWHERE, NOWHERE)
    low, high = estimate.ci95
    return Score(truth, estimate.value - truth, float(low <= truth <= high), 0.5 * (high - low))
