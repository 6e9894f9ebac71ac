"""What the report keeps of a replay while it runs: for each passage some numbers and two small pictures, no frames."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.events import rectified_plate_jpeg
from pipeline.frames import MotionEstimate, PassageReport, PlateObservation
from pipeline.post.plate_formats import SIZES_M, PlateFormat
from pipeline.post.thinned import Thinned
from pipeline.post.track_data import TrackPoint
from pipeline.post.tracker import PassageTracker

_WIDEST_PICTURE_PX = 960
_JPEG_QUALITY = 82


@dataclass(frozen=True)
class Published:
    """Distance and speed as they were published at a moment."""

    time_s: float
    motion: MotionEstimate


@dataclass(frozen=True, eq=False)
class BestFrame:
    """The frame in which the plate's corners were most certain.

    Attributes:
        jpeg: the whole image, at most 960 px wide.
        plate_jpeg: the plate seen from the front; None where a corner lies outside the image.
        size_px: width and height of the image that corners are given in.
    """

    jpeg: bytes
    plate_jpeg: bytes | None
    size_px: tuple[int, int]
    time_s: float
    presence: float
    corners_px: NDArray[np.float64]


@dataclass(frozen=True)
class Summary:
    """What the passage's end said: last distance, speed over the whole track, and what it was made of."""

    motion: MotionEstimate
    first_time_s: float
    last_time_s: float
    frames: int


@dataclass(eq=False)
class PassageRecord:
    """One passage; `best` and `summary` come with its end."""

    name: str
    points: Thinned[TrackPoint] = field(default_factory=Thinned)
    published: Thinned[Published] = field(default_factory=Thinned)
    best: BestFrame | None = None
    summary: Summary | None = None


class Recorder:
    """Looks on while one recording is replayed."""

    def __init__(
        self, tracker: PassageTracker, camera: Camera | None, formats: tuple[PlateFormat, ...]
    ) -> None:
        """Wait for the first passage of a tracker with this camera file and these plate formats."""
        self.camera, self.formats = camera, formats
        self.passages: list[PassageRecord] = []
        self._tracker = tracker

    def see_report(self, report: PassageReport) -> None:
        """Take what was published."""
        if report.kind == "new":
            self.passages.append(PassageRecord(report.passage))
            for point in self._tracker.track.recent if self._tracker.track else ():
                self.passages[-1].points.add(point)
        passage = self.passages[-1]
        if report.kind == "end":
            passage.best = _best_frame(report)
            passage.summary = Summary(report.motion, report.first_time_s, report.last_time_s, report.frames)
        else:
            passage.published.add(Published(report.observation.stamp.time_s, report.motion))

    def see_frame(self, observation: PlateObservation) -> None:
        """Take the frame's corners if the tracker has taken them for the current passage's."""
        track = self._tracker.track
        if track is None or track.last_time_s != observation.stamp.time_s:
            return
        points = self.passages[-1].points
        if points.items[-1].time_s < track.last_time_s:  # those of a new passage are there already
            points.add(track.recent[-1])


def _best_frame(report: PassageReport) -> BestFrame:
    """The end report's frame as two JPEGs."""
    seen, size_m = report.observation, SIZES_M.get(report.motion.plate_format or "")
    image, corners_px = seen.frame.image, seen.plate.corners_px
    scale = min(1.0, _WIDEST_PICTURE_PX / image.shape[1])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    plate_jpeg = rectified_plate_jpeg(image, corners_px, size_m)
    size_px = seen.frame.size_px
    return BestFrame(jpeg.tobytes(), plate_jpeg, size_px, seen.stamp.time_s, seen.plate.presence, corners_px)
