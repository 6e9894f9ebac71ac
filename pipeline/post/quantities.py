"""What is published of a motion: range, distance, speed now and over the track, with derivatives."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.frames import KMH_PER_MPS
from pipeline.post.fit import Fit
from pipeline.post.plate_motion import (
    ACCELERATIONS,
    COUNT,
    DRIVE,
    HEADING,
    PLACE,
    POSE,
    SLOPE,
    SPEED,
    X,
    travel_by_accelerations,
    travel_direction,
)
from pipeline.post.posterior import Functionals
from pipeline.post.window import Window

Array = NDArray[np.float64]

RANGE_M, DISTANCE_M, SPEED_NOW_KMH, SPEED_OVER_TRACK_KMH = range(4)


class Quantities:
    """Measures a fit for one camera.

    Without a mount there is no lane and no stop line: the distance is then the plate's distance along its
    own line of travel from the point abreast of the camera.
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera

    def __call__(self, fit: Fit, window: Window) -> Functionals:
        """RANGE_M, DISTANCE_M, SPEED_NOW_KMH and SPEED_OVER_TRACK_KMH near the fit."""
        motion, slopes, mount = fit.motion, np.zeros((4, COUNT)), self._camera.mount
        place = motion[PLACE]
        line, by_heading, by_slope = travel_direction(
            motion[HEADING] if mount is None else 0.0, motion[SLOPE]
        )
        range_m = math.hypot(*place)
        slopes[RANGE_M, PLACE] = place / range_m
        slopes[DISTANCE_M, PLACE] = line
        slopes[DISTANCE_M, HEADING] = place @ by_heading if mount is None else 0.0
        slopes[DISTANCE_M, SLOPE] = place @ by_slope
        slopes[SPEED_NOW_KMH:, SPEED] = KMH_PER_MPS
        first_s = window.times_s[:1]
        if first_s[0] < 0:
            way = travel_by_accelerations(first_s, window.ages_s)[0]
            slopes[SPEED_OVER_TRACK_KMH, ACCELERATIONS] = KMH_PER_MPS * way / first_s[0]
        speeds = slopes[SPEED_NOW_KMH:] @ motion
        values = np.array([range_m, place @ line - (mount.stop_line_m if mount else 0.0), *speeds])
        return Functionals(values, slopes[:, POSE], slopes[:, DRIVE])

    def of_the_mount_sd(self, motion: Array) -> Array:
        """(4,) sd of the quantities from what the fit does not see: the lane's direction and the stop line."""
        known = self._camera.uncertainty
        if self._camera.mount is None:
            return np.zeros(4)
        across = motion[X] * math.radians(known.lane_yaw_deg or 0.0)
        return np.array([0.0, math.hypot(across, known.stop_line_m or 0.0), 0.0, 0.0])
