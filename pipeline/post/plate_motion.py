"""The motion model: where the corners of a plate that drives along a straight line appear, with derivatives.

Everything here is relative to the camera centre, in reference axes X right, Y ahead, Z up: the road frame's
axes when the mount is known, otherwise those of the camera (X = x, Y = z, Z = -y). A motion is a vector of
these parameters, indexed by the constants below:

- X, Y, Z (m): plate centre at time 0, the newest frame;
- HEADING (rad): angle of the line of travel to the right of Y; SLOPE (rad): its angle above the X-Y plane,
  both for the direction away from the camera;
- YAW, TILT (rad): the plate's facing against the line of travel, in the same two senses; ROLL (rad):
  clockwise as the plate is read;
- ASPECT: natural logarithm of the plate's height over its width;
- SPEED (m/s): closing speed at time 0;
- ACCELERATIONS (m/s^2): its rate of change, constant over each of a few stretches of time, newest first.

POSE are those that do not change with time, X to Z (PLACE) among them; DRIVE are SPEED and ACCELERATIONS.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.frames import CORNER_SIGNS

Array = NDArray[np.float64]

X, Y, Z, HEADING, SLOPE, YAW, TILT, ROLL, ASPECT, SPEED = range(10)
STRETCHES = 7
COUNT = 10 + STRETCHES
PLACE, POSE = slice(X, HEADING), slice(X, SPEED)
DRIVE, ACCELERATIONS = slice(SPEED, COUNT), slice(SPEED + 1, COUNT)

CAMERA_AXES: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Camera frame from reference axes where no mount is known; its transpose turns a plate's axes into them."""

AGES_S: Array = np.array([0.0, 0.1, 0.24, 0.44, 0.7, 1.05, 1.5, 2.0])
"""Between these ages an acceleration is constant. Short stretches near the present: braking begins abruptly."""


def stretch_ages_s(span_s: float) -> Array:
    """(STRETCHES + 1,) ages that bound the stretches of a track of this span, longer ones for more than 2 s."""
    return AGES_S * max(1.0, span_s / AGES_S[-1])


def travel_by_accelerations(times_s: Array, ages_s: Array) -> Array:
    """How far each acceleration of 1 m/s^2 has moved the plate at times (...) before 0, as (..., STRETCHES), in metres.

    An acceleration from age u to age w puts a plate of given present speed ((age - u)^2 - (age - w)^2) / 2
    further along at a greater age.
    """
    ages = np.maximum(-times_s[..., None] - ages_s, 0.0)
    squares = 0.5 * ages * ages
    return np.asarray(squares[..., :-1] - squares[..., 1:])


def seconds_lasted(times_s: Array, ages_s: Array) -> Array:
    """(n, STRETCHES), how long each acceleration has lasted since times (n,) before 0."""
    lasted = np.maximum(-times_s[:, None] - ages_s[:-1], 0.0)
    return np.minimum(lasted, ages_s[1:] - ages_s[:-1])


def speed_at(motion: Array, seconds: Array) -> Array:
    """Closing speed (n,) at the times of which `seconds_lasted` are given (n, STRETCHES)."""
    return np.asarray(motion[SPEED] - seconds @ motion[ACCELERATIONS])


def moved_on(motion: Array, later_s: float) -> Array:
    """The same motion (17,), roughly, with its time 0 moved to a later time."""
    found = motion.copy()
    newest = motion[ACCELERATIONS.start]
    way = motion[SPEED] * later_s + 0.5 * newest * later_s**2
    found[PLACE] -= way * travel_direction(motion[HEADING], motion[SLOPE])[0]
    found[SPEED] += newest * later_s
    return found


