"""Distance and speed of one vehicle from its plate's corners, with intervals, or the reason why there is none."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.frames import MotionEstimate
from pipeline.post.answer import LARGEST_MISS, SpeedOver, answer, withheld
from pipeline.post.hypotheses import Hypothesis, follow, search
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.priors import pose_prior
from pipeline.post.quantities import Quantities
from pipeline.post.track_data import RayMaker, TrackData, TrackPoint, areas, thinned
from pipeline.post.window import Window

Array = NDArray[np.float64]

_FRAMES_USED = 64
_FORGOTTEN = 7.0  # a hypothesis this much less probable (log) than the best is followed no longer


def estimate_motion(
    points: Sequence[TrackPoint],
    camera: Camera | None,
    formats: Sequence[PlateFormat],
    speed_over: SpeedOver = "now",
) -> MotionEstimate:
    """Distance at the newest point and speed there, or the mean speed over all points.

    Without a mount there is no lane and no stop line: `distance_m` is then the plate's distance along its
    own line of travel from the point abreast of the camera, the line being estimated from the motion and
    the plate's facing.

    Args:
        points: one track, at least one point, times rising, of one epoch.
        camera: None gives quality "uncalibrated" and no number.
        formats: the plate formats that may occur, at least one.
        speed_over: "now" or "track".
    """
    if camera is None:
        return withheld("uncalibrated")
    follower = MotionFollower(camera, formats)
    follower.add(points)
    return follower.estimate(speed_over)


class MotionFollower:
    """Distance and speed of one vehicle while it is seen, over a sliding window.

    The first estimate searches formats and branches; the later ones start from the one before and keep only the
    hypotheses that are still alive. When none explains the track well, the search is made again.

    Attributes:
        camera: its calibration.
        formats: the plate formats that may occur.
    """

    def __init__(
        self, camera: Camera, formats: Sequence[PlateFormat], window_s: float = float("inf")
    ) -> None:
        self.camera, self.formats, self._window_s = camera, formats, window_s
        self._rays, self._measure = RayMaker(camera), Quantities(camera)
        self._prior = pose_prior(camera)
        self._data: TrackData | None = None
        self._hypotheses: list[Hypothesis] = []
        self._newest_s = 0.0

    def add(self, points: Sequence[TrackPoint]) -> None:
        """Append points; those that leave the window, and corners that cannot be a plate's, are left out."""
        data = self._rays(points)
        sound = areas(data.rays) > 0
        if not sound.all():
            data = data[sound]
        if self._data is not None:
            data = self._data + data
        if len(data):
            data = data[int(np.searchsorted(data.times_s, data.times_s[-1] - self._window_s)) :]
        self._data = data

    def restart(self) -> None:
        """Forget the points: times from here on have nothing to do with the earlier ones."""
        self._data, self._hypotheses = None, []

    def estimate(self, speed_over: SpeedOver = "now") -> MotionEstimate:
        """Distance at the newest point and the speed there, or the mean speed over the window."""
        if self._data is None or len(self._data) == 0:
            return withheld("implausible")
        window = Window(thinned(self._data, _FRAMES_USED))
        found = self._explained(window)
        if not found:
            return withheld("implausible")
        return answer(found, self._measure, window.data, speed_over)

    def _explained(self, window: Window) -> list[Hypothesis]:
        """The hypotheses, most probable first; none for corners that no plate has."""
        newest_s, measure = float(window.data.times_s[-1]), self._measure
        later_s, self._newest_s = newest_s - self._newest_s, newest_s
        found: list[Hypothesis] = []
        with contextlib.suppress(np.linalg.LinAlgError):
            found = _sorted(follow(self._hypotheses, later_s, window, self._prior, measure))
        if not found or found[0].plate_format is None or found[0].fit.relative_miss > LARGEST_MISS:
            found = []
            with contextlib.suppress(np.linalg.LinAlgError):
                found = _sorted(search(window, self.camera, self._prior, self.formats, measure))
        self._hypotheses = [item for item in found if item.log_weight > found[0].log_weight - _FORGOTTEN]
        return self._hypotheses


def _sorted(hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    """The most probable first."""
    return sorted(hypotheses, key=lambda item: -item.log_weight)
