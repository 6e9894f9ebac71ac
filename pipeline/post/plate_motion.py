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

POSE are those that do not change with time, DRIVE are SPEED and ACCELERATIONS.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

X, Y, Z, HEADING, SLOPE, YAW, TILT, ROLL, ASPECT, SPEED = range(10)
STRETCHES = 7
COUNT = 10 + STRETCHES
POSE, DRIVE, ACCELERATIONS = slice(0, SPEED), slice(SPEED, COUNT), slice(SPEED + 1, COUNT)

CAMERA_AXES: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Camera frame from reference axes where no mount is known; its transpose turns a plate's axes into them."""

_PLATE_AXES: Array = CAMERA_AXES.T
_SIGNS: Array = np.array([[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]])
_AGES_S: Array = np.array([0.0, 0.1, 0.24, 0.44, 0.7, 1.05, 1.5, 2.0])
"""Between these ages an acceleration is constant. Short stretches near the present: braking begins abruptly."""


def stretch_ages_s(span_s: float) -> Array:
    """(STRETCHES + 1,) ages that bound the stretches of a track of this span, longer ones for more than 2 s."""
    return _AGES_S * max(1.0, span_s / _AGES_S[-1])


def travel_by_accelerations(times_s: Array, ages_s: Array) -> Array:
    """How far each acceleration of 1 m/s^2 has moved the plate at times (...) before 0, as (..., STRETCHES), in metres.

    An acceleration from age u to age w puts a plate of given present speed ((age - u)^2 - (age - w)^2) / 2
    further along at a greater age.
    """
    ages = np.maximum(-times_s[..., None] - ages_s, 0.0)
    squares = 0.5 * ages * ages
    return np.asarray(squares[..., :-1] - squares[..., 1:])


def speed_at(motion: Array, times_s: Array, ages_s: Array) -> Array:
    """Closing speed at times (n,) before 0."""
    lasted = np.clip(-times_s[:, None] - ages_s[:-1], 0.0, np.diff(ages_s))
    return np.asarray(motion[SPEED] - lasted @ motion[ACCELERATIONS])


def moved_on(motion: Array, later_s: float) -> Array:
    """The same motion (17,), roughly, with its time 0 moved to a later time."""
    found = motion.copy()
    newest = motion[ACCELERATIONS.start]
    way = motion[SPEED] * later_s + 0.5 * newest * later_s**2
    found[:3] -= way * travel_direction(motion[HEADING], motion[SLOPE])[0]
    found[SPEED] += newest * later_s
    return found


class PlateAt:
    """Where a motion puts the corners of the plate at some times, and how that depends on the motion.

    Attributes:
        points: (n, 4, 3), corners TL, TR, BR, BL in the camera frame.
    """

    def __init__(self, motion: Array, times_s: Array, ages_s: Array, width_m: float, axes: Array) -> None:
        """Place the plate.

        Args:
            motion: (17,) parameters.
            times_s: (n, 4) seconds at which each corner is seen, relative to the newest frame.
            ages_s: bounds of the stretches of acceleration, from `stretch_ages_s`.
            width_m: width of the plate.
            axes: (3, 3) rotation from the reference axes into the camera frame.
        """
        self._times_s = times_s
        self._by_accelerations = travel_by_accelerations(times_s, ages_s)
        self._travel = motion[SPEED] * times_s + self._by_accelerations @ motion[ACCELERATIONS]
        directions = np.stack(travel_direction(motion[HEADING], motion[SLOPE]), axis=1)
        self._moves = axes @ np.concatenate([np.eye(3), directions], axis=1)
        shape, turns, bends = plate_shape(motion, width_m)
        self._turns, self._bends = axes @ turns, axes @ bends
        self._veer = axes @ (directions[:, 0] * (1.0, 1.0, 0.0))
        corners = shape @ axes.T + axes @ motion[:3]
        self.points: Array = corners - self._travel[..., None] * self._moves[:, 3]

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


def plate_shape(motion: Array, width_m: float) -> tuple[Array, Array, Array]:
    """Corners (4, 3) about the plate's centre in reference axes, and how they depend on its facing.

    First derivatives (4, 3, 4) by YAW, TILT, ROLL, ASPECT, second derivatives (4, 3, 2) by YAW and by TILT.
    """
    turn, by_azimuth = _azimuth(motion[HEADING] + motion[YAW])
    lean, by_elevation = _elevation(motion[SLOPE] + motion[TILT])
    roll, by_roll = _roll(motion[ROLL])
    shape = (0.5 * width_m * _SIGNS * (1.0, np.exp(motion[ASPECT]), 0.0)) @ _PLATE_AXES.T
    rolled = shape @ roll.T
    leaned = rolled @ lean.T
    facing = turn @ lean
    slopes = [
        leaned @ by_azimuth.T,
        rolled @ (turn @ by_elevation).T,
        shape @ (facing @ by_roll).T,
        (shape * (0.0, 0.0, 1.0)) @ (facing @ roll).T,
    ]
    corners = leaned @ turn.T
    bends = [-corners * (1.0, 1.0, 0.0), -(leaned * (0.0, 1.0, 1.0)) @ turn.T]
    return corners, np.stack(slopes, axis=2), np.stack(bends, axis=2)


def travel_direction(heading: float, slope: float) -> tuple[Array, Array, Array]:
    """(3,) unit vector along the line of travel, away from the camera, and its two derivatives."""
    sh, ch, ss, cs = np.sin(heading), np.cos(heading), np.sin(slope), np.cos(slope)
    direction = np.array([sh * cs, ch * cs, ss])
    return direction, np.array([ch * cs, -sh * cs, 0.0]), np.array([-sh * ss, -ch * ss, cs])


def facing_angles(rotation: Array) -> tuple[float, float, float]:
    """Azimuth, elevation and roll (rad) of a plate from its (3, 3) rotation into the reference axes."""
    away = rotation[:, 2]
    azimuth, elevation = np.arctan2(away[0], away[1]), np.arcsin(np.clip(away[2], -1.0, 1.0))
    unrolled = (_azimuth(azimuth)[0] @ _elevation(elevation)[0]).T @ rotation @ _PLATE_AXES.T
    return float(azimuth), float(elevation), float(np.arctan2(unrolled[0, 2], unrolled[0, 0]))


def _azimuth(angle: float) -> tuple[Array, Array]:
    """Rotation (3, 3) about Z that takes Y towards X, and its derivative."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    return turn, np.array([[-s, c, 0.0], [-c, -s, 0.0], [0.0, 0.0, 0.0]])


def _elevation(angle: float) -> tuple[Array, Array]:
    """Rotation (3, 3) about X that takes Y towards Z, and its derivative."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    return turn, np.array([[0.0, 0.0, 0.0], [0.0, -s, -c], [0.0, c, -s]])


def _roll(angle: float) -> tuple[Array, Array]:
    """Rotation (3, 3) about Y that takes Z towards X, and its derivative."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    return turn, np.array([[-s, 0.0, c], [0.0, 0.0, 0.0], [-c, 0.0, -s]])
