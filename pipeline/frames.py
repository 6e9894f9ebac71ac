"""What travels between the stages, in the order in which it is made.

capture -> `Frame` -> inference -> `PlateObservation` -> post -> `PassageReport` -> events.

Pixels follow the project's convention everywhere: pixel centres at integer coordinates, x right, y down. Corners
are top-left, top-right, bottom-right, bottom-left of the plate as it is read, at the plate's outer edge.
"""

from __future__ import annotations

import enum
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

TimeSource = Literal["rtcp", "pts", "arrival"]
PassageKind = Literal["new", "update", "end"]
CameraState = Literal["online", "offline"]
Motion = Literal["approaching", "leaving", "stopped", "unknown"]
Interval = tuple[float, float]

KMH_PER_MPS = 3.6

CORNER_SIGNS = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
"""TL, TR, BR, BL from the centre of an upright plate, in halves of its width and height."""


@dataclass(frozen=True)
class FrameStamp:
    """Which frame this is and when it was captured.

    Attributes:
        camera: identifier of the camera.
        index: number of the frame within its epoch, from 0; a gap is a frame that the decoder never delivered.
        epoch: number of the connection, from 1; times of two epochs are never subtracted.
        time_s: capture time in seconds on a clock that starts near 0 at the epoch's first frame.
        time_source: where `time_s` comes from.
        utc_s: wall-clock capture time (seconds since 1970), None for recordings.
    """

    camera: str
    index: int
    epoch: int
    time_s: float
    time_source: TimeSource
    utc_s: float | None = None


@dataclass(frozen=True, eq=False)
class Frame:
    """One image with its stamp. `image` is (height, width, 3) uint8 BGR and is not written to after creation."""

    stamp: FrameStamp
    image: NDArray[np.uint8]

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) of the image."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True, eq=False)
class PlateLocation:
    """What the network says about one image, in that image's own pixels.

    Attributes:
        presence: probability in [0, 1] that a plate is in the image.
        corners_px: (4, 2) float64, corners TL, TR, BR, BL.
        corner_cov_px2: (4, 2, 2) float64, covariance of each corner.
    """

    presence: float
    corners_px: NDArray[np.float64]
    corner_cov_px2: NDArray[np.float64]


def plate_width_px(corners_px: NDArray[np.float64]) -> float:
    """Mean length of the upper and the lower edge of corners (4, 2) TL, TR, BR, BL."""
    top, bottom = corners_px[1] - corners_px[0], corners_px[2] - corners_px[3]
    return float(np.linalg.norm(top) + np.linalg.norm(bottom)) / 2


@dataclass(frozen=True, eq=False)
class PlateObservation:
    """A frame and where the plate is in it."""

    frame: Frame
    plate: PlateLocation

    @property
    def stamp(self) -> FrameStamp:
        """Of the frame."""
        return self.frame.stamp


@dataclass(frozen=True)
class Estimate:
    """A published number: value, standard deviation and 95 % interval, all in the unit of the field that holds it."""

    value: float
    sd: float
    ci95: Interval


@dataclass(frozen=True)
class MotionEstimate:
    """Distance and speed of one vehicle at one moment; None where no honest number can be given.

    Attributes:
        range_m: camera centre to plate centre.
        distance_m: along the lane from the stop line (or the road point under the camera) to the plate.
        speed_kmh: positive when the vehicle approaches the camera.
        motion: direction in words.
        plate_format: name of the most probable plate format, None if it cannot be told.
        plate_format_probability: its probability given the track.
        quality: "ok", or the reason why a number is missing, for example "uncalibrated" or "too_few_frames".
    """

    range_m: Estimate | None
    distance_m: Estimate | None
    speed_kmh: Estimate | None
    motion: Motion
    plate_format: str | None
    plate_format_probability: float | None
    quality: str


@dataclass(frozen=True, eq=False)
class PassageReport:
    """What the post stage says about one vehicle at one frame.

    In a `new` or `update` report `observation` is the frame just seen. In an `end` report it is the passage's best
    frame (the one with the most certain corners), `motion` holds the last distance and the speed over the
    whole track, and `first_time_s`, `last_time_s`, `frames` sum the passage up.
    """

    kind: PassageKind
    passage: str
    observation: PlateObservation
    motion: MotionEstimate
    first_time_s: float
    last_time_s: float
    frames: int


class DropReason(enum.StrEnum):
    """Every reason for which a frame or what was seen in it may be dropped; each is counted."""

    SUPERSEDED = "superseded"  # a newer frame arrived before this one was taken (policy `latest`)
    UNDECODABLE = "undecodable"  # the decoder could not make an image of it
    BAD_TIME = "bad_time"  # its time is missing, does not run forward, or does not fit the stream
    LATE = "late"  # its connection had ended before it was looked at
    STOPPED = "stopped"  # the program was stopped while the frame waited


class DropCounter:
    """Thread-safe counts of drops by reason; one for each camera."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[DropReason] = Counter()

    def add(self, reason: DropReason, count: int = 1) -> None:
        """Count `count` drops for `reason`."""
        with self._lock:
            self._counts[reason] += count

    def snapshot(self) -> dict[str, int]:
        """Counts so far by the reason's name; reasons that never happened are left out."""
        with self._lock:
            return {str(reason): count for reason, count in sorted(self._counts.items()) if count}
