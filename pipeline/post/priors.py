"""What is believed about a vehicle and its plate before it is seen, and where a fit begins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.post.fit import Prior
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.plate_motion import (
    ACCELERATIONS,
    ASPECT,
    CAMERA_AXES,
    COUNT,
    HEADING,
    ROLL,
    SLOPE,
    SPEED,
    STRETCHES,
    TILT,
    YAW,
    X,
    Y,
    Z,
    facing_angles,
    travel_direction,
)
from pipeline.post.pose import PlatePose, plate_poses
from pipeline.post.track_data import TrackData

Array = NDArray[np.float64]

PLATE_HEIGHT_M = (0.55, 0.25)  # mean and sd of the plate centre's height over the road
_BRAKING_SD = 2.0  # m/s^2
_UNEVEN_DEG = 0.05  # sd of the path of the plate against the road: bumps, springs (1 cm on 10 m)
_EDGE_BIAS_PX = 0.25  # sd of a systematic shift of the plate's upper edge against its lower one
_LEAST_TRAVEL = 0.1  # of the range, for the line of travel to be read off the positions


def reference_axes(camera: Camera) -> Array:
    """(3, 3) rotation from the motion model's reference axes into the camera frame."""
    return CAMERA_AXES if camera.mount is None else camera.mount.camera_from_road


def vehicle_prior(camera: Camera) -> Prior:
    """A vehicle near a gate, its plate upright and square to its line of travel; ASPECT is left at 0.

    Mean and sd of each parameter, angles in degrees here. Without a mount the camera may look down and to
    the side by some tens of degrees. With one, the slope's sd is the uncertainty of the mount's pitch and
    of the road.
    """
    table: dict[int, tuple[float, float]] = {
        X: (0, 20),
        Y: (6, 30),
        Z: (0, 20),
        SPEED: (0, 15),
    }
    angles: dict[int, tuple[float, float]] = {YAW: (0, 3), TILT: (0, 7)}
    if camera.mount is None:
        angles |= {HEADING: (0, 30), SLOPE: (8, 15), ROLL: (0, 8)}
    else:
        sd = camera.uncertainty
        height = (PLATE_HEIGHT_M[0] - camera.mount.height_m, np.hypot(PLATE_HEIGHT_M[1], sd.height_m or 0.0))
        table |= {Z: height}
        angles |= {HEADING: (0, 6), SLOPE: (0, np.hypot(_UNEVEN_DEG, sd.pitch_deg or 0.0)), ROLL: (0, 3)}
    mean, spread = np.zeros(COUNT), np.zeros(COUNT)
    for index, pair in table.items():
        mean[index], spread[index] = pair
    for index, pair in angles.items():
        mean[index], spread[index] = np.radians(pair)
    return Prior(mean, spread)


def with_aspect(prior: Prior, log_aspect: float, sd: float) -> Prior:
    """`prior` for a plate whose height over width has this logarithm."""
    return _with(prior, ASPECT, log_aspect, sd)


def with_any_height(prior: Prior) -> Prior:
    """`prior` for a plate of unknown scale, whose height over the road says nothing yet."""
    return _with(prior, Z, 0.0, 20.0)


def with_braking(prior: Prior, stretches: int = STRETCHES) -> Prior:
    """`prior` for a vehicle that changed its speed, at the earliest this many stretches of time ago."""
    newest = slice(ACCELERATIONS.start, ACCELERATIONS.start + stretches)
    return _with(prior, newest, 0.0, _BRAKING_SD)


def aspect_tolerance(data: TrackData) -> float:
    """Sd of the logarithm of the aspect that a systematic shift of the plate's edges leaves."""
    left = np.linalg.norm(data.corners_px[:, 3] - data.corners_px[:, 0], axis=1)
    return float(_EDGE_BIAS_PX / np.max(left))


def image_aspect(data: TrackData) -> float:
    """Logarithm of height over width of the plate as it appears in the image, median over the frames."""
    sides = np.linalg.norm(np.roll(data.corners_px, -1, axis=1) - data.corners_px, axis=2)
    return float(np.median(np.log((sides[:, 1] + sides[:, 3]) / (sides[:, 0] + sides[:, 2]))))


def areas(rays: Array) -> Array:
    """(n,) areas of the quadrilaterals (n, 4, 2), positive when their corners run clockwise in the image."""
    diagonals = rays[:, 2:] - rays[:, :2]
    return 0.5 * (diagonals[:, 0, 0] * diagonals[:, 1, 1] - diagonals[:, 0, 1] * diagonals[:, 1, 0])


def starting_motions(data: TrackData, camera: Camera, plate_format: PlateFormat) -> list[Array]:
    """One start (16,) for each planar branch in the frame with the largest plate; none if it has no pose.

    The other frames are placed by their size relative to that frame's.
    """
    sizes = np.sqrt(areas(data.rays))
    best = int(np.argmax(sizes))
    bare = replace(camera.intrinsics, distortion=(0.0,) * 5)
    ideal_px = data.rays[best] * (bare.fx, bare.fy) + (bare.cx, bare.cy)
    poses = plate_poses(ideal_px, replace(camera, intrinsics=bare), plate_format)
    axes = reference_axes(camera)
    towards = np.concatenate([data.rays.mean(axis=1), np.ones((len(sizes), 1))], axis=1) @ axes
    steps = towards * (sizes[best] / sizes)[:, None]
    return [
        _start(pose, steps * pose.centre_m[2], data.times_s, axes, camera.mount is not None) for pose in poses
    ]


def _start(pose: PlatePose, positions: Array, times_s: Array, axes: Array, mounted: bool) -> Array:
    """Motion (16,) through rough positions (n, 3) in the reference axes, with the facing of one pose."""
    velocity = _median_slope(times_s, positions)
    azimuth, elevation, roll = facing_angles(axes.T @ pose.rotation)
    start = np.zeros(COUNT)
    start[[X, Y, Z]] = np.median(positions - times_s[:, None] * velocity, axis=0)
    if not mounted:
        start[[HEADING, SLOPE]] = azimuth, elevation
        travel = np.linalg.norm(velocity) * np.ptp(times_s)
        if travel > _LEAST_TRAVEL * np.linalg.norm(start[[X, Y, Z]]):
            line = velocity * np.sign(velocity[1] or 1.0) / np.linalg.norm(velocity)
            start[[HEADING, SLOPE]] = np.arctan2(line[0], line[1]), np.arcsin(line[2])
    start[SPEED] = -velocity @ travel_direction(start[HEADING], start[SLOPE])[0]
    start[[YAW, TILT, ROLL]] = azimuth - start[HEADING], elevation - start[SLOPE], roll
    return start


def _median_slope(times_s: Array, values: Array) -> Array:
    """Theil-Sen slope (k,) of values (n, k), over pairs at least half the track apart; 0 for one time."""
    first, second = np.nonzero(times_s[None, :] - times_s[:, None] >= 0.5 * max(np.ptp(times_s), 1e-6))
    if len(first) == 0:
        return np.zeros(values.shape[1])
    steps = (times_s[second] - times_s[first])[:, None]
    return np.asarray(np.median((values[second] - values[first]) / steps, axis=0))


def _with(prior: Prior, index: int | slice, mean: float, sd: float) -> Prior:
    means, sds = prior.mean.copy(), prior.sd.copy()
    means[index], sds[index] = mean, sd
    return Prior(means, sds)
