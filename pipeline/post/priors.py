"""What is believed about a vehicle's pose and its plate before it is seen, and where a fit begins."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.post.linearised import Setting
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.plate_motion import (
    ASPECT,
    CAMERA_AXES,
    COUNT,
    HEADING,
    ROLL,
    SLOPE,
    SPEED,
    TILT,
    YAW,
    X,
    Y,
    Z,
    facing_angles,
    travel_direction,
)
from pipeline.post.pose import PlatePose, plate_poses
from pipeline.post.track_data import TrackData, areas

Array = NDArray[np.float64]

PLATE_HEIGHT_M = (0.55, 0.2)
"""Mean and sd of the plate centre's height over the road."""

_FACING_DEG = {YAW: 2.0, TILT: 5.0}  # sd of the plate's facing against the line of travel
_HEADING_DEG, _ROLL_DEG = 3.0, 1.5  # sd of the line of travel against the lane, of the plate's roll
_UNEVEN_DEG = 0.1  # sd of the path of the plate against the calibrated road: bumps, springs (2 cm on 10 m)
_EDGE_BIAS_PX = 0.25  # sd of a systematic shift of the plate's upper edge against its lower one
_HONEST_SCATTER = 0.6  # of the stated sd: with less scatter, the rest of the stated error is systematic
_ANY_ASPECT = (np.log(1 / 3), 0.6)  # log height over width of a plate of unknown format: mean, sd
_UNUSUAL = 2.5  # times the median distance from the median shape; a frame that is further off is no start
_LEAST_TRAVEL = 0.1  # of the range, for the line of travel to be read off the positions


@dataclass(frozen=True, eq=False)
class PosePrior:
    """Independent Gaussians on the pose of a plate of unknown aspect: mean and sd (9,), and the reference axes."""

    mean: Array
    sd: Array
    axes: Array

    def for_format(self, plate_format: PlateFormat, tolerance: float, shared: float = 0.0) -> Setting:
        """The fit of a plate of known format; `tolerance` is the sd of the logarithm of its aspect in the image."""
        return self._setting(plate_format.width_m, {ASPECT: (log_aspect(plate_format), tolerance)}, shared)

    def for_any_format(self, width_m: float) -> Setting:
        """The fit of a plate of unknown format: any scale, so that its height over the road says nothing."""
        return self._setting(width_m, {ASPECT: _ANY_ASPECT, Z: (0.0, 20.0)})

    def _setting(self, width_m: float, table: dict[int, tuple[float, float]], shared: float = 0.0) -> Setting:
        mean, sd = self.mean.copy(), self.sd.copy()
        for index, pair in table.items():
            mean[index], sd[index] = pair
        return Setting(width_m, self.axes, mean, sd, shared)


def pose_prior(camera: Camera) -> PosePrior:
    """A vehicle near a gate, its plate upright and square to its line of travel.

    Without a mount the camera may look down and to the side by some tens of degrees. With one, the uncertainty of
    the mount widens the prior of what it turns or shifts.
    """
    table: dict[int, tuple[float, float]] = {X: (0, 20), Y: (6, 30), Z: (0, 20), ASPECT: _ANY_ASPECT}
    angles = {index: (0.0, sd) for index, sd in _FACING_DEG.items()}
    if camera.mount is None:
        axes = CAMERA_AXES
        angles |= {HEADING: (0, 30), SLOPE: (8, 15), ROLL: (0, 8)}
    else:
        axes, known = camera.mount.camera_from_road, camera.uncertainty
        height_sd = np.hypot(PLATE_HEIGHT_M[1], known.height_m or 0.0)
        table |= {Z: (PLATE_HEIGHT_M[0] - camera.mount.height_m, height_sd)}
        angles |= {
            HEADING: (0, np.hypot(_HEADING_DEG, known.lane_yaw_deg or 0.0)),
            SLOPE: (0, np.hypot(_UNEVEN_DEG, known.pitch_deg or 0.0)),
            ROLL: (0, np.hypot(_ROLL_DEG, known.roll_deg or 0.0)),
        }
    table |= {index: (np.radians(mean), np.radians(sd)) for index, (mean, sd) in angles.items()}
    pairs = np.array([table[index] for index in range(SPEED)])
    return PosePrior(pairs[:, 0], pairs[:, 1], axes)


def log_aspect(plate_format: PlateFormat) -> float:
    """Logarithm of height over width."""
    return float(np.log(plate_format.height_m / plate_format.width_m))


def shared_error(scatter: float) -> float:
    """Sd of the corners' errors that all frames share, in units of what is stated.

    The corners' covariances say how far they are off, the residuals only how much they scatter from frame to frame.
    Where `scatter`, in units of what is stated, is clearly smaller, the rest of the error moves with the vehicle and
    averages out over no track.
    """
    return math.sqrt(max(0.0, 1.0 - (scatter / _HONEST_SCATTER) ** 2))


def aspect_tolerance(data: TrackData) -> float:
    """Sd of the logarithm of the aspect that a systematic shift of the plate's edges leaves."""
    left = data.corners_px[:, 3] - data.corners_px[:, 0]
    height_px = math.sqrt(np.vecdot(left, left).max())
    return _EDGE_BIAS_PX / max(height_px, _EDGE_BIAS_PX)


def image_aspect(data: TrackData) -> float:
    """Logarithm of height over width of the plate as it appears in the image, median over the frames."""
    sides = np.linalg.norm(np.roll(data.corners_px, -1, axis=1) - data.corners_px, axis=2)
    return float(np.median(np.log((sides[:, 1] + sides[:, 3]) / (sides[:, 0] + sides[:, 2]))))


def starting_motions(
    data: TrackData, times_s: Array, camera: Camera, plate_format: PlateFormat
) -> list[Array]:
    """One start (17,) for each planar branch in the frame with the largest plate; none if it has no pose.

    Frames in which the plate has another shape than in most, as where the network looked elsewhere, are passed over.
    The other frames are placed by their size relative to that frame's. `times_s` (n,) count from the newest.
    """
    sizes = np.sqrt(areas(data.rays))
    best = int(np.argmax(np.where(_usual_shape(data.rays, sizes), sizes, 0.0)))
    bare = replace(camera.intrinsics, distortion=(0.0,) * 5)
    ideal_px = data.rays[best] * (bare.fx, bare.fy) + (bare.cx, bare.cy)
    poses = plate_poses(ideal_px, replace(camera, intrinsics=bare), plate_format)
    axes = CAMERA_AXES if camera.mount is None else camera.mount.camera_from_road
    towards = np.concatenate([data.rays.mean(axis=1), np.ones((len(sizes), 1))], axis=1) @ axes
    steps = towards * (sizes[best] / sizes)[:, None]
    starts = [
        _start(pose, steps * pose.centre_m[2], times_s, axes, camera.mount is not None) for pose in poses
    ]
    for start in starts:
        start[ASPECT] = log_aspect(plate_format)
    return starts


def _usual_shape(rays: Array, sizes: Array) -> NDArray[np.bool_]:
    """(n,), whether a frame's quadrilateral, without its place and size, is near the median one; half of them are."""
    shapes = (rays - rays.mean(axis=1, keepdims=True)) / sizes[:, None, None]
    off = np.linalg.norm(shapes - np.median(shapes, axis=0), axis=(1, 2))
    return np.asarray(off <= _UNUSUAL * np.median(off))


def _start(pose: PlatePose, positions: Array, times_s: Array, axes: Array, mounted: bool) -> Array:
    """Motion (17,) through rough positions (n, 3) in the reference axes, with the facing of one pose."""
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
