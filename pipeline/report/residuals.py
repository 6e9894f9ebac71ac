"""How far the observed corners of a passage lie from those of a plate that moves as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.post.fitted import fitted_corners_px
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.track_data import TrackPoint

Array = NDArray[np.float64]

_PIECE_S = 2.0  # as far as the published numbers look back
_LEAST_POINTS = 5


@dataclass(frozen=True, eq=False)
class Residuals:
    """Observed less fitted corners of n frames that one motion was fitted to.

    Attributes:
        times_s: (n,).
        px: (n, 4, 2).
        stated_sd_px: (n, 2), what the network states for x and y, root mean square over the corners.
    """

    times_s: Array
    px: Array
    stated_sd_px: Array


def residuals(
    points: Sequence[TrackPoint], camera: Camera | None, formats: Sequence[PlateFormat]
) -> list[Residuals]:
    """Residuals of a passage, one motion for each stretch of about 2 s; none where nothing can be fitted."""
    if camera is None:
        return []
    found = []
    for piece in _pieces(points):
        fitted = fitted_corners_px(piece, camera, formats)
        if fitted is not None:
            times = np.array([point.time_s for point in piece])
            seen = np.array([point.corners_px for point in piece])
            variances = np.diagonal([point.corner_cov_px2 for point in piece], axis1=2, axis2=3)
            found.append(Residuals(times, seen - fitted, np.sqrt(variances.mean(axis=1))))
    return found


def _pieces(points: Sequence[TrackPoint]) -> Iterator[Sequence[TrackPoint]]:
    """Stretches of 2 s, longer ones where there are not five points in 2 s; too short a rest joins the last one."""
    first = 0
    for end in range(_LEAST_POINTS, len(points) - _LEAST_POINTS + 1):
        if end - first >= _LEAST_POINTS and points[end].time_s - points[first].time_s > _PIECE_S:
            yield points[first:end]
            first = end
    if len(points) - first >= _LEAST_POINTS:
        yield points[first:]
