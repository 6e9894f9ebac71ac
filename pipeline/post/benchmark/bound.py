"""The Cramér-Rao bound of speed and range for a simulated track, from the simulator's geometry alone.

The bound is that of an estimator that knows the form of the motion (constant velocity), the true noise, and the
population's spread: Gaussian priors on the plate's facing, heading and height, and the camera file's uncertainty
on the calibration (van Trees' inequality with the information at the true parameters). Place and speed have no
prior. Nothing of the estimator's own model is used; derivatives are central differences of the simulator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.frames import KMH_PER_MPS
from pipeline.synthetic.drive import Drive, SpeedProfile
from pipeline.synthetic.tracks import Conditions, SimulatedTrack, see_px
from pipeline.synthetic.traffic import FPS, Spread

Array = NDArray[np.float64]

_STEP = 1e-4  # of each parameter's unit
_SPEED = 8  # its place among the parameters
_POSE_COUNT = 9
_CORNERS = 8  # numbers a frame


def bounds(track: SimulatedTrack, conditions: Conditions, spread: Spread) -> tuple[float, float]:
    """Least sd of the speed (km/h) and of the range (m) of a track at constant speed."""
    information = _information(track, conditions) + np.diag(_prior_information(track, spread))
    covariance = np.linalg.inv(information)
    gradient = _differences(lambda step: np.array([_range_m(track, step)]), len(information))[0]
    range_sd = float(np.sqrt(gradient @ covariance @ gradient))
    return KMH_PER_MPS * float(np.sqrt(covariance[_SPEED, _SPEED])), range_sd


def _prior_information(track: SimulatedTrack, spread: Spread) -> Array:
    """1 / variance of the parameters: the pose, speed, and what the camera file is unsure of."""
    angles = [spread.heading_deg, spread.slope_deg, spread.yaw_deg, spread.tilt_deg, spread.roll_deg]
    pose = [0.0, 0.0, spread.height_m**-2, *np.radians(angles) ** -2, 0.0]
    return np.array(pose + [sd**-2 for sd in _calibration_sd(track.camera)])


def _calibration_sd(camera: Camera) -> list[float]:
    """Sd of the focal length's scale, centre, mount height and angles (rad); empty for an exact calibration."""
    sd = camera.uncertainty
    if sd.fx is None:
        return []
    angles = np.radians([sd.pitch_deg or 0.0, sd.roll_deg or 0.0, sd.lane_yaw_deg or 0.0]).tolist()
    return [sd.fx / camera.intrinsics.fx, sd.cx or 0.0, sd.cy or 0.0, sd.height_m or 0.0, *angles]


def _changed(track: SimulatedTrack, step: Array) -> tuple[Drive, Camera]:
    """The drive and the true camera with all parameters moved by `step`."""
    drive, camera = track.drive, track.true_camera
    heading, slope, yaw, tilt, roll = step[3:_SPEED]
    moved = replace(
        drive,
        place_m=drive.place_m + step[:3],
        heading_rad=drive.heading_rad + heading,
        slope_rad=drive.slope_rad + slope,
        yaw_rad=drive.yaw_rad + yaw,
        tilt_rad=drive.tilt_rad + tilt,
        roll_rad=drive.roll_rad + roll,
        speed=SpeedProfile(drive.speed.knots_s, [item + step[_SPEED] for item in drive.speed.speeds_mps]),
    )
    if len(step) == _POSE_COUNT or camera.mount is None:
        return moved, camera
    scale, cx, cy, height, *angles = step[_POSE_COUNT:]
    pitch, camera_roll, lane_yaw = np.degrees(angles).tolist()
    lens, mount = camera.intrinsics, camera.mount
    lens = replace(lens, fx=lens.fx * (1 + scale), fy=lens.fy * (1 + scale), cx=lens.cx + cx, cy=lens.cy + cy)
    mount = replace(
        mount,
        height_m=mount.height_m + height,
        pitch_deg=mount.pitch_deg + pitch,
        roll_deg=mount.roll_deg + camera_roll,
        lane_yaw_deg=mount.lane_yaw_deg + lane_yaw,
    )
    return moved, replace(camera, intrinsics=lens, mount=mount)


def _range_m(track: SimulatedTrack, step: Array) -> float:
    drive, camera = _changed(track, step)
    return float(np.linalg.norm(camera.camera_from_road(drive.place_m)))


def _information(track: SimulatedTrack, conditions: Conditions) -> Array:
    """Fisher information of the corners about the parameters."""
    capture_s = track.capture_s
    count = _POSE_COUNT + len(_calibration_sd(track.camera))
    slopes = _differences(lambda step: see_px(*_changed(track, step), capture_s).ravel(), count)
    if conditions == Conditions():
        return np.asarray(slopes.T @ slopes / track.sd_px**2)
    apart = np.abs(capture_s[:, None] - capture_s) * FPS
    noise = np.kron(track.sd_px**2 * conditions.correlation**apart, np.eye(_CORNERS))
    shift_s = 1e-4
    by_time = see_px(track.drive, track.true_camera, capture_s + shift_s)
    by_time = (by_time - see_px(track.drive, track.true_camera, capture_s - shift_s)) / (2 * shift_s)
    moves = np.zeros((len(noise), len(capture_s)))
    for index, move in enumerate(by_time.reshape(-1, _CORNERS)):
        moves[_CORNERS * index : _CORNERS * (index + 1), index] = conditions.jitter_s * move
    return np.asarray(slopes.T @ np.linalg.solve(noise + moves @ moves.T, slopes))


def _differences(function: Callable[[Array], Array], count: int) -> Array:
    """Central differences (m, count) of a function of a step (count,) at 0."""
    columns = []
    for index in range(count):
        step = np.zeros(count)
        step[index] = _STEP
        columns.append((function(step) - function(-step)) / (2 * _STEP))
    return np.stack(columns, axis=1)
