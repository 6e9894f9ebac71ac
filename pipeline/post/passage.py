"""A vehicle that was reported: what is known of it while it is seen, and its summary when it is gone."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.frames import MotionEstimate, PassageKind, PassageReport, PlateObservation
from pipeline.post.motion import MotionFollower, estimate_motion
from pipeline.post.track import Track

_LONGEST_WHOLE_S = 4.0  # a motion over more time than this is not fitted as one


@dataclass
class Passage:
    """One vehicle.

    Attributes:
        follower: None without a calibration.
        motion: as last reported.
        reported_s: when that was.
        jumped: the clock has jumped, and there was no speed since.
        fastest: the report with the highest speed that it is sure of.
    """

    name: str
    track: Track
    follower: MotionFollower | None
    motion: MotionEstimate
    reported_s: float
    jumped: bool = False
    fastest: MotionEstimate | None = None

    def add(self, observation: PlateObservation) -> None:
        """Take one more observation, which its track accepts."""
        point = self.track.add(observation)
        if self.follower:
            self.follower.add([point])

    def forget_times(self) -> None:
        """The clock has jumped: the vehicle stays, what is known of its motion goes."""
        self.jumped = True
        self.track.restart()
        if self.follower:
            self.follower.restart()

    def update(self, now_s: float) -> None:
        """Estimate its motion anew, for a report."""
        self.reported_s = now_s
        if self.follower:
            self.motion = self._estimate(self.follower)
        if _surely_kmh(self.motion) > _surely_kmh(self.fastest):
            self.fastest = self.motion

    def _estimate(self, follower: MotionFollower) -> MotionEstimate:
        found = follower.estimate()
        self.jumped &= found.speed_kmh is None
        if self.jumped and found.quality == "too_few_frames":
            return replace(found, quality="time_jump")
        return found

    def summary(self) -> MotionEstimate:
        """Last distance, and the mean speed over the whole track.

        The motion model can follow the changes of speed of some seconds, not those of a long stay. There the summary
        has the highest speed that a report on the way was sure of.
        """
        if self.follower is None:
            return self.motion
        track, last = self.track, self._estimate(self.follower)
        if self.jumped and last.range_m is None:  # nothing is known since
            last = self.motion
        speeds = [self.fastest, last]
        if track.last_time_s - track.first_time_s <= _LONGEST_WHOLE_S:
            camera, formats = self.follower.camera, self.follower.formats
            speeds.insert(0, estimate_motion(track.whole_track(), camera, formats, "track"))
        chosen = next((item for item in speeds if item and item.speed_kmh), None)
        if chosen is None:
            return last
        quality = chosen.quality if last.range_m is not None else last.quality
        return replace(last, speed_kmh=chosen.speed_kmh, motion=chosen.motion, quality=quality)

    def report(
        self, kind: PassageKind, observation: PlateObservation, motion: MotionEstimate
    ) -> PassageReport:
        """What is said about it."""
        track = self.track
        return PassageReport(
            kind, self.name, observation, motion, track.first_time_s, track.last_time_s, track.frames
        )


def _surely_kmh(motion: MotionEstimate | None) -> float:
    """The least speed, in either direction, that the interval leaves; negative where there is none."""
    if motion is None or motion.speed_kmh is None:
        return -1.0
    low, high = motion.speed_kmh.ci95
    return max(low, -high, 0.0)
