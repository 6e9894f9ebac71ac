"""What a camera file holds: the lens, the mount, and how well both are known."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOST_HEIGHT_M = 30.0  # of a camera above the road; more is a number in centimetres, or a mistake

_Positive = Annotated[float, Meta(gt=0)]
_Height = Annotated[float, Meta(gt=0, le=MOST_HEIGHT_M)]
_Pixels = Annotated[int, Meta(ge=1)]
_Angle = Annotated[float, Meta(ge=-89, le=89)]
_Sd = Annotated[float, Meta(ge=0)]
_RowTime = Annotated[float, Meta(ge=0, le=1e-3)]


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole and lens in pixels of the native image size; distortion is OpenCV's k1, k2, p1, p2, k3.

    `row_time_s` is how much later each image row is captured than the one above it (rolling shutter); a frame's
    time is then that of its first row. 0 is a global shutter.
    """

    width: _Pixels
    height: _Pixels
    fx: _Positive
    fy: _Positive
    cx: float
    cy: float
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    row_time_s: _RowTime = 0.0

    @property
    def matrix(self) -> Array:
        """The (3, 3) camera matrix."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class Mount:
    """How the camera hangs over the road.

    Attributes:
        height_m: camera centre above the road.
        pitch_deg: positive when the camera looks down.
        roll_deg: positive when the scene appears turned clockwise (the horizon's right end is lower).
        lane_yaw_deg: direction of the lane against the optical axis, seen from above, positive when the
            lane runs to the right of the axis.
        stop_line_m: distance of the stop line along the lane from the road point under the camera;
            0 when there is none.
    """

    height_m: _Height
    pitch_deg: _Angle
    roll_deg: _Angle
    lane_yaw_deg: _Angle
    stop_line_m: float = 0.0

    @property
    def camera_from_road(self) -> Array:
        """(3, 3) rotation that takes a direction in the road frame into the camera frame.

        It is roll * pitch * (the road axes, seen by a level camera that faces where the optical axis does).
        """
        pitch, roll, yaw = np.radians([self.pitch_deg, self.roll_deg, self.lane_yaw_deg])
        level_from_road = np.array(
            [[math.cos(yaw), math.sin(yaw), 0.0], [0.0, 0.0, -1.0], [-math.sin(yaw), math.cos(yaw), 0.0]]
        )
        pitched = np.array(
            [
                [1.0, 0.0, 0.0],
                [0.0, math.cos(pitch), -math.sin(pitch)],
                [0.0, math.sin(pitch), math.cos(pitch)],
            ]
        )
        rolled = np.array(
            [[math.cos(roll), -math.sin(roll), 0.0], [math.sin(roll), math.cos(roll), 0.0], [0.0, 0.0, 1.0]]
        )
        return rolled @ pitched @ level_from_road


@dataclass(frozen=True)
class Uncertainty:
    """Standard deviations in the units of the quantities; None for what the calibration could not measure.

    `time_s` is that of a frame's capture time; without it the source of the time stamps tells.
    """

    fx: _Sd | None = None
    fy: _Sd | None = None
    cx: _Sd | None = None
    cy: _Sd | None = None
    distortion: tuple[_Sd, _Sd, _Sd, _Sd, _Sd] | None = None
    height_m: _Sd | None = None
    pitch_deg: _Sd | None = None
    roll_deg: _Sd | None = None
    lane_yaw_deg: _Sd | None = None
    stop_line_m: _Sd | None = None
    time_s: _Sd | None = None


def one_sd_lenses(lens: Intrinsics, sd: Uncertainty) -> list[Intrinsics]:
    """`lens` with one quantity after the other moved by its standard deviation.

    fx and fy move together: a calibration finds their ratio far better than their common scale. If only
    one of them has a standard deviation, the other moves by the same ratio.
    """
    ratios = [(sd.fx or 0.0) / lens.fx, (sd.fy or 0.0) / lens.fy]
    x, y = ratios[0] or ratios[1], ratios[1] or ratios[0]
    shifted = [replace(lens, fx=lens.fx * (1 + x), fy=lens.fy * (1 + y))] if x else []
    shifted += [replace(lens, cx=lens.cx + sd.cx)] if sd.cx else []
    shifted += [replace(lens, cy=lens.cy + sd.cy)] if sd.cy else []
    for index, shift in enumerate(sd.distortion or ()):
        if shift:
            moved = np.array(lens.distortion)
            moved[index] += shift
            shifted.append(replace(lens, distortion=tuple(moved.tolist())))
    return shifted
