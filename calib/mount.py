"""How the camera hangs, from things at measured places: one least-squares problem for everything at once.

Unknown are the mount (height, pitch, roll, lane direction) and the place and facing of every target that was
seen (a plate, a board). What a tape measured and what is known about how a target is held enter as further
residuals, each with its standard deviation. Targets held the same way form a `Group` with a common place and
facing, from which each may differ a little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera, Mount
from pipeline.errors import GateError

Array = NDArray[np.float64]

HEIGHT, PITCH, ROLL, YAW = range(4)
MOUNT_KEYS = ("height_m", "pitch_deg", "roll_deg", "lane_yaw_deg")
_X, _Y, _Z, _TURN, _TILT, _LEAN = range(6)  # of a target: metres, metres, metres, radians
_SHARED = (_X, _Z, _TURN, _TILT, _LEAN)
UPRIGHT: Array = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Road axes of a target that faces the camera: its x to the right, its y down, its z away."""
FLAT: Array = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])
"""The same of one that lies on the road, its lower edge towards the camera."""
_STEP = 1e-6
_MAX_STEPS = 60
_PITCH_STARTS_DEG = (2.0, 15.0, 30.0, 50.0)
_WEAK_PRIOR = ((0.0, 100.0), (0.0, 1.5), (0.0, 0.17), (0.0, 0.7))  # mean, sd of the mount: m, rad, rad, rad


@dataclass(frozen=True, eq=False)
class Target:
    """Something of known shape, seen once.

    Attributes:
        name: for the user, such as the image's file name.
        points_m: (n, 3) in its own frame, whose origin is the point that the tape went to.
        corners_px: (n, 2) where they were seen.
        covariances_px2: (n, 2, 2).
        distance_m: taped along the road from the point under the camera; None if not taped.
        range_m: taped straight from the lens; None if not taped.
        tape_sd_m: of either.
    """

    name: str
    points_m: Array
    corners_px: Array
    covariances_px2: Array
    distance_m: float | None = None
    range_m: float | None = None
    tape_sd_m: float = 0.01


class Held(NamedTuple):
    """How targets are held: across the lane, above the road (m), turned right, tilted up, leaning (degrees)."""

    x_m: float
    z_m: float
    turn_deg: float
    tilt_deg: float
    lean_deg: float

    def radians(self) -> Array:
        """(5,) with the angles in radians."""
        return np.array([self.x_m, self.z_m, *np.radians(self[2:])])


@dataclass(frozen=True, eq=False)
class Group:
    """Targets that are held alike.

    Attributes:
        targets: at least one.
        axes: `UPRIGHT` or `FLAT`.
        mean, common_sd: how they are held, and how far all of them together may differ from that.
        single_sd: how far each may differ from the others.
    """

    targets: tuple[Target, ...]
    axes: Array
    mean: Held
    common_sd: Held
    single_sd: Held


@dataclass(frozen=True, eq=False)
class MountFit:
    """Mount and targets that fit best.

    Attributes:
        mount: the result, without a stop line.
        covariance: (4, 4) of height (m), pitch, roll, lane direction (rad).
        places: (targets, 6) of all groups in order: X, Y, Z (m) in the road frame, turn, tilt, lean (rad).
        place_covariances: (targets, 6, 6).
        misfit: root of chi-squared over the number of spare measurements; about 1 when all agree.
    """

    mount: Mount
    covariance: Array
    places: Array
    place_covariances: Array
    misfit: float


def fit_mount(camera: Camera, groups: Sequence[Group], height: tuple[float, float] | None = None) -> MountFit:
    """Fit everything together.

    Args:
        camera: lens and its uncertainty; a mount that it may have is not used.
        groups: what was seen.
        height: taped height of the camera and its sd, in metres.

    Raises:
        GateError: nothing was seen, or no mount explains it.
    """
    if not any(group.targets for group in groups):
        raise GateError("mount: no plate or board to go by; add [[plate_at]], [[board_at]] or [passages]")
    problem = _Problem(camera, tuple(groups), height)
    fits = [fit for fit in (_minimum(problem, pitch) for pitch in _PITCH_STARTS_DEG) if fit is not None]
    if not fits:
        raise GateError("mount: the measurements fit no camera position; check the distances and the plate's size")
    best, cost = min(fits, key=lambda item: item[1])
    residuals, rows = problem.linearised(best)
    spare = max(len(residuals) - len(best), 1)
    misfit = float(np.sqrt(cost / spare))
    covariance = _inverse(rows.T @ rows) * max(1.0, misfit) ** 2
    covariance += _lens_share(problem, best, rows)
    first = len(best) - 6 * problem.target_count
    blocks = [slice(first + 6 * i, first + 6 * i + 6) for i in range(problem.target_count)]
    return MountFit(
        problem.mount(best),
        covariance[:4, :4],
        best[first:].reshape(-1, 6),
        np.array([covariance[block, block] for block in blocks]),
        misfit,
    )


def turned(axes: Array, turn: float, tilt: float, lean: float) -> Array:
    """(3, 3) rotation from a target's frame to the road's."""
    ct, st, ci, si, cl, sl = np.cos(turn), np.sin(turn), np.cos(tilt), np.sin(tilt), np.cos(lean), np.sin(lean)
    about_z = np.array([[ct, st, 0.0], [-st, ct, 0.0], [0.0, 0.0, 1.0]])
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, ci, -si], [0.0, si, ci]])
    about_y = np.array([[cl, 0.0, sl], [0.0, 1.0, 0.0], [-sl, 0.0, cl]])
    return np.asarray(about_z @ about_x @ about_y @ axes)


