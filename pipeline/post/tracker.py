"""One passage per vehicle: from the plate observations of one camera to reports of passages."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np

from calib.camera import Camera
from pipeline.frames import (
    DropCounter,
    DropReason,
    MotionEstimate,
    PassageKind,
    PassageReport,
    PlateObservation,
)
from pipeline.post.answer import withheld
from pipeline.post.frame_clock import FrameClock
from pipeline.post.motion import MotionFollower, estimate_motion
from pipeline.post.plate_formats import EUROPE, PlateFormat
from pipeline.post.track import Track

log = logging.getLogger(__name__)

_LONGEST_WHOLE_S = 4.0  # a motion over more time than this is not fitted as one


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


@dataclass
class _Passage:
    """A vehicle that was reported."""

    name: str
    track: Track
    follower: MotionFollower | None  # None without a calibration
    motion: MotionEstimate
    reported_s: float
    jumped: bool = False  # the clock has jumped, and there was no speed since
    fastest: MotionEstimate | None = None  # the report with the highest speed that it is sure of


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
        self._passage: _Passage | None = None
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
            point = self._passage.track.add(observation)
            if self._passage.follower:
                self._passage.follower.add([point])
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
            self._passage.jumped = True
            self._passage.track.restart()
            if self._passage.follower:
                self._passage.follower.restart()

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
        self._passage = _Passage(name, track, follower, motion, observation.stamp.time_s)
        return _report("new", self._passage, observation, motion)

    def _report_update(self, passage: _Passage, observation: PlateObservation) -> list[PassageReport]:
        """An update, if the last report is long enough ago."""
        now_s = observation.stamp.time_s
        if now_s - passage.reported_s < self._settings.update_interval_s - 1e-6:
            return []
        passage.reported_s = now_s
        if passage.follower:
            passage.motion = passage.follower.estimate()
            passage.jumped &= passage.motion.speed_kmh is None
        if passage.jumped and passage.motion.quality == "too_few_frames":
            passage.motion = replace(passage.motion, quality="time_jump")
        if _surely_kmh(passage.motion) > _surely_kmh(passage.fastest):
            passage.fastest = passage.motion
        return [_report("update", passage, observation, passage.motion)]

    def _end(self) -> list[PassageReport]:
        """The summary of the current passage, if there is one."""
        if self._passage is None:
            return []
        passage, self._passage = self._passage, None
        return [_report("end", passage, passage.track.best, self._summary(passage))]

    def _summary(self, passage: _Passage) -> MotionEstimate:
        """Last distance, and the mean speed over the whole track.

        The motion model can follow the changes of speed of some seconds, not those of a long stay. There the summary
        has the highest speed that a report on the way was sure of.
        """
        track, formats = passage.track, self._settings.formats
        last = passage.follower.estimate() if passage.follower else passage.motion
        speeds = [passage.fastest, last]
        if track.last_time_s - track.first_time_s <= _LONGEST_WHOLE_S:
            speeds.insert(0, estimate_motion(track.whole_track(), self._camera, formats, "track"))
        chosen = next((item for item in speeds if item and item.speed_kmh), None)
        if chosen is None:
            return last
        return replace(last, speed_kmh=chosen.speed_kmh, motion=chosen.motion, quality=chosen.quality)


def _report(
    kind: PassageKind, passage: _Passage, observation: PlateObservation, motion: MotionEstimate
) -> PassageReport:
    track = passage.track
    return PassageReport(
        kind, passage.name, observation, motion, track.first_time_s, track.last_time_s, track.frames
    )


def _usable(observation: PlateObservation) -> bool:
    """The network's numbers are finite; anything else would spoil the whole track."""
    plate = observation.plate
    return bool(np.isfinite(plate.corners_px).all() and np.isfinite(plate.corner_cov_px2).all())


def _surely_kmh(motion: MotionEstimate | None) -> float:
    """The least speed, in either direction, that the interval leaves; negative where there is none."""
    if motion is None or motion.speed_kmh is None:
        return -1.0
    low, high = motion.speed_kmh.ci95
    return max(low, -high, 0.0)
