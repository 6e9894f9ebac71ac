"""The observations of one vehicle, ready for the fit: rays, and what turns their residuals into unit noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera

Array = NDArray[np.float64]

_LEAST_SD_PX = 0.05  # no corner is known better than this, whatever its stated covariance


@dataclass(frozen=True, eq=False)
class TrackPoint:
    """The plate of one frame without the image: corners (4, 2), their covariances (4, 2, 2), in pixels."""

    time_s: float
    corners_px: Array
    corner_cov_px2: Array


@dataclass(frozen=True, eq=False)
class TrackData:
    """n frames of one track.

    Attributes:
        times_s: (n,), relative to the newest frame.
        corners_px: (n, 4, 2) as observed.
        rays: (n, 4, 2), the corners as x/z, y/z, lens distortion removed.
        whiteners: (n, 4, 2, 2), take a corner's ray residual to two numbers of unit variance.
    """

    times_s: Array
    corners_px: Array
    rays: Array
    whiteners: Array

    def subset(self, keep: NDArray[np.bool_]) -> TrackData:
        """The frames for which `keep` (n,) is true."""
        return TrackData(self.times_s[keep], self.corners_px[keep], self.rays[keep], self.whiteners[keep])


def track_data(points: Sequence[TrackPoint], camera: Camera) -> TrackData:
    """Undistort the corners and bring their covariances along, to first order."""
    corners = np.array([point.corners_px for point in points], dtype=np.float64)
    covariances = np.array([point.corner_cov_px2 for point in points]) + _LEAST_SD_PX**2 * np.eye(2)
    times = np.array([point.time_s for point in points])
    neighbours = np.array([[0.0, 0.0], [0.5, 0.0], [-0.5, 0.0], [0.0, 0.5], [0.0, -0.5]])
    rays = camera.unproject(corners[..., None, :] + neighbours)
    ray_per_px = np.stack([rays[..., 1, :] - rays[..., 2, :], rays[..., 3, :] - rays[..., 4, :]], axis=-1)
    ray_covariances = ray_per_px @ covariances @ ray_per_px.swapaxes(-1, -2)
    whiteners = np.linalg.inv(np.linalg.cholesky(ray_covariances))
    return TrackData(times - times[-1], corners, rays[..., 0, :], whiteners)


def thinned(points: Sequence[TrackPoint], limit: int) -> list[TrackPoint]:
    """At most `limit` points spread evenly over the sequence, first and last included."""
    if len(points) <= limit:
        return list(points)
    return [points[index] for index in np.linspace(0, len(points) - 1, limit).round().astype(int)]
