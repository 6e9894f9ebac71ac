"""The observations of one vehicle, ready for the fit: rays, and what turns their residuals into unit noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.frames import TimeSource

Array = NDArray[np.float64]

TIME_SD_S: dict[TimeSource, float] = {"rtcp": 0.001, "pts": 0.001, "arrival": 0.010}
"""How far a capture time is off, by where it comes from, if the camera file does not say."""

_LEAST_SD_PX = 0.05  # no corner is known better than this, whatever its stated covariance


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
        self._camera = camera
        self._lenses = camera.one_sd_lenses()
        self._row_time_s = camera.intrinsics.row_time_s

    def __call__(self, points: Sequence[TrackPoint]) -> TrackData:
        """Undistort the corners of n frames and bring their covariances along, to first order."""
        corners = np.array([point.corners_px for point in points], dtype=np.float64)
        covariances = np.array([point.corner_cov_px2 for point in points]) + _LEAST_SD_PX**2 * np.eye(2)
        neighbours = np.array([[0.0, 0.0], [0.5, 0.0], [-0.5, 0.0], [0.0, 0.5], [0.0, -0.5]])
        rays = self._camera.unproject(corners[..., None, :] + neighbours)
        ray_per_px = np.stack([rays[..., 1, :] - rays[..., 2, :], rays[..., 3, :] - rays[..., 4, :]], axis=-1)
        whiteners = _inverse_root(ray_per_px @ covariances @ ray_per_px.swapaxes(-1, -2))
        moved = [lens.unproject(corners) - rays[..., 0, :] for lens in self._lenses]
        lens_rays = np.stack(moved, axis=-1) if moved else np.zeros((*corners.shape, 0))
        return TrackData(
            np.array([point.time_s for point in points]),
            np.array([point.time_sd_s for point in points]),
            self._row_time_s * corners[..., 1],
            corners,
            rays[..., 0, :],
            whiteners,
            whiteners @ lens_rays,
        )


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
