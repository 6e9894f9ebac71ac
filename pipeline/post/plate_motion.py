"""The motion model: where the corners of a plate that drives along a straight line appear, with derivatives.

Everything here is relative to the camera centre, in reference axes X right, Y ahead, Z up: the road frame's
axes when the mount is known, otherwise those of the camera (X = x, Y = z, Z = -y). A motion is a vector of
these parameters, indexed by the constants below:

- X, Y, Z (m): plate centre at time 0, the newest frame;
- SPEED (m/s): closing speed at time 0;
- ACCELERATIONS (m/s^2): its rate of change, constant over each of a few stretches of time, newest first;
- HEADING (rad): angle of the line of travel to the right of Y; SLOPE (rad): its angle above the X-Y plane,
  both for the direction away from the camera;
- YAW, TILT (rad): the plate's facing against the line of travel, in the same two senses; ROLL (rad):
  clockwise as the plate is read;
- ASPECT: natural logarithm of the plate's height over its width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

X, Y, Z, SPEED, HEADING, SLOPE, YAW, TILT, ROLL, ASPECT = range(10)
STRETCHES = 6
ACCELERATIONS = slice(10, 10 + STRETCHES)
COUNT = 10 + STRETCHES
_SHORTEST_STRETCH_S = 1 / 3

CAMERA_AXES: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Camera frame from reference axes where no mount is known; its transpose turns a plate's axes into them."""

_PLATE_AXES: Array = CAMERA_AXES.T
_SIGNS: Array = np.array([[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]])


def predict(motion: Array, times_s: Array, width_m: float, axes: Array) -> tuple[Array, Array]:
    """Corners of the plate as rays, with derivatives.

    Args:
        motion: (16,) parameters.
        times_s: (n,) seconds relative to the newest frame, so at most 0.
        width_m: width of the plate.
        axes: (3, 3) rotation from the reference axes into the camera frame.

    Returns:
        rays: (n, 4, 2), x/z and y/z of the corners TL, TR, BR, BL.
        jacobian: (n, 4, 2, 16), their derivatives with respect to the parameters.
    """
    points, slopes = _corner_points(motion, times_s, width_m, axes)
    inverse_depth = 1.0 / points[..., 2]
    rays = points[..., :2] * inverse_depth[..., None]
    jacobian = slopes[..., :2, :] - rays[..., None] * slopes[..., 2:, :]
    jacobian *= inverse_depth[..., None, None]
    return rays, jacobian


def travel_direction(heading: float, slope: float) -> tuple[Array, Array, Array]:
    """(3,) unit vector along the line of travel, away from the camera, and its two derivatives."""
    sh, ch, ss, cs = np.sin(heading), np.cos(heading), np.sin(slope), np.cos(slope)
    direction = np.array([sh * cs, ch * cs, ss])
    return direction, np.array([ch * cs, -sh * cs, 0.0]), np.array([-sh * ss, -ch * ss, cs])


def travel_by_accelerations(times_s: Array) -> Array:
    """How far each acceleration of 1 m/s^2 has moved the plate at times (n,) before 0, as (n, STRETCHES), in metres.

    An acceleration from age u to age w puts a plate of given present speed ((age - u)^2 - (age - w)^2) / 2
    further along at a greater age. The stretches are equally long and cover the times, but none is shorter
    than a third of a second.
    """
    stretch_s = max(_SHORTEST_STRETCH_S, -float(times_s[0]) / STRETCHES)
    ages = np.maximum(-times_s[:, None] - stretch_s * np.arange(STRETCHES + 1), 0.0)
    return np.asarray(0.5 * (ages[:, :-1] ** 2 - ages[:, 1:] ** 2))


def facing_angles(rotation: Array) -> tuple[float, float, float]:
    """Azimuth, elevation and roll (rad) of a plate from its (3, 3) rotation into the reference axes."""
    away = rotation[:, 2]
    azimuth, elevation = np.arctan2(away[0], away[1]), np.arcsin(np.clip(away[2], -1.0, 1.0))
    unrolled = (_azimuth(azimuth)[0] @ _elevation(elevation)[0]).T @ rotation @ _PLATE_AXES.T
    return float(azimuth), float(elevation), float(np.arctan2(unrolled[0, 2], unrolled[0, 0]))


def _corner_points(motion: Array, times_s: Array, width_m: float, axes: Array) -> tuple[Array, Array]:
    """Corners (n, 4, 3) in the camera frame and their derivatives (n, 4, 3, 16)."""
    heading, slope = motion[HEADING], motion[SLOPE]
    away, away_by_heading, away_by_slope = (axes @ item for item in travel_direction(heading, slope))
    turn, by_azimuth = _azimuth(heading + motion[YAW])
    lean, by_elevation = _elevation(slope + motion[TILT])
    roll, by_roll = _roll(motion[ROLL])
    shape = 0.5 * width_m * _SIGNS * (1.0, np.exp(motion[ASPECT]), 0.0) @ _PLATE_AXES.T
    rolled = shape @ roll.T
    leaned = rolled @ lean.T
    by_accelerations = travel_by_accelerations(times_s)
    travel = motion[SPEED] * times_s + by_accelerations @ motion[ACCELERATIONS]

    centre = axes @ motion[[X, Y, Z]] - travel[:, None] * away
    points = centre[:, None, :] + leaned @ turn.T @ axes.T

    slopes = np.zeros((*points.shape, COUNT))
    slopes[..., [X, Y, Z]] = axes
    slopes[..., SPEED] = (-times_s[:, None] * away)[:, None]
    slopes[..., ACCELERATIONS] = -by_accelerations[:, None, None, :] * away[:, None]
    slopes[..., YAW] = leaned @ by_azimuth.T @ axes.T
    slopes[..., TILT] = rolled @ (axes @ turn @ by_elevation).T
    slopes[..., ROLL] = shape @ (axes @ turn @ lean @ by_roll).T
    slopes[..., ASPECT] = (shape * (0.0, 0.0, 1.0)) @ (axes @ turn @ lean @ roll).T
    slopes[..., HEADING] = slopes[..., YAW] - (travel[:, None] * away_by_heading)[:, None]
    slopes[..., SLOPE] = slopes[..., TILT] - (travel[:, None] * away_by_slope)[:, None]
    return points, slopes


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
