"""USB cameras through Video4Linux (OpenCV)."""

from __future__ import annotations

import time

import cv2
import numpy as np

from pipeline.capture.live import Connection
from pipeline.capture.source import SourceLost
from pipeline.capture.timeline import Timeline
from pipeline.frames import DropReason, Frame, TimeSource


class UsbConnection(Connection):
    """One opening of a V4L2 device.

    Times are the driver's capture times where OpenCV passes them on (marked `pts`), else the moment of
    arrival on the host's monotonic clock, taken before the image is converted (marked `arrival`). The first
    frame decides for the whole epoch, as the clocks never mix. UTC is the host's at arrival.
    """

    def __init__(self, device: int | str, timeline: Timeline) -> None:
        self._device = device
        self._timeline = timeline
        self._capture: cv2.VideoCapture | None = None
        self._time_source: TimeSource | None = None

    def open(self) -> None:
        """Opens the device."""
        self._capture = cv2.VideoCapture(self._device, cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise SourceLost("the device is missing, busy or not a camera")

    def read(self) -> Frame | None:
        """Waits for the driver's next buffer."""
        assert self._capture is not None, "read before open"
        if not self._capture.grab():
            raise SourceLost("the device gives no more frames")
        arrival_s, utc_s = time.monotonic(), time.time()
        driver_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if self._time_source is None:
            self._time_source = "pts" if driver_s > 0 else "arrival"
        time_s = driver_s if self._time_source == "pts" else arrival_s
        decoded, image = self._capture.retrieve()
        if not decoded:
            self._timeline.skip(DropReason.UNDECODABLE)
            return None
        stamp = self._timeline.stamp(time_s, self._time_source, utc_s)
        return None if stamp is None else Frame(stamp, np.asarray(image, np.uint8))

    def close(self) -> None:
        """Releases the device."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None