class _Problem:
    """Residuals of all measurements as a function of one vector: mount (4), groups (5 each), targets (6 each)."""

    def __init__(self, camera: Camera, groups: tuple[Group, ...], height: tuple[float, float] | None) -> None:
        self._camera = camera
        self._groups = groups
        self._prior = np.array([height or _WEAK_PRIOR[0], *_WEAK_PRIOR[1:]])
        self.targets = [(index, target) for index, group in enumerate(groups) for target in group.targets]
        self.target_count = len(self.targets)
        self._whiteners = [
            np.linalg.inv(np.linalg.cholesky(target.covariances_px2)) for _, target in self.targets
        ]
        self.size = 4 + 5 * len(groups) + 6 * self.target_count

    def with_camera(self, camera: Camera) -> _Problem:
        return _Problem(camera, self._groups, tuple(self._prior[0]) if self._prior[0, 1] < 50 else None)

    def mount(self, state: Array) -> Mount:
        height, pitch, roll, yaw = state[:4]
        return Mount(float(height), *np.degrees([pitch, roll, yaw]).tolist())

    def start(self, pitch_deg: float) -> Array | None:
        """A state with this pitch, the targets at their taped distances or where their size puts them."""
        mount = Mount(1.0, pitch_deg, 0.0, 0.0)
        level = replace(self._camera, mount=mount)
        state = np.zeros(self.size)
        for index, group in enumerate(self._groups):
            state[4 + 5 * index : 9 + 5 * index] = group.mean.radians()
        heights = []
        for number, (index, target) in enumerate(self.targets):
            ray = np.append(self._camera.unproject(target.corners_px).mean(axis=0), 1.0)
            away = level.road_from_camera(ray) - (0, 0, mount.height_m)
            if away[1] < 0.05:
                return None
            away *= (target.distance_m or target.range_m or self._range_by_size(target)) / away[1]
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

    def _range_by_size(self, target: Target) -> float:
        rays = self._camera.unproject(target.corners_px)
        return float(np.ptp(target.points_m[:, 0]) / max(np.linalg.norm(np.ptp(rays, axis=0)), 1e-6))

    def _seen(self, state: Array, number: int) -> tuple[Array, Array]:
        """The corners in the image."""
        index, target = self.targets[number]
        columns = [0, 1, 2, 3, *range(*self._at(number).indices(self.size))]

        def pixels(local: Array) -> Array:
            camera = replace(self._camera, mount=Mount(float(local[0]), *np.degrees(local[1:4]).tolist()))
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
        target, at = self.targets[number][1], self._at(number)
        rows = np.zeros((2, self.size))
        residuals = np.zeros(2)
        if target.distance_m is not None:
            residuals[0] = (state[at][_Y] - target.distance_m) / target.tape_sd_m
            rows[0, at.start + _Y] = 1 / target.tape_sd_m
        if target.range_m is not None:
            offset = state[at][:3] - (0, 0, state[HEIGHT])
            length = np.linalg.norm(offset)
            residuals[1] = (length - target.range_m) / target.tape_sd_m
            rows[1, at.start : at.start + 3] = offset / length / target.tape_sd_m
            rows[1, HEIGHT] = -offset[2] / length / target.tape_sd_m
        used = [target.distance_m is not None, target.range_m is not None]
        return residuals[used], rows[used]

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


def _minimum(problem: _Problem, pitch_deg: float) -> tuple[Array, float] | None:
    """Levenberg-Marquardt from a pitch: state and sum of squares; None if it leads nowhere."""
    state = problem.start(pitch_deg)
    if state is None:
        return None
    damping = 1e-3
    residuals, rows = problem.linearised(state)
    for _ in range(_MAX_STEPS):
        normals, cost = rows.T @ rows, float(residuals @ residuals)
        if not np.isfinite(cost):
            return None
        step = -np.linalg.solve(normals + damping * np.diag(normals.diagonal()), rows.T @ residuals)
        trial_residuals, trial_rows = problem.linearised(state + step)
        trial_cost = float(trial_residuals @ trial_residuals)
        if np.isfinite(trial_cost) and trial_cost < cost and state[HEIGHT] + step[HEIGHT] > 0:
            state, residuals, rows, damping = state + step, trial_residuals, trial_rows, damping * 0.2
            if cost - trial_cost < 1e-7 * (1 + cost):
                break
        elif damping > 1e8:
            break
        else:
            damping *= 6
    return state, float(residuals @ residuals)


def _lens_share(problem: _Problem, state: Array, rows: Array) -> Array:
    """Covariance that the lens's uncertainty adds: how far the fit moves when the lens is one sd off."""
    camera = replace(problem._camera, mount=None)
    base = problem.linearised(state)[0]
    pull = _inverse(rows.T @ rows) @ rows.T
    moves = [-pull @ (problem.with_camera(moved).linearised(state)[0] - base) for moved in camera.one_sd_lenses()]
    return np.asarray(sum((np.outer(move, move) for move in moves), np.zeros((problem.size, problem.size))))


def _inverse(normals: Array) -> Array:
    scale = 1 / np.sqrt(normals.diagonal())
    return np.asarray(np.linalg.inv(normals * np.outer(scale, scale)) * np.outer(scale, scale))
