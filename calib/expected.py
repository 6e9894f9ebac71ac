"""What errors of distance and speed follow from a calibration: asked of the pipeline's own estimator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera, Mount, Uncertainty
from calib.targets import UPRIGHT
from pipeline.frames import KMH_PER_MPS, Estimate
from pipeline.post.motion import estimate_motion
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.pose import plate_corners_m
from pipeline.post.track_data import TIME_SD_S, TrackPoint

Array = NDArray[np.float64]

DISTANCES_M = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0)
SPEED_KMH, DURATION_S, FPS, CORNER_SD_PX = 15.0, 1.0, 25.0, 1.0
_RUNS = 3
_PLATE_HEIGHT_M = 0.5
_USUAL_MOUNT = Mount(1.3, 8.0, 0.0, 0.0)


@dataclass(frozen=True)
class Expected:
    """Standard deviations at one distance, and the calibration's share of them; None where nothing is published."""

    distance_m: float
    distance_sd_m: float | None
    distance_calibration_sd_m: float | None
    speed_sd_kmh: float | None
    speed_calibration_sd_kmh: float | None


def expected_errors(
    camera: Camera, plate_format: PlateFormat, distances_m: Sequence[float] = DISTANCES_M
) -> list[Expected]:
    """For a vehicle at 15 km/h, seen for a second up to each distance, with corners good to 1 px.

    Distances at which the plate is outside the image are left out. The calibration's share is what goes away
    when the estimator is told that the calibration is perfect. All are medians over a few runs.
    """
    found = []
    for distance in distances_m:
        exact = approach(camera, plate_format, distance)
        if exact is not None:
            rows = np.array([_stated(camera, plate_format, exact, seed) for seed in range(_RUNS)])
            known = np.isfinite(rows).sum(axis=0) > _RUNS / 2
            medians = [float(np.nanmedian(rows[:, i])) if known[i] else None for i in range(4)]
            found.append(Expected(distance, *medians))
    return found


def approach(
    camera: Camera, plate_format: PlateFormat, end_m: float, speed_kmh: float = SPEED_KMH
) -> list[TrackPoint] | None:
    """Exact corners of a plate that drives straight up to `end_m`; None if it leaves the image."""
    lens = camera.intrinsics
    there = camera if camera.mount else replace(camera, mount=_USUAL_MOUNT)
    shape = plate_corners_m(plate_format) @ UPRIGHT.T
    covariances = np.tile(CORNER_SD_PX**2 * np.eye(2), (4, 1, 1))
    stated_s = camera.uncertainty.time_s
    time_sd_s = TIME_SD_S["pts"] if stated_s is None else stated_s
    times = np.arange(round(DURATION_S * FPS) + 1) / FPS
    points = []
    for time_s in times.tolist():
        delays_s = np.zeros(4)
        for _ in range(3 if lens.row_time_s else 1):  # each corner is seen when its row is captured
            ahead_m = end_m + speed_kmh / KMH_PER_MPS * (times[-1] - time_s - delays_s)
            centres = np.stack([np.zeros(4), ahead_m, np.full(4, _PLATE_HEIGHT_M)], axis=1)
            pixels = there.project(there.camera_from_road(shape + centres))
            delays_s = lens.row_time_s * pixels[:, 1]
        if not ((pixels >= 0) & (pixels <= (lens.width - 1, lens.height - 1))).all():
            return None
        points.append(TrackPoint(time_s, pixels, covariances, time_sd_s))
    return points


def _stated(camera: Camera, plate_format: PlateFormat, exact: list[TrackPoint], seed: int) -> Array:
    """(4,) numbers of `Expected` for one run with corner noise; NaN where nothing is published."""
    noise = np.random.default_rng(seed).normal(0, CORNER_SD_PX, (len(exact), 4, 2))
    points = [
        replace(point, corners_px=point.corners_px + error) for point, error in zip(exact, noise, strict=True)
    ]
    perfect = replace(camera, uncertainty=Uncertainty())
    real, ideal = (estimate_motion(points, item, [plate_format]) for item in (camera, perfect))
    pairs = [(real.distance_m, ideal.distance_m), (real.speed_kmh, ideal.speed_kmh)]
    return np.array([number for pair in pairs for number in _sd_and_share(*pair)])


def _sd_and_share(real: Estimate | None, ideal: Estimate | None) -> tuple[float, float]:
    if real is None or ideal is None:
        return float("nan"), float("nan")
    return real.sd, float(np.sqrt(max(0.0, real.sd**2 - ideal.sd**2)))
