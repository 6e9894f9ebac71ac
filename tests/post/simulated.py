"""Tracks of plate corners with known truth, projected by OpenCV, independent of the project's own geometry."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera, Intrinsics, Mount
from pipeline.post.track_data import TrackPoint

Array = NDArray[np.float64]

LENS = Intrinsics(1280, 960, 800.0, 800.0, 639.5, 479.5)
MOUNT = Mount(1.3, 8.0, 0.0, 0.0)
MOUNTED = Camera("sim", LENS, MOUNT)
LENS_ONLY = Camera("sim", LENS)


def corners_px(
    centre_m: Array,
    camera: Camera = MOUNTED,
    size_m: tuple[float, float] = (0.52, 0.11),
    angles_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Array:
    """Corners (4, 2) of a plate at a point of the road frame, turned by yaw (right), tilt (up), roll (clockwise).

    The camera's pose is that of `camera.mount`, or of `MOUNT` if it has none; only pitch is supported.
    """
    mount = camera.mount or MOUNT
    yaw, tilt, roll = np.radians(angles_deg)
    x, y = size_m[0] / 2, size_m[1] / 2
    flat = np.array([[-x, -y, 0.0], [x, -y, 0.0], [x, y, 0.0], [-x, y, 0.0]])
    turn = (
        cv2.Rodrigues(np.array([0.0, yaw, 0.0]))[0]
        @ cv2.Rodrigues(np.array([tilt, 0.0, 0.0]))[0]
        @ cv2.Rodrigues(np.array([0.0, 0.0, roll]))[0]
    )
    level = flat @ turn.T + (centre_m[0], mount.height_m - centre_m[2], centre_m[1])
    pitch = np.array([np.radians(mount.pitch_deg), 0.0, 0.0])
    lens = np.array(camera.intrinsics.distortion)
    return cv2.projectPoints(level, pitch, np.zeros(3), camera.intrinsics.matrix, lens)[0].reshape(4, 2)


def noise(rng: np.random.Generator, frames: int, sd_px: float, correlation: float = 0.0) -> Array:
    """(frames, 4, 2) corner noise, first-order autoregressive from frame to frame."""
    fresh = rng.normal(scale=sd_px, size=(frames, 4, 2))
    for index in range(1, frames):
        fresh[index] = correlation * fresh[index - 1] + np.sqrt(1 - correlation**2) * fresh[index]
    return fresh


def track(
    rng: np.random.Generator,
    *,
    middle_m: float = 6.0,
    duration_s: float = 1.0,
    speed_kmh: float = 15.0,
    braking: float = 0.0,
    sd_px: float = 1.0,
    stated_sd_px: float | None = None,
    correlation: float = 0.0,
    fps: float = 25.0,
    camera: Camera = MOUNTED,
    size_m: tuple[float, float] = (0.52, 0.11),
    lateral_m: float = 0.3,
    plate_height_m: float = 0.5,
    angles_deg: tuple[float, float, float] = (2.0, -3.0, 1.0),
    start_s: float = 0.0,
) -> tuple[list[TrackPoint], Array]:
    """A vehicle along the lane: its track, and the plate's true centre (n, 3) in the road frame.

    `speed_kmh` is the closing speed at the end, `braking` (m/s^2) how much faster it was a second before.
    """
    times = np.arange(round(duration_s * fps)) / fps
    back = times - times[-1]
    closed = speed_kmh / 3.6 * back - 0.5 * braking * back**2
    middle = 0.5 * closed[0]
    centres = np.stack(
        [np.full_like(times, lateral_m), middle_m + middle - closed, np.full_like(times, plate_height_m)],
        axis=1,
    )
    seen = np.array([corners_px(centre, camera, size_m, angles_deg) for centre in centres])
    seen += noise(rng, len(times), sd_px, correlation)
    stated = sd_px if stated_sd_px is None else stated_sd_px
    covariance = np.broadcast_to(stated**2 * np.eye(2), (4, 2, 2))
    return [
        TrackPoint(start_s + t, px, covariance) for t, px in zip(times.tolist(), seen, strict=True)
    ], centres
