"""How the camera hangs, from things at measured places: one least-squares problem for everything at once.

Unknown are the mount (height, pitch, roll, lane direction) and the place and facing of every target that was
seen (a plate, a board). What a tape measured and what is known about how a target is held enter as further
residuals, each with its standard deviation. Targets held the same way form a `Group` with a common place and
facing, from which each may differ a little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera, Mount
from calib.camera_parts import MOST_HEIGHT_M
from calib.mount_problem import HEIGHT, MountProblem
from calib.targets import Group
from pipeline.errors import GateError

Array = NDArray[np.float64]

MOUNT_KEYS = ("height_m", "pitch_deg", "roll_deg", "lane_yaw_deg")
_MAX_STEPS = 60
_PITCH_STARTS_DEG = (2.0, 15.0, 30.0, 50.0)
_CLEAR_MISFIT = 1.5  # no other start is tried when everything agrees this well


@dataclass(frozen=True, eq=False)
class MountFit:
    """Mount and targets that fit best.

    Attributes:
        mount: the result, without a stop line.
        covariance: (4, 4) of height (m), pitch, roll, lane direction (rad).
        places: (targets, 6) of all groups in order: X, Y, Z (m) in the road frame, turn, tilt, lean (rad).
        place_covariances: (targets, 6, 6).
        height_covariances: (targets, 6), of the camera's height with each place.
        misfit: root of chi-squared over the number of spare measurements; about 1 when all agree.
    """

    mount: Mount
    covariance: Array
    places: Array
    place_covariances: Array
    height_covariances: Array
    misfit: float


def fit_mount(camera: Camera, groups: Sequence[Group], height: tuple[float, float] | None = None) -> MountFit:
    """Fit everything together.

    Args:
        camera: lens and its uncertainty; a mount that it may have is not used.
        groups: what was seen.
        height: taped height of the camera and its sd, in metres.

    Raises:
        GateError: nothing was seen, or no mount explains it, or one that is too high.
    """
    if not any(group.targets for group in groups):
        raise GateError("mount: no plate or board to go by; add [[plate_at]], [[board_at]] or [passages]")
    problem = MountProblem(camera, tuple(groups), height)
    fits: list[tuple[Array, float]] = []
    for pitch_deg in _PITCH_STARTS_DEG:
        fit = _minimum(problem, pitch_deg)
        fits += [] if fit is None else [fit]
        if fit is not None and fit[1] < _CLEAR_MISFIT**2 * problem.spare:
            break
    if not fits:
        raise GateError(
            "mount: the measurements fit no camera position; check the distances and the plate's size"
        )
    best, cost = min(fits, key=lambda item: item[1])
    if best[HEIGHT] > MOST_HEIGHT_M:
        raise GateError(
            f"mount: the measurements put the camera {best[HEIGHT]:.0f} m above the road; check the distances and the "
            "plate's size"
        )
    rows = problem.linearised(best)[1]
    misfit = float(np.sqrt(cost / problem.spare))
    covariance = _inverse(rows.T @ rows) * max(1.0, misfit) ** 2
    covariance += _lens_share(problem, best, rows)
    first = len(best) - 6 * problem.target_count
    blocks = [slice(first + 6 * i, first + 6 * i + 6) for i in range(problem.target_count)]
    return MountFit(
        problem.mount(best),
        covariance[:4, :4],
        best[first:].reshape(-1, 6),
        np.array([covariance[block, block] for block in blocks]),
        np.array([covariance[HEIGHT, block] for block in blocks]),
        misfit,
    )


def _minimum(problem: MountProblem, pitch_deg: float) -> tuple[Array, float] | None:
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
            state, residuals, rows, damping = state + step, trial_residuals, trial_rows, damping * 0.1
            if cost - trial_cost < 1e-5 * (1 + cost):
                break
        elif damping > 1e8:
            break
        else:
            damping *= 10
    return state, float(residuals @ residuals)


def _lens_share(problem: MountProblem, state: Array, rows: Array) -> Array:
    """Covariance that the lens's uncertainty adds: how far the fit moves when the lens is one sd off."""
    base = problem.linearised(state)[0]
    pull = _inverse(rows.T @ rows) @ rows.T
    moves = [
        -pull @ (problem.with_camera(moved).linearised(state)[0] - base)
        for moved in problem.camera.one_sd_lenses()
    ]
    return np.asarray(sum((np.outer(move, move) for move in moves), np.zeros((problem.size, problem.size))))


def _inverse(normals: Array) -> Array:
    scale = 1 / np.sqrt(normals.diagonal())
    return np.asarray(np.linalg.inv(normals * np.outer(scale, scale)) * np.outer(scale, scale))
