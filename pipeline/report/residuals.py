"""How far the observed corners of a passage lie from those of a plate that moves as one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.post.fitted import fitted_corners_px
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.track_data import TrackPoint

Array = NDArray[np.float64]

_LONGEST_S = 2.0  # as far as the published numbers look back
_LEAST_POINTS = 5


@dataclass(frozen=True, eq=False)
class Residuals:
    """Observed less fitted corners of n frames.

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
) -> Residuals | None:
    """Residuals of a passage; one of more than 2 s is fitted in pieces. None where nothing can be fitted."""
    if camera is None:
        return None
    used: list[TrackPoint] = []
    found: list[Array] = []
    for piece in _pieces(points):
        fitted = fitted_corners_px(piece, camera, formats)
        if fitted is not None:
            used += piece
            found.append(np.array([point.corners_px for point in piece]) - fitted)
    if not found:
        return None
    variances = np.array([np.diagonal(point.corner_cov_px2, axis1=1, axis2=2) for point in used])
    times = np.array([point.time_s for point in used])
    return Residuals(times, np.concatenate(found), np.sqrt(variances.mean(axis=1)))


def _pieces(points: Sequence[TrackPoint]) -> Iterator[list[TrackPoint]]:
    """Stretches of at most 2 s, about equally long, of at least five points."""
    first_s, span_s = points[0].time_s, points[-1].time_s - points[0].time_s
    count = max(1, math.ceil(span_s / _LONGEST_S))
    edges = first_s + span_s * np.arange(1, count) / count
    cuts = np.searchsorted([point.time_s for point in points], edges)
    for first, last in zip([0, *cuts], [*cuts, len(points)], strict=True):
        if last - first >= _LEAST_POINTS:
            yield list(points[first:last])
