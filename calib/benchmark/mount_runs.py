"""Runs that find the mount from a plate at three taped distances, and the distances that come out of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calib.benchmark.table import Run
from calib.camera import Camera, Intrinsics, Mount, Uncertainty
from calib.expected import approach
from calib.gather import groups, held_sd
from calib.measured import Measured, Plate, PlateAt
from calib.mount import MOUNT_KEYS, fit_mount
from calib.plates import SeenPlate
from calib.residuals import with_mount
from calib.targets import UPRIGHT, turned
from pipeline.post.motion import estimate_motion
from pipeline.post.plate_formats import EUROPE
from pipeline.post.pose import plate_corners_m

Array = NDArray[np.float64]

TAPED_M = (3.0, 5.0, 8.0)
NOISE_PX = 1.0
BY_HAND = Plate()
ON_STAND = Plate(height_sd_m=0.001, each_height_sd_m=0.001, lateral_sd_m=0.002, facing_sd_deg=0.1)
_CHECKED_M = (3.0, 5.0, 7.0, 10.0)


def mount_run(rng: np.random.Generator, plate: Plate) -> Run:
    """Errors of a mount from `plate` at `TAPED_M`; the lens is off by 0.1 % and 1 px, as it says."""
    mount = Mount(rng.uniform(1.0, 2.8), rng.uniform(4, 14), rng.normal(0, 1), rng.normal(0, 3))
    ideal = Intrinsics(1280, 960, 1100.0, 1100.0, 639.5, 479.5)
    lens_sd = Uncertainty(fx=1.1, fy=1.1, cx=1.0, cy=1.0)
    scale, cx, cy = rng.normal(0, (0.001, 1.0, 1.0))
    off = replace(ideal, fx=1100 * (1 + scale), fy=1100 * (1 + scale), cx=ideal.cx + cx, cy=ideal.cy + cy)
    truth, told = Camera("truth", ideal, mount), Camera("told", off, uncertainty=lens_sd)
    measured, plates = taped_plates(rng, truth, plate)
    fit = fit_mount(told, groups(measured, told, plates, Path(), None))
    found = with_mount(told, fit, measured.stop_line)
    errors = [getattr(found.mount, key) - getattr(mount, key) for key in MOUNT_KEYS]
    sds = [getattr(found.uncertainty, key) for key in MOUNT_KEYS]
    figures = {"height error, cm": 100 * abs(errors[0]), "pitch error, degrees": abs(errors[1])}
    return Run(np.array(errors), np.array(sds), figures | _distance_errors(rng, truth, found))


def taped_plates(
    rng: np.random.Generator, truth: Camera, plate: Plate
) -> tuple[Measured, dict[str, SeenPlate]]:
    """Measurements whose errors are as large as `plate` and the tape's standard deviation say."""
    common_sd, single_sd = held_sd(plate)
    corners = plate_corners_m(EUROPE[0])
    x = rng.normal(0, 0.3)
    held = np.array([x, plate.centre_height_m, 0, 0, 0]) + rng.normal(0, common_sd.radians()) * (
        0,
        1,
        1,
        1,
        1,
    )
    items, plates = [], {}
    for distance in TAPED_M:
        across, up, *angles = held + rng.normal(0, single_sd.radians())
        points = corners @ turned(UPRIGHT, *angles).T + (across, distance, up)
        pixels = truth.project(truth.camera_from_road(points)) + rng.normal(0, NOISE_PX, (4, 2))
        name = f"{distance:g} m"
        plates[name] = SeenPlate(name, pixels, np.tile(NOISE_PX**2 * np.eye(2), (4, 1, 1)))
        item = PlateAt(name)
        taped = float(np.hypot(across, distance))
        items.append(replace(item, distance_m=taped + rng.normal(0, item.tape_sd_m)))
    return Measured(plate, tuple(items)), plates


def _distance_errors(rng: np.random.Generator, truth: Camera, found: Camera) -> dict[str, float]:
    """Error, in per cent, that the estimator makes on nearly exact corners because of the calibration."""
    figures = {}
    for distance in _CHECKED_M:
        exact = approach(truth, EUROPE[0], distance) or []
        points = [replace(point, corners_px=point.corners_px + rng.normal(0, 0.1, (4, 2))) for point in exact]
        estimate = estimate_motion(points, found, [EUROPE[0]]).distance_m if points else None
        if estimate is not None:
            figures[f"distance error at {distance:g} m, %"] = 100 * abs(estimate.value / distance - 1)
    return figures
