"""One passage per vehicle: from the plate observations of one camera to reports of passages."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from calib.camera import Camera
from pipeline.frames import DropCounter, DropReason, PassageReport, PlateObservation
from pipeline.post.answer import withheld
from pipeline.post.frame_clock import FrameClock
from pipeline.post.motion import MotionFollower
from pipeline.post.passage import Passage
from pipeline.post.plate_formats import EUROPE, PlateFormat
from pipeline.post.track import Track

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrackSettings:
    """What makes a passage. All times are capture times, so that a replay gives the same passages.

    Attributes:
        presence_threshold: a frame shows a plate from this probability on.
        min_hits, confirm_s: a passage begins with this many observations, each at most this long after
            the one before.
        expiry_s: it ends when no plate was seen for this long.
        update_interval_s: at least this long between two reports of a passage.
        window_s: how far back the current distance and speed look.
        formats: the plate formats that may occur.
    """

    presence_threshold: float = 0.5
    min_hits: int = 3
    confirm_s: float = 1.5
    expiry_s: float = 1.5
    update_interval_s: float = 0.1
    window_s: float = 2.0
    formats: tuple[PlateFormat, ...] = EUROPE


class PassageTracker:
    """Follows the closest vehicle in front of one camera.

    Observations that do not continue the current vehicle start a candidate. The candidate takes over once
    it was seen often enough while the current vehicle was not, so that neither a flash of a false plate nor
    a plate lost for some frames ends a passage.
    """

    def __init__(
        self,
        camera_id: str,
        camera: Camera | None,
        settings: TrackSettings,
        drops: DropCounter | None = None,
    ) -> None:
        """Wait for the first vehicle.

        Args:
            camera_id: begins the names of the passages.
            camera: its calibration; without one there are passages without numbers.
            settings: what makes a passage.
            drops: counts the observations that are left out because of their time.
        """
        self._camera_id = camera_id
        self._camera = camera
        self._settings = settings
        self._time_sd_s = camera.uncertainty.time_s if camera else None
        self._drops = drops or DropCounter()
        self._passage: Passage | None = None
        self._candidate: Track | None = None
        self._epoch: int | None = None
        self._clock = FrameClock()
        self._count = 0

    @property
    def track(self) -> Track | None:
        """What is kept of the vehicle of the current passage, for those who look on."""
        return self._passage.track if self._passage else None

    def update(self, observation: PlateObservation) -> list[PassageReport]:
        """Take the next frame's observation, plate or none.

        One whose time repeats, runs backwards or is displaced is left out and counted. After a jump of the clock
        the passage goes on, but nothing before the jump is used for its speed.

        Returns:
            Reports in order: an `end`, a `new` or an `update`, or an `end` and then a `new`; often none.
        """
        stamp = observation.stamp
        reports: list[PassageReport] = []
        if stamp.epoch != self._epoch:
            reports += self.finish()
            self._epoch, self._clock = stamp.epoch, FrameClock()
        verdict = self._clock.judge(stamp)
        if verdict == "bad":
            self._drops.add(DropReason.BAD_TIME)
            return reports
        passage = self._passage
        if passage and stamp.time_s - passage.track.last_time_s > self._settings.expiry_s:
            reports += self._end()
        if verdict == "jump":
            log.warning("%s: the time jumps to %.3f s; speed begins anew", self._camera_id, stamp.time_s)
            self._forget_times()
        if observation.plate.presence < self._settings.presence_threshold or not _usable(observation):
            return reports
        if self._passage and self._passage.track.accepts(observation):
            self._candidate = None
            self._passage.add(observation)
            return reports + self._report_update(self._passage, observation)
        return reports + self._consider(observation)

    def finish(self) -> list[PassageReport]:
        """End the current passage, if there is one: the stream stopped or its clock started anew."""
        self._candidate = None
        return self._end()

    def _forget_times(self) -> None:
        """The clock has jumped: the current vehicle stays, what is known of its motion goes."""
        self._candidate = None
        if self._passage:
            self._passage.forget_times()

    def _consider(self, observation: PlateObservation) -> list[PassageReport]:
        """Start or continue a candidate; make it the current passage once it was seen often enough."""
        settings, candidate = self._settings, self._candidate
        now_s = observation.stamp.time_s
        if (
            candidate is not None
            and now_s - candidate.last_time_s <= settings.confirm_s
            and candidate.accepts(observation)
        ):
            candidate.add(observation)
        else:
            self._candidate = candidate = Track(observation, settings.window_s, self._time_sd_s)
        if candidate.frames < settings.min_hits:
            return []
        self._candidate = None
        return [*self._end(), self._begin(candidate, observation)]

    def _begin(self, track: Track, observation: PlateObservation) -> PassageReport:
        self._count += 1
        name = f"{self._camera_id}-{track.epoch}-{self._count:04d}"
        follower = None
        if self._camera is not None:
            follower = MotionFollower(self._camera, self._settings.formats, self._settings.window_s)
            follower.add(track.recent)
        motion = follower.estimate() if follower else withheld("uncalibrated")
        self._passage = Passage(name, track, follower, motion, observation.stamp.time_s)
        return self._passage.report("new", observation, motion)

    def _report_update(self, passage: Passage, observation: PlateObservation) -> list[PassageReport]:
        """An update, if the last report is long enough ago."""
        now_s = observation.stamp.time_s
        if now_s - passage.reported_s < self._settings.update_interval_s - 1e-6:
            return []
        passage.update(now_s)
        return [passage.report("update", observation, passage.motion)]

    def _end(self) -> list[PassageReport]:
        """The summary of the current passage, if there is one."""
        if self._passage is None:
            return []
        passage, self._passage = self._passage, None
        return [passage.report("end", passage.track.best, passage.summary())]


def _usable(observation: PlateObservation) -> bool:
    """The network's numbers are finite; anything else would spoil the whole track."""
    plate = observation.plate
    return bool(np.isfinite(plate.corners_px).all() and np.isfinite(plate.corner_cov_px2).all())
