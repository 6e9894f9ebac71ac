"""How the vehicle of a clip moves: a closed form, so that the truth of every moment is exact."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.errors import GateError


@dataclass(frozen=True)
class Approach:
    """Constant speed, then, if `stop_m` is given, constant deceleration to a stop there.

    Distances are those of the plate's centre along the lane from the road point under the camera.

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
        if self.start_m - self._braking_m() < last_m:
            raise GateError(
                f"scenario: from {self.start_m} m there is no room to reach {last_m} m; start farther"
            )

    @property
    def duration_s(self) -> float:
        """Length of the clip."""
        if self.stop_m is None:
            return (self.start_m - self.end_m) / self._speed_mps
        return self._brake_s() + self._speed_mps / self.deceleration_mps2 + self.wait_s

    def at(self, time_s: float) -> tuple[float, float]:
        """Distance in metres and speed in m/s at a time."""
        speed = self._speed_mps
        if self.stop_m is None or time_s <= self._brake_s():
            return self.start_m - speed * time_s, speed
        braking_s = min(time_s - self._brake_s(), speed / self.deceleration_mps2)
        left = max(0.0, speed - self.deceleration_mps2 * braking_s)
        return self.stop_m + left**2 / (2 * self.deceleration_mps2), left

    @property
    def _speed_mps(self) -> float:
        return self.speed_kmh / 3.6

    def _braking_m(self) -> float:
        return 0.0 if self.stop_m is None else self._speed_mps**2 / (2 * self.deceleration_mps2)

    def _brake_s(self) -> float:
        """When braking begins."""
        return (
            math.inf
            if self.stop_m is None
            else ((self.start_m - self.stop_m - self._braking_m()) / self._speed_mps)
        )
