"""Which vehicles and cameras the simulator draws: the population that the benchmark's figures are about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera, Intrinsics, Mount
from pipeline.frames import KMH_PER_MPS
from pipeline.synthetic.drive import Drive, SpeedProfile
from pipeline.synthetic.tracks import EXACT, Conditions, SimulatedTrack, observe, see_px

Array = NDArray[np.float64]
Manoeuvre = Literal["steady", "braking", "stopping", "stopped", "starting", "glance"]

FPS = 25.0
SIZES_M: tuple[tuple[float, float], ...] = ((0.52, 0.11), (0.34, 0.24))
_LONG_PLATES = 0.75
_NEAREST_M, _FARTHEST_M = 3.0, 12.0


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the population, in degrees and metres."""

    heading_deg: float = 3.0
    slope_deg: float = 0.1
    yaw_deg: float = 2.0
    tilt_deg: float = 5.0
    roll_deg: float = 1.5
    height_m: float = 0.2


TYPICAL = Spread()
WIDE = Spread(6.0, 0.2, 4.0, 10.0, 3.0, 0.3)
"""A population that the estimator's priors do not describe: about twice the spread."""


def random_camera(rng: np.random.Generator) -> Camera:
    """A mounted camera that looks at the middle of the lane; f 800 to 2000 px."""
    focal = rng.uniform(800, 2000)
    height = rng.uniform(0.9, 3.0)
    pitch = np.degrees(np.arctan2(height - 0.55, 5.0)) + rng.normal(scale=1.0)
    lens = Intrinsics(1920, 1440, focal, focal, 959.5, 719.5)
    mount = Mount(
        height, float(pitch), float(rng.normal(scale=1.0)), float(rng.normal(scale=4.0)), rng.uniform(0, 2)
    )
    return Camera("simulated", lens, mount)


def random_track(
    rng: np.random.Generator,
    conditions: Conditions = EXACT,
    manoeuvre: Manoeuvre = "steady",
    spread: Spread = TYPICAL,
    mount_known: bool = True,
) -> SimulatedTrack:
    """One passage of 0.5 to 2 s at 3 to 12 m, 5 to 40 km/h, corner sd 0.5 to 1 px; it is in the image throughout."""
    while True:
        camera = random_camera(rng)
        drive, capture_s = _random_drive(rng, manoeuvre, spread)
        pixels = see_px(drive, camera, capture_s)
        if np.all((pixels > 0) & (pixels < (camera.intrinsics.width, camera.intrinsics.height))):
            track = observe(rng, drive, camera, capture_s, rng.uniform(0.5, 1.0), conditions)
            return track if mount_known else replace(track, camera=replace(track.camera, mount=None))


def _random_drive(rng: np.random.Generator, manoeuvre: Manoeuvre, spread: Spread) -> tuple[Drive, Array]:
    """A vehicle, and when its frames are taken, the newest at time 0."""
    profile, duration = _random_speed(rng, manoeuvre)
    capture = (np.arange(max(round(duration * FPS), 1)) / FPS) - (max(round(duration * FPS), 1) - 1) / FPS
    way = -float(profile.travelled_m(capture[:1])[0])
    nearest = 10.0 if manoeuvre == "glance" else rng.uniform(_NEAREST_M, max(_FARTHEST_M - way, _NEAREST_M))
    heading, slope, yaw, tilt, roll = np.radians(
        rng.normal(size=5)
        * (spread.heading_deg, spread.slope_deg, spread.yaw_deg, spread.tilt_deg, spread.roll_deg)
    )
    height = float(np.clip(0.55 + rng.normal() * spread.height_m, 0.25, 1.2))
    size = SIZES_M[0] if rng.random() < _LONG_PLATES else SIZES_M[1]
    place = np.array([rng.uniform(-1.2, 1.2), nearest, height])
    return Drive(place, heading, slope, yaw, tilt, roll, size, profile), capture


def _random_speed(rng: np.random.Generator, manoeuvre: Manoeuvre) -> tuple[SpeedProfile, float]:
    """Speed over time and the duration of the track; the way fits between the nearest and the farthest place."""
    room = _FARTHEST_M - _NEAREST_M
    if manoeuvre == "stopped":
        return SpeedProfile([0.0], [0.0]), 2.0
    if manoeuvre == "glance":
        return SpeedProfile([0.0], [0.0]), 1 / FPS
    if manoeuvre == "starting":
        drives_s = rng.uniform(0.0, 1.5)
        return SpeedProfile([-drives_s, 0.0], [0.0, rng.uniform(0.5, 2.0) * drives_s]), 2.0
    speed = rng.uniform(5, 40) / KMH_PER_MPS
    if manoeuvre == "steady":
        return SpeedProfile([0.0], [speed]), rng.uniform(0.5, min(2.0, room / speed))
    brake = rng.uniform(1.0, 3.0)
    if manoeuvre == "braking":
        duration = rng.uniform(0.5, min(2.0, room / speed))
        begins = -rng.uniform(0.0, duration)
        last = max(speed + brake * begins, 0.0)
        return SpeedProfile([begins, begins + (speed - last) / brake], [speed, last]), duration
    speed = min(speed, np.sqrt(2 * brake * 0.7 * room))
    stands_s = rng.uniform(0.0, 1.5)
    return SpeedProfile([-stands_s - speed / brake, -stands_s], [speed, 0.0]), 2.0
