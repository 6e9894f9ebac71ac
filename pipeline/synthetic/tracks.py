"""Plate corner tracks with known truth: a vehicle drives past a camera, and a network looks at it with errors.

The geometry, here and in `drive`, is written anew and shares nothing with the estimator that is tested against it.
The road frame is that of `calib.camera`: X right, Y along the lane away from the camera, Z up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera, Uncertainty
from pipeline.frames import KMH_PER_MPS
from pipeline.synthetic.drive import Drive, direction

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Conditions:
    """What comes between the truth and the estimator; times in seconds.

    Attributes:
        correlation: of the corner noise between neighbouring frames (first-order autoregressive).
        lost, outliers: share of frames that are missing, and of those in which the network looks elsewhere.
        jitter_s: sd of the time stamps.
        misstated: sd of the logarithm of the factor by which the stated corner sd is off.
        calibration: sds of the errors of the camera file, which states them; None for an exact one.
        row_time_s: rolling shutter.
        shared: share of the corner noise's variance that is alike in all frames: a shift of each corner on the plate.
    """

    correlation: float = 0.0
    lost: float = 0.0
    outliers: float = 0.0
    jitter_s: float = 0.0
    misstated: float = 0.0
    calibration: Uncertainty | None = None
    row_time_s: float = 0.0
    shared: float = 0.0


CALIBRATION = Uncertainty(
    fx=3.0,
    cx=2.0,
    cy=2.0,
    height_m=0.02,
    pitch_deg=0.2,
    roll_deg=0.2,
    lane_yaw_deg=0.5,
    stop_line_m=0.02,
    time_s=0.005,
)
EXACT = Conditions()
REALISTIC = Conditions(0.8, 0.05, 0.02, 0.005, 0.25, CALIBRATION)


@dataclass(frozen=True, eq=False)
class SimulatedTrack:
    """n frames of one passage, what the network says and what is true.

    Attributes:
        camera: as its file says; `true_camera` is what made the pixels.
        times_s: (n,) time stamps; `capture_s` the true times, relative to the newest frame.
        corners_px: (n, 4, 2) as located; `true_px` as they are.
        stated_sd_px, sd_px: of the corner noise, as the network says and in truth.
    """

    drive: Drive
    camera: Camera
    true_camera: Camera
    times_s: Array
    capture_s: Array
    corners_px: Array
    true_px: Array
    stated_sd_px: float
    sd_px: float

    @property
    def range_m(self) -> float:
        """Camera centre to plate centre at the newest frame's time stamp."""
        centre = self.drive.centres_m(self.times_s[-1:])[0]
        return float(np.linalg.norm(self.true_camera.camera_from_road(centre)))

    @property
    def distance_m(self) -> float:
        """From the stop line along the lane to the plate at the newest frame's time stamp.

        Where the estimator does not know the mount, from the point abreast of the camera along the line of travel.
        """
        centre, mount = self.drive.centres_m(self.times_s[-1:])[0], self.true_camera.mount
        if self.camera.mount is None or mount is None:
            ahead = centre - (0.0, 0.0, mount.height_m if mount else 0.0)
            return float(ahead @ direction(self.drive.heading_rad, self.drive.slope_rad))
        return float(centre[1] - mount.stop_line_m)

    @property
    def speed_kmh(self) -> float:
        """At the newest frame's time stamp."""
        return float(KMH_PER_MPS * self.drive.speed.at(self.times_s[-1]))

    @property
    def mean_speed_kmh(self) -> float:
        """Over the track."""
        span = self.capture_s[-1] - self.capture_s[0]
        way = np.diff(self.drive.speed.travelled_m(self.capture_s[[0, -1]]))[0]
        return float(KMH_PER_MPS * way / span) if span > 0 else self.speed_kmh


def project_px(points_m: Array, camera: Camera) -> Array:
    """Pixels (..., 2) of points (..., 3) of the road frame; Brown's lens model in OpenCV's order."""
    points = camera.camera_from_road(points_m)
    x, y = points[..., 0] / points[..., 2], points[..., 1] / points[..., 2]
    lens = camera.intrinsics
    k1, k2, p1, p2, k3 = lens.distortion
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    v = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return np.stack([lens.fx * u + lens.cx, lens.fy * v + lens.cy], axis=-1)


