"""Where the most probable motion of a plate puts its corners: what a report compares with what was seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.post.hypotheses import search
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.plate_motion import PlateAt
from pipeline.post.priors import pose_prior
from pipeline.post.quantities import Quantities
from pipeline.post.track_data import RayMaker, TrackPoint, areas
from pipeline.post.window import Window


def fitted_corners_px(
    points: Sequence[TrackPoint], camera: Camera, formats: Sequence[PlateFormat]
) -> NDArray[np.float64] | None:
    """Corners (n, 4, 2) of one motion fitted to n points of a track, in the image's own pixels.

    Args:
        points: at least one, times rising, of one epoch, over some seconds at most.
        camera: where it hangs may be unknown.
        formats: the plate formats that may occur.

    Returns:
        None where a point's corners are those of no plate, or no motion explains them.
    """
    data = RayMaker(camera)(points)
    if not np.all(areas(data.rays) > 0):
        return None
    window = Window(data)
    found = search(window, camera, pose_prior(camera), formats, Quantities(camera))
    if not found:
        return None
    best = max(found, key=lambda item: item.log_weight)
    setting = best.fit.setting
    plate = PlateAt(
        best.posterior.motion, window.corner_times_s, window.by_accelerations_m, setting.width_m, setting.axes
    )
    return camera.project(plate.points)
