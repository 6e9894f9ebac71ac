"""Every measurement of the mount against what the others say, in centimetres, and the stop line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera, Mount
from calib.measured import StopLine
from calib.mount import MOUNT_KEYS, MountFit, fit_mount
from calib.targets import Group, Target
from pipeline.errors import GateError

Array = NDArray[np.float64]

_DISAGREES_SD = 3.0
_CLICK_SD_PX = 2.0


@dataclass(frozen=True)
class Residual:
    """One taped length: measured, what all other measurements predict for it, and the sd of the difference."""

    name: str
    taped_m: float
    predicted_m: float
    sd_m: float

    @property
    def error_cm(self) -> float:
        """Taped minus predicted."""
        return 100 * (self.taped_m - self.predicted_m)

    @property
    def agrees(self) -> bool:
        """The difference is within what is expected."""
        return abs(self.taped_m - self.predicted_m) <= _DISAGREES_SD * self.sd_m


def tape_residuals(
    camera: Camera, groups: Sequence[Group], height: tuple[float, float] | None
) -> list[Residual]:
    """For every taped distance: fit without it, and compare."""
    found = []
    for index, group in enumerate(groups):
        for number, target in enumerate(group.targets):
            taped = target.taped_m
            if taped is None:
                continue
            bare = replace(target, distance_m=None, range_m=None)
            others = [*group.targets[:number], bare, *group.targets[number + 1 :]]
            changed = [*groups[:index], replace(group, targets=tuple(others)), *groups[index + 1 :]]
            fit = fit_mount(camera, changed, height)
            at = sum(len(item.targets) for item in groups[:index]) + number
            predicted, sd = _predicted(fit, at, target)
            found.append(Residual(target.name, taped, predicted, float(np.hypot(sd, target.tape_sd_m))))
    if height is not None:
        fit = fit_mount(camera, groups, None)
        sd = float(np.hypot(height[1], np.sqrt(fit.covariance[0, 0])))
        found.append(Residual("camera height", height[0], fit.mount.height_m, sd))
    return found


def with_mount(camera: Camera, fit: MountFit, line: StopLine) -> Camera:
    """The camera with the fitted mount, its stop line, and their standard deviations."""
    stop, stop_sd = stop_line(camera, fit, line)
    sds = np.sqrt(np.diag(fit.covariance)) * (1, *np.full(3, 180 / np.pi))
    known = dict(zip(MOUNT_KEYS, sds.tolist(), strict=True))
    uncertainty = replace(camera.uncertainty, **known, stop_line_m=stop_sd)
    return replace(camera, mount=replace(fit.mount, stop_line_m=stop), uncertainty=uncertainty)


def stop_line(camera: Camera, fit: MountFit, line: StopLine) -> tuple[float, float | None]:
    """Distance of the stop line along the lane and its sd; 0 and None when there is none.

    Raises:
        GateError: a click is not on the road.
    """
    if line.distance_m is not None:
        return line.distance_m, line.sd_m
    if not line.clicks_px:
        return 0.0, None
    clicks = np.array(line.clicks_px)
    distance = _road_distance(camera, fit.mount, clicks)
    step = 1e-5
    by_mount = [
        (_road_distance(camera, _shifted(fit.mount, step * unit), clicks) - distance) / step
        for unit in np.eye(4)
    ]
    by_click = _road_distance(camera, fit.mount, clicks + np.array([0.0, _CLICK_SD_PX])) - distance
    variance = np.array(by_mount) @ fit.covariance @ np.array(by_mount) + by_click**2 / len(clicks)
    return distance, float(np.sqrt(variance))


def _predicted(fit: MountFit, at: int, target: Target) -> tuple[float, float]:
    """What the fit says about a target's taped length, and its sd; a range begins at the unsure lens."""
    along = target.along_tape_m(fit.places[at][:3], fit.mount.height_m)
    length = float(np.linalg.norm(along))
    by_place, by_height = along / length, -along[2] / length  # the latter is 0 where the tape is level
    variance = by_place @ fit.place_covariances[at][:3, :3] @ by_place
    variance += by_height**2 * fit.covariance[0, 0]
    variance += 2 * by_height * (by_place @ fit.height_covariances[at][:3])
    return length, float(np.sqrt(variance))


def _road_distance(camera: Camera, mount: Mount, clicks_px: Array) -> float:
    """Mean distance along the lane of the road points under clicks (n, 2)."""
    there = replace(camera, mount=mount)
    rays = np.concatenate([there.unproject(clicks_px), np.ones((len(clicks_px), 1))], axis=1)
    ways = there.road_from_camera(rays) - (0, 0, mount.height_m)
    if (ways[:, 2] >= -1e-3).any():
        raise GateError("mount: stop_line.clicks_px: a click is not on the road (it is above the horizon)")
    return float(np.mean(-mount.height_m * ways[:, 1] / ways[:, 2]))


def _shifted(mount: Mount, shift: Array) -> Mount:
    height, *angles = shift.tolist()
    pitch, roll, yaw = np.degrees(angles)
    return Mount(
        mount.height_m + height, mount.pitch_deg + pitch, mount.roll_deg + roll, mount.lane_yaw_deg + yaw
    )
