"""Pictures with what was found drawn in: the plate's corners with their uncertainty, distance and speed."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.files import PartFile
from pipeline.frames import Estimate, MotionEstimate, PassageReport, PlateLocation

Image = NDArray[np.uint8]

OUTLINE_BGR, CORNER_BGR, FAINT_BGR = (0, 230, 60), (30, 60, 255), (150, 150, 150)
CLOCK_HZ = 90_000
SUBPIXEL_BITS = 4
CHI2_95 = 5.9915
"""95 % quantile of the chi-square distribution with two degrees of freedom."""


def draw_location(image: Image, location: PlateLocation, threshold: float) -> Image:
    """A copy of the image with the plate's outline and the 95 % ellipse of each corner; grey below the threshold."""
    drawn = image.copy()
    present = location.presence >= threshold
    thickness = max(1, round(image.shape[1] / 640))
    outline = np.round(location.corners_px * 2**SUBPIXEL_BITS).astype(np.int32)
    colour = OUTLINE_BGR if present else FAINT_BGR
    cv2.polylines(drawn, [outline], True, colour, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
    for corner, covariance in zip(location.corners_px, location.corner_cov_px2, strict=True):
        _draw_ellipse(drawn, corner, covariance, CORNER_BGR if present else FAINT_BGR)
    _write(drawn, f"presence {location.presence:.3f}", line=0)
    return drawn


def draw_report(image: Image, report: PassageReport | None) -> None:
    """Write the passage's name, distance and speed into the image; nothing without a passage."""
    if report is None:
        return
    _write(image, f"{report.passage}  {report.motion.motion}  {report.motion.quality}", line=1)
    _write(image, _numbers(report.motion), line=2)


def _numbers(motion: MotionEstimate) -> str:
    def text(estimate: Estimate | None, unit: str, decimals: int) -> str:
        if estimate is None:
            return f"- {unit}"
        return (
            f"{estimate.value:.{decimals}f} +-{(estimate.ci95[1] - estimate.ci95[0]) / 2:.{decimals}f} {unit}"
        )

    return f"distance {text(motion.distance_m, 'm', 2)}   speed {text(motion.speed_kmh, 'km/h', 1)}"


def _draw_ellipse(
    image: Image, centre: NDArray[np.float64], covariance: NDArray[np.float64], colour: tuple[int, int, int]
) -> None:
    """The 95 % ellipse of a corner, at least 2 px in radius so that it can be seen."""
    variances, directions = np.linalg.eigh(covariance)
    radii = np.maximum(np.sqrt(CHI2_95 * np.maximum(variances, 0)), 2.0)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    points = centre + np.column_stack((np.cos(angles), np.sin(angles))) * radii @ directions.T
    outline = np.round(points * 2**SUBPIXEL_BITS).astype(np.int32)
    cv2.polylines(image, [outline], True, colour, 1, cv2.LINE_AA, SUBPIXEL_BITS)


def _write(image: Image, text: str, line: int) -> None:
    """A line of white text on a darkened strip, the first line at the top."""
    scale = image.shape[1] / 1100
    height = round(28 * scale)
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.7 * scale, 1)
    strip = image[line * height : (line + 1) * height, : width + round(20 * scale)]
    strip[:] = strip // 4
    place = (round(10 * scale), line * height + round(20 * scale))
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.7 * scale, (255, 255, 255), 1, cv2.LINE_AA)


class ClipWriter:
    """Writes images with their presentation times as an H.264 video (MP4).

    The file appears under its name when the `with` block ends well.
    """

    def __init__(self, path: Path) -> None:
        """Open `<path>.part`.

        Raises:
            GateError: the file cannot be written.
        """
        self._whole = PartFile(path, "video")
        # "file:" so that a colon in a file's name is not taken for a protocol.
        self._container = av.open(f"file:{self._whole.part}", "w", format="mp4")
        self._stream: av.VideoStream | None = None
        self._last_pts = -1

    def write(self, image: Image, time_s: float) -> None:
        """Append an image (height, width, 3) uint8 BGR; an image of another size is scaled to the first one's.

        Raises:
            GateError: the disk is full or failed.
        """
        stream = self._stream or self._add_stream(image)
        picture = av.VideoFrame.from_ndarray(image, format="bgr24")
        if (picture.width, picture.height) != (stream.width, stream.height):
            picture = picture.reformat(stream.width, stream.height)
        self._last_pts = max(round(time_s * CLOCK_HZ), self._last_pts + 1)
        picture.pts, picture.time_base = self._last_pts, Fraction(1, CLOCK_HZ)
        try:
            self._container.mux(stream.encode(picture))
        except OSError as error:
            raise self._whole.error(error) from error

    def _add_stream(self, image: Image) -> av.VideoStream:
        stream = self._container.add_stream("libx264", rate=25)
        stream.height, stream.width = (side - side % 2 for side in image.shape[:2])
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, CLOCK_HZ)
        stream.options = {"crf": "21", "preset": "veryfast", "threads": "1"}
        self._stream = stream
        return stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None or self._stream is None:
            self._discard()
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
        except OSError as failure:
            self._discard()
            raise self._whole.error(failure) from failure
        self._whole.finish()

    def _discard(self) -> None:
        with contextlib.suppress(OSError):  # as on a full disk
            self._container.close()
        self._whole.discard()
