"""The catalogue of drawn clips: what may happen in front of a gate, each with exact truth and always the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calib.camera import Camera, Mount
from pipeline.errors import GateError
from pipeline.post.plate_formats import formats_named
from pipeline.synthetic.approach import Approach, SpeedCourse
from pipeline.synthetic.scene import Scenario, gate_camera


@dataclass(frozen=True)
class DrawnClip:
    """One entry of the catalogue: what its name stands for, and how to make its scenario."""

    name: str
    about: str
    make: Callable[[], Scenario]


def clip_named(name: str) -> DrawnClip:
    """The clip of this name.

    Raises:
        GateError: there is none.
    """
    for clip in CLIPS:
        if clip.name == name:
            return clip
    raise GateError(f"no clip {name!r}; there are: {', '.join(clip.name for clip in CLIPS)}")


def _approach() -> Scenario:
    return Scenario(approach=Approach(10.0, 4.2, speed_kmh=15.0), seed=11)


def _braking() -> Scenario:
    course = Approach(10.5, speed_kmh=18.0, stop_m=3.4, deceleration_mps2=2.5, wait_s=0.9)
    return Scenario(approach=course, fps=12.5, seed=12)


def _queue() -> Scenario:
    """The second car waits behind the first one and follows it to the stop line; a gantry camera looks down on both."""
    first = SpeedCourse(6.0, ((0, 10), (0.5, 10), (1.5, 0), (2.1, 0), (3.6, 11), (5.0, 14)))
    second = SpeedCourse(9.2, ((0, 0), (2.6, 0), (3.9, 9), (4.9, 9), (6.1, 0), (6.6, 0)))
    return Scenario(
        approach=first,
        behind=(second,),
        camera=_mounted(Mount(2.6, 20.0, 0.0, 0.0, stop_line_m=3.0)),
        frame_times_s=tuple(np.arange(0.0, 6.6, 0.125).tolist()),
        seed=13,
    )


def _leaving() -> Scenario:
    """Backs away from the gate: the plate in view is the front one."""
    return Scenario(approach=SpeedCourse(3.5, ((0, 0), (0.4, 0), (1.9, -9), (3.0, -9))), fps=12.5, seed=14)


def _oblique() -> Scenario:
    """The camera stands beside the lane and is turned into it, so that it sees the plate from its side."""
    camera = _mounted(Mount(1.3, 8.0, 0.0, -18.0, stop_line_m=2.0))
    course = Approach(9.5, 4.0, speed_kmh=14.0)
    return Scenario(approach=course, camera=camera, lane_offset_m=1.75, lane_centre_m=1.6, seed=15)


def _night() -> Scenario:
    course = Approach(9.5, 4.0, speed_kmh=13.0)
    return Scenario(approach=course, night=True, exposure_s=0.004, seed=16)


def _far_start() -> Scenario:
    return Scenario(approach=Approach(16.0, 6.5, speed_kmh=25.0), seed=17)


def _variable_rate() -> Scenario:
    """Between 30 and 130 ms from frame to frame, as a camera in changing light does it."""
    steps_s = np.random.default_rng(18).uniform(0.030, 0.130, 24)
    times = np.concatenate([[0.0], np.cumsum(steps_s)])
    course = Approach(9.5, 3.0, speed_kmh=11.0)
    return Scenario(approach=course, frame_times_s=_until(course.duration_s, times), seed=18)


def _dropped_frames() -> Scenario:
    """A fifth of the frames is lost, five of them in a row."""
    course = Approach(10.0, 3.8, speed_kmh=14.0)
    every = np.arange(int(course.duration_s * 25) + 1)
    lost = np.random.default_rng(19).random(len(every)) < 0.25
    lost[[0, -1]] = False
    lost[20:25] = True
    return Scenario(approach=course, frame_times_s=tuple((every[~lost] / 25).tolist()), seed=19)


def _plate_340() -> Scenario:
    course = Approach(9.0, 3.6, speed_kmh=14.0)
    return Scenario(approach=course, plate_format=formats_named(["eu-340x240"])[0], seed=20)


def _long_stop() -> Scenario:
    """Drives up, stands for a minute, drives on; the camera takes fewer frames while nothing moves."""
    course = SpeedCourse(7.5, ((0, 9), (0.8, 9), (2.6, 0), (62.6, 0), (64.0, 6)))
    steps_s = [0.125] * 22 + [0.4] * 14 + [1.2] * 45
    times = np.concatenate([[0.0], np.cumsum(steps_s)])
    arrival = times[times < 62.5]
    departure = arrival[-1] + 0.25 * np.arange(1, 8)
    return Scenario(approach=course, frame_times_s=(*arrival.tolist(), *departure.tolist()), seed=21)


def _mounted(mount: Mount) -> Camera:
    return replace(gate_camera(), mount=mount)


def _until(end_s: float, times_s: np.ndarray) -> tuple[float, ...]:
    return tuple(times_s[times_s <= end_s].tolist())


CLIPS: tuple[DrawnClip, ...] = (
    DrawnClip("approach", "15 km/h, from 10 m to 4 m", _approach),
    DrawnClip("braking", "from 18 km/h to a stop at 3.4 m", _braking),
    DrawnClip("queue", "one car at the gate, the next one behind it", _queue),
    DrawnClip("leaving", "backs away from the gate", _leaving),
    DrawnClip("oblique", "camera beside the lane, turned 18 degrees into it", _oblique),
    DrawnClip("night", "lamps of camera and car only", _night),
    DrawnClip("far-start", "25 km/h, from 16 m on", _far_start),
    DrawnClip("variable-rate", "30 to 130 ms between frames", _variable_rate),
    DrawnClip("dropped-frames", "a fifth of the frames lost, five in a row", _dropped_frames),
    DrawnClip("plate-340", "two-row plate of 340 x 240 mm", _plate_340),
    DrawnClip("long-stop", "stands for a minute, then drives on", _long_stop),
)
