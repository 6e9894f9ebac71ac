"""A vehicle that drives along a straight line with its plate: where the corners are at any time.

The road frame is that of `calib.camera`: X right, Y along the lane away from the camera, Z up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.frames import CORNER_SIGNS

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SpeedProfile:
    """Speed as straight lines between knots, constant beyond them; positive approaches the camera."""

    knots_s: Sequence[float]
    speeds_mps: Sequence[float]

    def at(self, times_s: Array) -> Array:
        """Speed at times of any shape."""
        return np.interp(times_s, self.knots_s, self.speeds_mps)

    def travelled_m(self, times_s: Array) -> Array:
        """Way from time 0 to times of any shape, negative before time 0."""
        return self._from_first_knot(times_s) - self._from_first_knot(np.zeros(1))

    def _from_first_knot(self, times_s: Array) -> Array:
        knots, speeds = np.asarray(self.knots_s, float), np.asarray(self.speeds_mps, float)
        ways = np.concatenate([[0.0], np.cumsum(0.5 * (speeds[1:] + speeds[:-1]) * np.diff(knots))])
        index = np.clip(np.searchsorted(knots, times_s, side="right") - 1, 0, len(knots) - 1)
        return np.asarray(ways[index] + 0.5 * (speeds[index] + self.at(times_s)) * (times_s - knots[index]))


@dataclass(frozen=True, eq=False)
class Drive:
    """One vehicle with its plate on a straight line.

    Attributes:
        place_m: (3,) plate centre at time 0 in the road frame.
        heading_rad, slope_rad: direction away from the camera: to the right of the lane, above the road.
        yaw_rad, tilt_rad: the plate's facing against that direction, in the same senses.
        roll_rad: clockwise as the plate is read.
        size_m: width and height of the plate.
        speed: closing speed over time.
    """

    place_m: Array
    heading_rad: float
    slope_rad: float
    yaw_rad: float
    tilt_rad: float
    roll_rad: float
    size_m: tuple[float, float]
    speed: SpeedProfile

    def centres_m(self, times_s: Array) -> Array:
        """Plate centres (..., 3) in the road frame at times of any shape."""
        away = direction(self.heading_rad, self.slope_rad)
        return np.asarray(self.place_m - self.speed.travelled_m(times_s)[..., None] * away)

    def corners_m(self, times_s: Array) -> Array:
        """Corners (n, 4, 3) in the road frame, each at its own time (n, 4)."""
        away = direction(self.heading_rad + self.yaw_rad, self.slope_rad + self.tilt_rad)
        right = np.array([away[1], -away[0], 0.0]) / np.hypot(away[0], away[1])
        down = np.cross(away, right)
        across = np.cos(self.roll_rad) * right + np.sin(self.roll_rad) * down
        along = np.cross(away, across)
        half = 0.5 * CORNER_SIGNS * self.size_m
        return self.centres_m(times_s) + half[:, :1] * across + half[:, 1:] * along


def direction(heading_rad: float, slope_rad: float) -> Array:
    """(3,) unit vector away from the camera: to the right of the lane and above the road by these angles."""
    return np.array(
        [np.sin(heading_rad) * np.cos(slope_rad), np.cos(heading_rad) * np.cos(slope_rad), np.sin(slope_rad)],
        dtype=np.float64,
    )
