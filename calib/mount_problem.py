"""The residuals of everything that was measured, as a function of the mount and of every target's place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera, Mount
from calib.targets import Group, Target, turned

Array = NDArray[np.float64]

HEIGHT, PITCH, ROLL, YAW = range(4)
_X, _Y, _Z, _TURN, _TILT, _LEAN = range(6)  # of a target: metres, metres, metres, radians
_SHARED = (_X, _Z, _TURN, _TILT, _LEAN)
_STEP = 1e-6
_WEAK_PRIOR = ((0.0, 100.0), (0.0, 1.5), (0.0, 0.17), (0.0, 0.7))  # mean, sd of the mount: m, rad, rad, rad


class MountProblem:
    """Residuals of all measurements as a function of one vector: mount (4), groups (5 each), targets (6 each)."""

    def __init__(self, camera: Camera, groups: tuple[Group, ...], height: tuple[float, float] | None) -> None:
        self.camera, self._groups, self._height = camera, groups, height
        self._prior = np.array([height or _WEAK_PRIOR[0], *_WEAK_PRIOR[1:]])
        self.targets = [(index, target) for index, group in enumerate(groups) for target in group.targets]
        self.target_count = len(self.targets)
        self._whiteners = [
            np.linalg.inv(np.linalg.cholesky(target.covariances_px2)) for _, target in self.targets
        ]
        self.size = 4 + 5 * len(groups) + 6 * self.target_count
        taped = sum(item.taped_m is not None for _, item in self.targets)
        # Corners and tapes; of the six unknowns of a target five have a prior of their own, the sixth has none.
        self.spare = max(
            2 * sum(len(item.points_m) for _, item in self.targets) + taped - self.target_count, 1
        )

    def with_camera(self, camera: Camera) -> MountProblem:
        """The same measurements through another lens."""
        return MountProblem(camera, self._groups, self._height)

    def mount(self, state: Array) -> Mount:
        """The mount that a state holds."""
        height, pitch, roll, yaw = state[:4]
        return Mount(float(height), *np.degrees([pitch, roll, yaw]).tolist())

    def start(self, pitch_deg: float) -> Array | None:
        """A state with this pitch, the targets at their taped distances or where their size puts them."""
        mount = Mount(1.0, pitch_deg, 0.0, 0.0)
        level = replace(self.camera, mount=mount)
        state = np.zeros(self.size)
        for index, group in enumerate(self._groups):
            state[4 + 5 * index : 9 + 5 * index] = group.mean.radians()
        heights = []
        for number, (index, target) in enumerate(self.targets):
            ray = np.append(self.camera.unproject(target.corners_px).mean(axis=0), 1.0)
            away = level.road_from_camera(ray) - (0, 0, mount.height_m)
            if away[1] < 0.05:
                return None
            away *= self._first_guess_m(target) / np.hypot(away[0], away[1])
            z_m = self._groups[index].mean.z_m
            heights.append(z_m - away[2])
            state[self._at(number)] = [away[0], away[1], z_m, *self._groups[index].mean.radians()[2:]]
        state[HEIGHT], state[PITCH] = max(0.2, float(np.median(heights))), np.radians(pitch_deg)
        return state

    def linearised(self, state: Array) -> tuple[Array, Array]:
        """Residuals (m,) in units of their sd, and derivatives (m, size)."""
        parts = [self._seen(state, number) for number in range(self.target_count)]
        parts += [self._taped(state, number) for number in range(self.target_count)]
        parts += [self._held(state, number) for number in range(self.target_count)]
        parts += [self._group(state, index) for index in range(len(self._groups))]
        own = (state[:4] - self._prior[:, 0]) / self._prior[:, 1], np.eye(4, self.size) / self._prior[:, 1:]
        residuals, rows = zip(*parts, own, strict=True)
        return np.concatenate(residuals), np.concatenate(rows)

    def _at(self, number: int) -> slice:
        first = 4 + 5 * len(self._groups) + 6 * number
        return slice(first, first + 6)

    def _first_guess_m(self, target: Target) -> float:
        """What the tape said, or the range that the target's size in the image tells."""
        if target.taped_m is not None:
            return target.taped_m
        rays = self.camera.unproject(target.corners_px)
        return float(np.ptp(target.points_m[:, 0]) / max(float(np.linalg.norm(np.ptp(rays, axis=0))), 1e-6))

    def _seen(self, state: Array, number: int) -> tuple[Array, Array]:
        """The corners in the image."""
        index, target = self.targets[number]
        columns = [0, 1, 2, 3, *range(*self._at(number).indices(self.size))]

        def pixels(local: Array) -> Array:
            camera = replace(self.camera, mount=Mount(float(local[0]), *np.degrees(local[1:4]).tolist()))
            axes = turned(self._groups[index].axes, *local[7:])
            return camera.project(camera.camera_from_road(target.points_m @ axes.T + local[4:7]))

        here = state[columns]
        base = pixels(here)
        slopes = np.stack([(pixels(here + _STEP * unit) - base) / _STEP for unit in np.eye(10)], axis=-1)
        whitener = self._whiteners[number]
        rows = np.zeros((2 * len(base), self.size))
        rows[:, columns] = (whitener @ slopes).reshape(-1, 10)
        return (whitener @ (base - target.corners_px)[..., None]).ravel(), rows

    def _taped(self, state: Array, number: int) -> tuple[Array, Array]:
        """What the tape said."""
        target, first = self.targets[number][1], self._at(number).start
        if target.taped_m is None:
            return np.zeros(0), np.zeros((0, self.size))
        along = target.along_tape_m(state[first : first + 3], state[HEIGHT])
        length = np.linalg.norm(along)
        rows = np.zeros((1, self.size))
        rows[0, first : first + 3] = along / length
        rows[0, HEIGHT] = -along[2] / length  # 0 where the tape is level
        return np.array([length - target.taped_m]) / target.tape_sd_m, rows / target.tape_sd_m

    def _held(self, state: Array, number: int) -> tuple[Array, Array]:
        """A target is held as its group is."""
        index = self.targets[number][0]
        sd, own, common = self._groups[index].single_sd.radians(), self._at(number), 4 + 5 * index
        rows = np.zeros((5, self.size))
        rows[range(5), [own.start + key for key in _SHARED]] = 1 / sd
        rows[range(5), range(common, common + 5)] = -1 / sd
        return rows @ state, rows

    def _group(self, state: Array, index: int) -> tuple[Array, Array]:
        """A group is held as its prior says."""
        group, common = self._groups[index], 4 + 5 * index
        sd = group.common_sd.radians()
        rows = np.zeros((5, self.size))
        rows[range(5), range(common, common + 5)] = 1 / sd
        return rows @ state - group.mean.radians() / sd, rows
