"""A track near a motion: residuals of its corners and their derivatives, in units of the stated corner noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.post.plate_motion import COUNT, POSE, PlateAt, speed_at
from pipeline.post.window import Window

Array = NDArray[np.float64]

SHARED = 16
"""Errors that all frames may share: for each of the corners' 8 coordinates one on the plate and one in the image."""

_WAY_SD_M = 0.002
"""Of the plate against the modelled way: accelerations change within a stretch, springs give."""


@dataclass(frozen=True, eq=False)
class Setting:
    """What is given for a fit: plate width, rotation (3, 3) from reference axes to the camera, prior of the pose.

    `mean` and `sd` (9,) are independent Gaussians. `shared` is the sd of the corners' errors that all frames share, in
    units of what is stated; 0 if there are none.
    """

    width_m: float
    axes: Array
    mean: Array
    sd: Array
    shared: float = 0.0


class Linearised:
    """The track near a motion, in units of the stated corner noise.

    Attributes:
        motion: (17,).
        residuals: (n, 8), predicted less observed.
        slopes: (n, 8, 17), by the pose in units of its prior sd and by the drive.
    """

    def __init__(self, motion: Array, window: Window, setting: Setting) -> None:
        """Residuals of the track at a motion, and their derivatives."""
        data, whiteners = window.data, window.data.whiteners
        self.motion, self._window, self._setting, self._shape = motion, window, setting, (len(data), 8)
        plate = PlateAt(
            motion, window.corner_times_s, window.by_accelerations_m, setting.width_m, setting.axes
        )
        inverse_depth = 1.0 / plate.points[..., 2]
        rays = plate.points[..., :2] * inverse_depth[..., None]
        self.residuals: Array = np.matvec(whiteners, rays - data.rays).reshape(self._shape)
        by_point = np.empty((len(data), 4, 2, 3))
        np.multiply(whiteners, inverse_depth[..., None, None], out=by_point[..., :2])
        by_point[..., 2] = -np.matvec(by_point[..., :2], rays)
        slopes, self._by_way = plate.derivatives(by_point)
        slopes[..., POSE] *= setting.sd
        self.slopes: Array = slopes.reshape(*self._shape, COUNT)
        self._plate, self._by_point = plate, by_point

    @cached_property
    def shared(self) -> Array:
        """(n, 8, k), by each error that all frames share, in units of its sd; k is `SHARED`, or 0 without any.

        They are shifts on the plate, as large as the plate appears, and shifts in the image. Each has half of the
        variance where the plate is largest. How large the plate appears is taken from the motion: with sizes as they
        were seen, a shift would carry their noise along and explain it, the more the larger it is (Peelle's pertinent
        puzzle).
        """
        if not self._setting.shared:
            return np.empty((*self._shape, 0))
        in_image = self._window.by_shift_in_image * (self._setting.shared / np.sqrt(2.0))
        return np.concatenate([in_image * self._nearness[:, None, None], in_image], axis=2)

    @cached_property
    def _nearness(self) -> Array:
        """(n,), how large the motion makes the plate appear, relative to the frame in which it was seen largest."""
        found = (1.0 / self._plate.points[..., 2]).sum(axis=1)
        return np.asarray(found / found[self._window.nearest])

    @property
    def by_shift_on_plate(self) -> Array:
        """(n, 4, 2, 2), derivatives of each corner's residuals by its shift on the plate."""
        return np.asarray(self._window.data.whiteners * self._nearness[:, None, None, None])

    @cached_property
    def by_time(self) -> Array:
        """(n, 8), derivatives by each frame's time, per second."""
        return self._by_way.reshape(self._shape) * self._speeds[:, None]

    @cached_property
    def _speeds(self) -> Array:
        return speed_at(self.motion, self._window.seconds_lasted)

    @cached_property
    def off_course(self) -> Array:
        """(n, 8), how far the plate's place on its way, off by one sd, moves the corners: by the time or by itself."""
        way_sd_m = np.hypot(self._speeds * self._window.data.time_sd_s, _WAY_SD_M)
        return self._by_way.reshape(self._shape) * way_sd_m[:, None]

    def newest_off_the_way(self, shared: Array) -> float:
        """Root mean square residual of the newest frame that no other place on the plate's way would explain.

        The errors `shared` (k,) that all frames share are left out.
        """
        residual, by_way = self.residuals[-1] + self.shared[-1] @ shared, self._by_way[-1].ravel()
        along = (by_way @ residual) ** 2 / (by_way @ by_way)
        return float(np.sqrt(max(residual @ residual - along, 0.0) / len(residual)))

    def sound(self, columns: Array) -> Array:
        """Residuals or their derivatives (n, 8, k) made smaller where an error of the frame's time explains as much.

        A frame's residuals have covariance 1 + d d', d being `off_course`; its inverse root is applied to them.
        """
        return np.asarray(columns - self._pulls[..., None] * np.vecmat(self.off_course, columns)[:, None])

    @cached_property
    def _pulls(self) -> Array:
        moves = self.off_course
        squares = np.vecdot(moves, moves)
        shares = (1.0 - 1.0 / np.sqrt(1.0 + squares)) / np.maximum(squares, 1e-12)
        return np.asarray(moves * shares[:, None])

    @cached_property
    def curvatures(self) -> Array:
        """(n, 8, 3), second derivatives by azimuth and elevation of the plate and by the line of travel."""
        return self._plate.curvatures(self._by_point).reshape(*self._shape, 3)

    @cached_property
    def relative_misses(self) -> Array:
        """(n,), mean square miss of each frame's corners in the image over the plate's width there, squared.

        What an error of the frame's time explains is left out.
        """
        data, by_time = self._window.data, self.by_time
        along = np.vecdot(self.residuals, by_time) / np.maximum(np.vecdot(by_time, by_time), 1e-9)
        across = (self.residuals - along[:, None] * by_time).reshape(-1, 4, 2)
        (a, b), (c, d) = data.whiteners.transpose(2, 3, 0, 1)
        rays2 = 1.0 / np.abs(a * d - b * c)  # a unit
        misses = (np.vecdot(across, across) * rays2).sum(axis=1) / 4
        widths = data.rays[:, 1] - data.rays[:, 0]
        return np.asarray(misses / np.vecdot(widths, widths))