def see_px(drive: Drive, camera: Camera, capture_s: Array) -> Array:
    """True corners (n, 4, 2) of frames whose first row is captured at times (n,), rolling shutter included."""
    pixels = project_px(drive.corners_m(np.repeat(capture_s[:, None], 4, axis=1)), camera)
    for _ in range(3 if camera.intrinsics.row_time_s else 0):
        times = capture_s[:, None] + camera.intrinsics.row_time_s * pixels[..., 1]
        pixels = project_px(drive.corners_m(times), camera)
    return pixels


def noise_px(rng: np.random.Generator, frames: int, sd_px: float, correlation: float = 0.0) -> Array:
    """(frames, 4, 2) corner noise, first-order autoregressive from frame to frame."""
    fresh = rng.normal(scale=sd_px, size=(frames, 4, 2))
    for index in range(1, frames):
        fresh[index] = correlation * fresh[index - 1] + np.sqrt(1 - correlation**2) * fresh[index]
    return fresh


def _grown_px(corners_px: Array, largest_px: float) -> Array:
    """(n, 1, 1) lengths in proportion to the plate's size in each image, `largest_px` where it is largest."""
    widths = np.linalg.norm(corners_px[:, 1] - corners_px[:, 0], axis=1)
    return np.asarray(largest_px * widths / widths.max())[:, None, None]


def observe(
    rng: np.random.Generator,
    drive: Drive,
    camera: Camera,
    capture_s: Array,
    sd_px: float = 0.75,
    conditions: Conditions = EXACT,
) -> SimulatedTrack:
    """What the network and the clock make of a drive that `camera` sees at times (n,)."""
    true = replace(camera, intrinsics=replace(camera.intrinsics, row_time_s=conditions.row_time_s))
    stated = _with_errors(rng, true, conditions.calibration) if conditions.calibration else true
    true_px = see_px(drive, true, capture_s)
    scatter_px = sd_px * np.sqrt(1 - conditions.shared)
    seen = true_px + noise_px(rng, len(capture_s), scatter_px, conditions.correlation)
    if conditions.shared:
        seen += rng.normal(scale=np.sqrt(conditions.shared), size=(4, 2)) * _grown_px(true_px, sd_px)
    looks_elsewhere = rng.random(len(capture_s)) < conditions.outliers
    seen[looks_elsewhere] += rng.normal(scale=10.0, size=(int(looks_elsewhere.sum()), 4, 2))
    times = capture_s + rng.normal(scale=1.0, size=len(capture_s)) * conditions.jitter_s
    stated_sd = sd_px * float(np.exp(rng.normal(scale=1.0) * conditions.misstated))
    keep = rng.random(len(capture_s)) >= conditions.lost
    keep[[0, -1]] = True
    return SimulatedTrack(
        drive, stated, true, times[keep], capture_s[keep], seen[keep], true_px[keep], stated_sd, sd_px
    )


def _with_errors(rng: np.random.Generator, camera: Camera, sd: Uncertainty) -> Camera:
    """`camera` as its file would have it: each quantity off by its standard deviation times a normal number."""
    lens = camera.intrinsics
    scale = 1 + rng.normal() * (sd.fx or 0.0) / lens.fx
    wrong_lens = replace(
        lens,
        fx=lens.fx * scale,
        fy=lens.fy * scale,
        cx=lens.cx + rng.normal() * (sd.cx or 0.0),
        cy=lens.cy + rng.normal() * (sd.cy or 0.0),
    )
    mount = camera.mount
    if mount is not None:
        mount = replace(
            mount,
            height_m=mount.height_m + rng.normal() * (sd.height_m or 0.0),
            pitch_deg=mount.pitch_deg + rng.normal() * (sd.pitch_deg or 0.0),
            roll_deg=mount.roll_deg + rng.normal() * (sd.roll_deg or 0.0),
            lane_yaw_deg=mount.lane_yaw_deg + rng.normal() * (sd.lane_yaw_deg or 0.0),
            stop_line_m=mount.stop_line_m + rng.normal() * (sd.stop_line_m or 0.0),
        )
    return replace(camera, intrinsics=wrong_lens, mount=mount, uncertainty=sd)
