"""How a vehicle of a clip moves along its lane: in closed form, so that the truth of every moment is exact."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from pipeline.errors import GateError
from pipeline.frames import KMH_PER_MPS
from pipeline.synthetic.drive import SpeedProfile


class Course(ABC):
    """Distance over time. Distances are those of the plate's centre along the lane from the point under the camera."""

    start_m: float
    """Distance at time 0."""

    @property
    @abstractmethod
    def duration_s(self) -> float:
        """For how long the vehicle is watched."""

    @property
    @abstractmethod
    def speed(self) -> SpeedProfile:
        """Closing speed in m/s over time."""

    def at(self, time_s: float) -> tuple[float, float]:
        """Distance in metres and closing speed in m/s at a time."""
        moment, speed = np.array([time_s]), self.speed
        return self.start_m - float(speed.travelled_m(moment)[0]), float(speed.at(moment)[0])


@dataclass(frozen=True)
class SpeedCourse(Course):
    """Speeds at some times, straight lines between them.

    Attributes:
        start_m: distance at time 0.
        knots: (time in s, speed in km/h) pairs, times rising from 0; a negative speed leads away from the camera.
    """

    start_m: float
    knots: tuple[tuple[float, float], ...]

    @property
    def duration_s(self) -> float:
        """Until the last knot."""
        return self.knots[-1][0]

    @property
    def speed(self) -> SpeedProfile:
        """The knots in m/s."""
        times, speeds = zip(*self.knots, strict=True)
        return SpeedProfile(times, [speed / KMH_PER_MPS for speed in speeds])


@dataclass(frozen=True)
class Approach(Course):
    """Constant speed, then, if `stop_m` is given, constant deceleration to a stop there.

    Attributes:
        start_m: distance at time 0.
        end_m: distance at which a vehicle that does not stop ends the clip.
        speed_kmh: speed at the start, positive towards the camera.
        stop_m: where the vehicle comes to rest; None drives on.
        deceleration_mps2: braking.
        wait_s: how long a clip goes on after the stop.
    """

    start_m: float = 10.0
    end_m: float = 3.0
    speed_kmh: float = 15.0
    stop_m: float | None = None
    deceleration_mps2: float = 2.0
    wait_s: float = 0.6

    def __post_init__(self) -> None:
        last_m = self.end_m if self.stop_m is None else self.stop_m
        if not (self.speed_kmh > 0 and self.deceleration_mps2 > 0 and last_m >= 1.5):
            raise GateError(
                "scenario: speed and deceleration must be positive, and the end at 1.5 m or farther"
            )
        if self._steady_m < 0:
            raise GateError(
                f"scenario: from {self.start_m} m there is no room to reach {last_m} m; start farther"
            )

    @property
    def duration_s(self) -> float:
        """Until the end, or until the vehicle has stood for `wait_s`."""
        steady_s = self._steady_m / self._speed_mps
        return steady_s if self.stop_m is None else steady_s + self._braking_s + self.wait_s

    @property
    def speed(self) -> SpeedProfile:
        """Steady, then falling to nothing."""
        if self.stop_m is None:
            return SpeedProfile([0.0], [self._speed_mps])
        begins_s = self._steady_m / self._speed_mps
        return SpeedProfile([begins_s, begins_s + self._braking_s], [self._speed_mps, 0.0])

    @property
    def _speed_mps(self) -> float:
        return self.speed_kmh / KMH_PER_MPS

    @property
    def _braking_s(self) -> float:
        return self._speed_mps / self.deceleration_mps2

    @property
    def _steady_m(self) -> float:
        """Way at constant speed."""
        if self.stop_m is None:
            return self.start_m - self.end_m
        return self.start_m - self.stop_m - self._speed_mps * self._braking_s / 2