class PlateAt:
    """Where a motion puts the corners of the plate at some times, and how that depends on the motion.

    Attributes:
        points: (n, 4, 3), corners TL, TR, BR, BL in the camera frame.
    """

    def __init__(
        self, motion: Array, times_s: Array, by_accelerations_m: Array, width_m: float, axes: Array
    ) -> None:
        """Place the plate.

        Args:
            motion: (17,) parameters.
            times_s: (n, 4) seconds at which each corner is seen, relative to the newest frame.
            by_accelerations_m: (n, 4, 7), `travel_by_accelerations` at these times.
            width_m: width of the plate.
            axes: (3, 3) rotation from the reference axes into the camera frame.
        """
        self._times_s, self._by_accelerations = times_s, by_accelerations_m
        self._travel = motion[SPEED] * times_s + by_accelerations_m @ motion[ACCELERATIONS]
        directions = np.array(travel_direction(motion[HEADING], motion[SLOPE])).T
        self._moves = np.concatenate([axes, axes @ directions], axis=1)
        shape = plate_shape(motion, width_m) @ axes.T
        self._turns, self._bends = shape[:, 1:5].swapaxes(1, 2), shape[:, 5:].swapaxes(1, 2)
        self._veer = axes @ (directions[:, 0] * (1.0, 1.0, 0.0))
        self.points: Array = shape[:, 0] + axes @ motion[PLACE] - self._travel[..., None] * self._moves[:, 3]

    def derivatives(self, by_point: Array) -> tuple[Array, Array]:
        """Derivatives of two numbers a corner, given those by the corner's point as (n, 4, 2, 3).

        Returns:
            by_parameters: (n, 4, 2, 17).
            by_way: (n, 4, 2), with respect to the way that the plate has come closer.
        """
        frames = len(by_point)
        moves = (by_point.reshape(-1, 3) @ self._moves).reshape(frames, 4, 2, 6)
        turns = by_point.swapaxes(0, 1).reshape(4, -1, 3) @ self._turns
        turns = turns.reshape(4, frames, 2, 4).swapaxes(0, 1)
        by_way, travel = -moves[..., 3], self._travel[..., None]

        found = np.empty((frames, 4, 2, COUNT))
        found[..., :3] = moves[..., :3]
        found[..., YAW : ASPECT + 1] = turns
        found[..., HEADING] = turns[..., 0] - travel * moves[..., 4]
        found[..., SLOPE] = turns[..., 1] - travel * moves[..., 5]
        found[..., SPEED] = by_way * self._times_s[..., None]
        found[..., ACCELERATIONS] = by_way[..., None] * self._by_accelerations[:, :, None, :]
        return found, by_way

    def curvatures(self, by_point: Array) -> Array:
        """Second derivatives (n, 4, 2, 3) of the same numbers by azimuth and elevation of the plate and by HEADING.

        That by HEADING is of the line of travel only. The curvature of the projection is left out: it is smaller by
        the square of the plate's size over its distance.
        """
        frames = len(by_point)
        bends = by_point.swapaxes(0, 1).reshape(4, -1, 3) @ self._bends
        veers = (by_point @ self._veer) * self._travel[..., None]
        return np.concatenate([bends.reshape(4, frames, 2, 2).swapaxes(0, 1), veers[..., None]], axis=3)


def plate_shape(motion: Array, width_m: float) -> Array:
    """Corners about the plate's centre in reference axes, and how they depend on its facing.

    Returns:
        (4, 7, 3): the corners, their derivatives by YAW, TILT, ROLL, ASPECT, second derivatives by YAW and by TILT.
    """
    right, down = _plate_axes(motion[HEADING] + motion[YAW], motion[SLOPE] + motion[TILT], motion[ROLL])
    rolled = (down[0], [-item for item in right[0]])
    across = [*right[:3], rolled[0], [0.0] * 3, *right[3:]]
    along = [*down[:3], rolled[1], down[0], *down[3:]]
    half = 0.5 * width_m * CORNER_SIGNS * (1.0, math.exp(motion[ASPECT]))
    return np.asarray(half @ np.array([across, along]).reshape(2, -1)).reshape(4, -1, 3)


def _plate_axes(azimuth: float, elevation: float, roll: float) -> tuple[list[list[float]], list[list[float]]]:
    """Unit vectors along the plate's rows and down its columns, in reference axes.

    Each is followed by its derivatives by azimuth and elevation, and its second ones by azimuth and by elevation.
    """
    ca, sa = math.cos(azimuth), math.sin(azimuth)
    ce, se = math.cos(elevation), math.sin(elevation)
    cr, sr = math.cos(roll), math.sin(roll)
    found = []
    for x, back in ((cr, sr), (-sr, cr)):  # of a plate that faces along Y: to the right, and down
        y, z = se * back, -ce * back
        ahead, side = ca * y - sa * x, ca * x + sa * y
        found.append(
            [
                [side, ahead, z],
                [ahead, -side, 0.0],
                [-sa * z, -ca * z, y],
                [-side, -ahead, 0.0],
                [-sa * y, -ca * y, -z],
            ]
        )
    return found[0], found[1]


def travel_direction(heading: float, slope: float) -> tuple[Array, Array, Array]:
    """(3,) unit vector along the line of travel, away from the camera, and its two derivatives."""
    sh, ch, ss, cs = math.sin(heading), math.cos(heading), math.sin(slope), math.cos(slope)
    direction = np.array([sh * cs, ch * cs, ss])
    return direction, np.array([ch * cs, -sh * cs, 0.0]), np.array([-sh * ss, -ch * ss, cs])


def facing_angles(rotation: Array) -> tuple[float, float, float]:
    """Azimuth, elevation and roll (rad) of a plate from its (3, 3) rotation into the reference axes."""
    away = rotation[:, 2]
    azimuth, elevation = math.atan2(away[0], away[1]), math.asin(np.clip(away[2], -1.0, 1.0))
    level, upright = (np.array(axis[0]) for axis in _plate_axes(azimuth, elevation, 0.0))
    return azimuth, elevation, math.atan2(rotation[:, 0] @ upright, rotation[:, 0] @ level)
