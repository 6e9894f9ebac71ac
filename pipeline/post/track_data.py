"""The observations of one vehicle, ready for the fit: rays, and what turns their residuals into unit noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.frames import TimeSource

Array = NDArray[np.float64]

TIME_SD_S: dict[TimeSource, float] = {"rtcp": 0.001, "pts": 0.001, "arrival": 0.010}
"""How far a capture time is off, by where it comes from, if the camera file does not say."""

_OFF_PX = 0.5  # a ray that is seen so far from its corner is none: the lens model does not reach there
_LEAST_VARIANCE_PX2: Array = 0.05**2 * np.eye(2)  # no corner is known better, whatever its stated covariance


@dataclass(frozen=True, eq=False)
class TrackPoint:
    """The plate of one frame without the image: corners (4, 2), their covariances (4, 2, 2), in pixels.

    `time_sd_s` is how far the capture time may be off.
    """

    time_s: float
    corners_px: Array
    corner_cov_px2: Array
    time_sd_s: float = TIME_SD_S["pts"]


@dataclass(frozen=True, eq=False)
class TrackData:
    """n frames of one track. Times have the origin of the points that they were made of.

    Attributes:
        times_s: (n,), rising.
        time_sd_s: (n,), sd of each frame's time.
        row_delays_s: (n, 4), how much later than its frame's time each corner was captured.
        corners_px: (n, 4, 2) as observed.
        rays: (n, 4, 2), the corners as x/z, y/z, lens distortion removed.
        whiteners: (n, 4, 2, 2), take a corner's ray residual to two numbers of unit variance.
        lens_slopes: (n, 4, 2, c), how far one sd of each uncertain quantity of the lens moves the rays, whitened.
    """

    times_s: Array
    time_sd_s: Array
    row_delays_s: Array
    corners_px: Array
    rays: Array
    whiteners: Array
    lens_slopes: Array

    def __getitem__(self, keep: slice | NDArray[np.bool_] | NDArray[np.intp]) -> TrackData:
        """Some of the frames."""
        return TrackData(*(item[keep] for item in self._arrays()))

    def __add__(self, later: TrackData) -> TrackData:
        """These frames and then `later` ones."""
        pairs = zip(self._arrays(), later._arrays(), strict=True)
        return TrackData(*(np.concatenate(pair) for pair in pairs))

    def __len__(self) -> int:
        return len(self.times_s)

    def _arrays(self) -> tuple[Array, ...]:
        return (
            self.times_s,
            self.time_sd_s,
            self.row_delays_s,
            self.corners_px,
            self.rays,
            self.whiteners,
            self.lens_slopes,
        )


class RayMaker:
    """Takes the corners of one camera from pixels to rays."""

    def __init__(self, camera: Camera) -> None:
        lens = _lens_numbers(camera)
        self._camera, self._distortion = camera, lens[4:]
        moves = [_lens_numbers(moved) - lens for moved in camera.one_sd_lenses()]
        self._moves: Array = np.array(moves).reshape(-1, 9).T
        self._matrix = camera.intrinsics.matrix
        self._row_time_s = camera.intrinsics.row_time_s

    def __call__(self, points: Sequence[TrackPoint]) -> TrackData:
        """Undistort the corners of n frames and bring their covariances along, to first order.

        Rays of corners beyond the reach of the lens model, where its distortion folds the image over, are NaN.
        """
        corners = np.array([point.corners_px for point in points], dtype=np.float64)
        covariances = np.array([point.corner_cov_px2 for point in points]) + _LEAST_VARIANCE_PX2
        rays = self._camera.unproject(corners)
        seen_px, px_per_ray, px_per_lens = self._projected(rays)
        unfolded = np.linalg.det(px_per_ray) > 0
        rays[~unfolded | (np.abs(seen_px - corners).max(axis=2) > _OFF_PX)] = np.nan
        whiteners = _inverse_root(covariances)
        return TrackData(
            np.array([point.time_s for point in points]),
            np.array([point.time_sd_s for point in points]),
            self._row_time_s * corners[..., 1],
            corners,
            rays,
            whiteners @ px_per_ray,
            -whiteners @ px_per_lens,
        )

    def _projected(self, rays: Array) -> tuple[Array, Array, Array]:
        """Pixels (n, 4, 2), their derivatives by rays (n, 4, 2, 2) and by each uncertain quantity of the lens.

        The latter are (n, 4, 2, c), in units of its sd. OpenCV's columns are rotation (3), translation (3), fx, fy, cx,
        cy, distortion (5).
        """
        flat = np.concatenate([rays.reshape(-1, 2), np.ones((rays.size // 2, 1))], axis=1)
        pixels, table = cv2.projectPoints(
            flat[:, None], np.zeros(3), np.zeros(3), self._matrix, self._distortion
        )
        slopes = np.asarray(table, dtype=np.float64).reshape(*rays.shape, -1)
        return (
            np.asarray(pixels, np.float64).reshape(rays.shape),
            slopes[..., 3:5],
            slopes[..., 6:15] @ self._moves,
        )


def _lens_numbers(camera: Camera) -> Array:
    """(9,): fx, fy, cx, cy, distortion."""
    lens = camera.intrinsics
    return np.array([lens.fx, lens.fy, lens.cx, lens.cy, *lens.distortion])


def thinned(data: TrackData, limit: int) -> TrackData:
    """At most `limit` frames spread evenly over the track, first and last included."""
    if len(data) <= limit:
        return data
    return data[np.linspace(0, len(data) - 1, limit).round().astype(int)]


def areas(rays: Array) -> Array:
    """(n,) areas of the quadrilaterals (n, 4, 2), positive when their corners run clockwise in the image."""
    diagonals = rays[:, 2:] - rays[:, :2]
    return 0.5 * (diagonals[:, 0, 0] * diagonals[:, 1, 1] - diagonals[:, 0, 1] * diagonals[:, 1, 0])


def _inverse_root(covariances: Array) -> Array:
    """Lower triangular W (..., 2, 2) with W C W' = 1 for covariances C (..., 2, 2)."""
    first = 1.0 / np.sqrt(covariances[..., 0, 0])
    slope = covariances[..., 0, 1] / covariances[..., 0, 0]
    second = 1.0 / np.sqrt(covariances[..., 1, 1] - slope * covariances[..., 0, 1])
    found = np.zeros_like(covariances)
    found[..., 0, 0], found[..., 1, 0], found[..., 1, 1] = first, -slope * second, second
    return found
