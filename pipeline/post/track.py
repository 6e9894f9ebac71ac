"""What is kept of one vehicle while it is seen: points without images, the best frame, where it may be next."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from pipeline.frames import PlateObservation, plate_width_px
from pipeline.post.thinned import Thinned
from pipeline.post.track_data import TIME_SD_S, TrackPoint

Array = NDArray[np.float64]

_WHOLE_TRACK_POINTS = 96
_GATE_S = 0.3  # span of the newest points that predict the next one
_MARGIN_S = 0.5  # margins stop growing after this time
_SIZE_MARGIN, _SIZE_MARGIN_PER_S = 0.25, 0.5  # of the logarithm of the plate's size
_PLACE_MARGIN, _PLACE_MARGIN_PER_S = 0.7, 2.0  # in widths of the plate


class Track:
    """The plate observations of one vehicle in one epoch.

    Memory is bounded however long the vehicle stays: `recent` reaches `window_s` back, `whole_track()` has at
    most 97 points spread over the whole stay, and of all images only that of `best` is held.
    """

    def __init__(self, first: PlateObservation, window_s: float, time_sd_s: float | None = None) -> None:
        """Begin a track.

        Args:
            first: its first observation.
            window_s: how far back `recent` reaches.
            time_sd_s: sd of the capture times; None takes it from where each time comes from.
        """
        self.first_time_s = first.stamp.time_s
        self.epoch = first.stamp.epoch
        self.frames = 0
        self.best = first
        self.recent: deque[TrackPoint] = deque()
        self._whole: Thinned[TrackPoint] = Thinned(_WHOLE_TRACK_POINTS)
        self._window_s, self._time_sd_s = window_s, time_sd_s
        self.add(first)

    @property
    def last_time_s(self) -> float:
        """Time of the newest observation."""
        return self.recent[-1].time_s

    def whole_track(self) -> list[TrackPoint]:
        """Points spread over the whole stay, the newest included."""
        newest = self.recent[-1]
        spread = self._whole.items
        return spread if spread and spread[-1] is newest else [*spread, newest]

    def restart(self) -> None:
        """The clock has jumped: forget the points, but for the newest, which tells where the vehicle is."""
        newest = self.recent[-1]
        self.recent.clear()
        self.recent.append(newest)
        self._whole = Thinned(_WHOLE_TRACK_POINTS)

    def add(self, observation: PlateObservation) -> TrackPoint:
        """Append an observation that `accepts` this track; the point that is kept of it."""
        plate, stamp = observation.plate, observation.stamp
        time_sd_s = TIME_SD_S[stamp.time_source] if self._time_sd_s is None else self._time_sd_s
        point = TrackPoint(stamp.time_s, plate.corners_px, plate.corner_cov_px2, time_sd_s)
        self.recent.append(point)
        while point.time_s - self.recent[0].time_s > self._window_s:
            self.recent.popleft()
        self._whole.add(point)
        self.frames += 1
        if _relative_sd(observation) < _relative_sd(self.best):
            self.best = observation
        return point

    def accepts(self, observation: PlateObservation) -> bool:
        """Whether this can be the same vehicle, from where its plate is and how large.

        Both must lie between where they were last and where the newest motion takes them, give or take a
        margin that grows with time: a vehicle may brake to a stop, but a plate does not jump back.
        """
        gap_s = observation.stamp.time_s - self.last_time_s
        if gap_s <= 0:
            return False
        last, predicted = self._extrapolated(gap_s)
        seen = _place_and_distance(observation.plate.corners_px)
        width = 1.0 / last[2]
        grown_s = min(gap_s, _MARGIN_S)
        place_margin = (_PLACE_MARGIN + _PLACE_MARGIN_PER_S * grown_s) * max(width, 1.0 / seen[2])
        margin = _SIZE_MARGIN + _SIZE_MARGIN_PER_S * grown_s
        nearest, farthest = sorted((last[2], max(predicted[2], 0.3 * last[2])))
        size_fits = np.log(nearest) - margin < np.log(seen[2]) < np.log(farthest) + margin
        return bool(size_fits and _distance_to_segment(seen[:2], last[:2], predicted[:2]) < place_margin)

    def _extrapolated(self, gap_s: float) -> tuple[Array, Array]:
        """(u, v, 1 / width) of the newest point, and what the points before it predict `gap_s` later."""
        points = [point for point in self.recent if self.last_time_s - point.time_s <= _GATE_S]
        states = np.array([_place_and_distance(point.corners_px) for point in points])
        if len(points) < 3:
            return states[-1], states[-1]
        times = np.array([point.time_s for point in points]) - self.last_time_s
        slope, level = np.polyfit(times, states, 1)
        return level, level + slope * gap_s


def _place_and_distance(corners_px: Array) -> Array:
    """(3,): centre in the image, and 1 over the plate's width in pixels, which is linear in its distance."""
    return np.array([*corners_px.mean(axis=0), 1.0 / max(plate_width_px(corners_px), 1.0)])


def _distance_to_segment(point: Array, start: Array, end: Array) -> float:
    """Distance from a point (2,) to the line segment between two points (2,)."""
    along = end - start
    share = np.clip((point - start) @ along / max(float(along @ along), 1e-12), 0.0, 1.0)
    return float(np.linalg.norm(point - start - share * along))


def _relative_sd(observation: PlateObservation) -> float:
    """Standard deviation of the corners over the plate's width."""
    variance = np.trace(observation.plate.corner_cov_px2, axis1=1, axis2=2).mean()
    return float(np.sqrt(variance) * _place_and_distance(observation.plate.corners_px)[2])
