"""The stretch of a track that a motion is fitted to, and what of it depends on no motion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.post import drives
from pipeline.post.plate_motion import seconds_lasted, stretch_ages_s, travel_by_accelerations
from pipeline.post.track_data import TrackData, areas

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Window:
    """A track with times that count from its newest frame, and what may have happened in it."""

    data: TrackData

    @cached_property
    def times_s(self) -> Array:
        """(n,), at most 0."""
        return self.data.times_s - self.data.times_s[-1]

    @cached_property
    def corner_times_s(self) -> Array:
        """(n, 4), when each corner was captured."""
        return self.times_s[:, None] + self.data.row_delays_s

    @cached_property
    def by_accelerations_m(self) -> Array:
        """(n, 4, 7), how far each acceleration has moved each corner."""
        return travel_by_accelerations(self.corner_times_s, self.ages_s)

    @cached_property
    def seconds_lasted(self) -> Array:
        """(n, 7), how long each acceleration has lasted since each frame."""
        return seconds_lasted(self.times_s, self.ages_s)

    @cached_property
    def ages_s(self) -> Array:
        """Bounds of the stretches of acceleration."""
        return stretch_ages_s(-float(self.times_s[0]))

    @cached_property
    def nearest(self) -> int:
        """The frame in which the plate appears largest."""
        return int(np.argmax(areas(self.data.rays)))

    @cached_property
    def by_shift_in_image(self) -> Array:
        """(n, 8, 8), how far a shift in the image moves the residuals, for each of the corners' 8 coordinates.

        Each is one sd of what is stated where the plate is largest.
        """
        shifts = 1.0 / np.diagonal(self.data.whiteners[self.nearest], axis1=1, axis2=2)
        found = np.zeros((len(self.data), 4, 2, 4, 2))
        for corner in range(4):
            found[:, corner, :, corner] = self.data.whiteners[:, corner] * shifts[corner]
        return found.reshape(-1, 8, 8)

    @cached_property
    def roots(self) -> drives.Roots:
        """Of the ways to drive."""
        return drives.roots(self.ages_s)
