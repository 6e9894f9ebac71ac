"""The tape-measure check: what the calibrated camera says about a distance that a tape has measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calib.boards import Board
from calib.camera import Camera
from calib.lens import place_board, project_board
from calib.mount import MOUNT_KEYS
from calib.plates import SeenPlate
from calib.targets import Target
from pipeline.errors import GateError
from pipeline.frames import Estimate
from pipeline.post.motion import estimate_motion
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.track_data import TrackPoint

Array = NDArray[np.float64]
Verdict = Literal["agrees", "weak", "disagrees"]

_WEAK = 0.03  # of the distance: 95 % half-width beyond which agreement proves little
_STILL_FPS = 25.0
_ONE_PLACE = 1.15  # ratio of a plate's widths in two images beyond which it is not at the same place in both


@dataclass(frozen=True)
class Tape:
    """A taped length on the road, from the point under the camera.

    Attributes:
        length_m, sd_m: what was read, with the way to the stop line if it began there, and its standard deviation.
        stop_line_m: the stop line it began at, to run along the lane; None if it began under the camera, to run
            straight to the point under what was held up.
    """

    length_m: float
    sd_m: float
    stop_line_m: float | None = None

    @property
    def along_lane(self) -> bool:
        """Whether it ran along the lane."""
        return self.stop_line_m is not None


@dataclass(frozen=True)
class Check:
    """One comparison, kept in the report.

    Attributes:
        date: when it was made, ISO 8601.
        what: the plate or the board.
        source: where it was seen.
        taped_m, tape_sd_m: the `Tape`'s length.
        estimated_m, sd_m: what the camera says, and its standard deviation.
        stop_line_m: the `Tape`'s.
    """

    date: str
    what: str
    source: str
    taped_m: float
    tape_sd_m: float
    estimated_m: float
    sd_m: float
    stop_line_m: float | None = None

    @property
    def origin_m(self) -> float:
        """Where the tape began: its zero, from the point under the camera."""
        return self.stop_line_m or 0.0

    @property
    def error_m(self) -> float:
        """Estimated minus taped."""
        return self.estimated_m - self.taped_m

    @property
    def expected_m(self) -> float:
        """95 % half-width of the error that tape and camera may have together."""
        return 1.96 * float(np.hypot(self.sd_m, self.tape_sd_m))

    @property
    def verdict(self) -> Verdict:
        """Whether the error is as small as it should be, and whether that means anything."""
        if abs(self.error_m) > self.expected_m:
            return "disagrees"
        return "weak" if self.expected_m > _WEAK * self.taped_m else "agrees"

    @property
    def text(self) -> str:
        """The verdict for people."""
        where, of_what = (
            ("", "")
            if self.stop_line_m is None
            else (" from the stop line", " of the distance from the camera")
        )
        figures = (
            f"at {self.taped_m - self.origin_m:.2f} m{where} the camera says {self.estimated_m - self.origin_m:.2f} m: "
            f"error {100 * self.error_m:+.1f} cm ({100 * self.error_m / self.taped_m:+.1f} %{of_what}), expected "
            f"within ±{100 * self.expected_m:.1f} cm"
        )
        advice = {
            "agrees": "The calibration holds here.",
            "weak": "It agrees, but the expected error is so large that this proves little: take several images of the "
            "place, a nearer one, or measure the mount better.",
            "disagrees": "It does not agree: measure again, check that the camera was not moved and that the image "
            "size is the calibrated one, then calibrate again.",
        }
        return f"{figures}. {advice[self.verdict]}"


def check_plate(
    camera: Camera,
    plates: Sequence[SeenPlate],
    plate_format: PlateFormat,
    tape: Tape,
    date: str,
) -> Check:
    """Compare a plate that stands still in one or several images.

    Raises:
        GateError: the camera file has no mount, the plate did not stand still, or the estimator gives no distance.
    """
    _require_one_place(plates)
    points = [
        TrackPoint(i / _STILL_FPS, plate.corners_px, plate.corner_cov_px2) for i, plate in enumerate(plates)
    ]
    estimate = estimate_motion(points, camera, [plate_format])
    if estimate.distance_m is None:
        raise GateError(
            f"check: no distance could be given for the plate in {plates[0].name} ({estimate.quality}); check that "
            f"it is a plate of format {plate_format.name}, whole and sharp in the image"
        )
    names = plates[0].name if len(plates) == 1 else f"{plates[0].name} and {len(plates) - 1} more"
    value, sd = _as_taped(camera, estimate.distance_m, plates, tape)
    return Check(date, plate_format.name, names, tape.length_m, tape.sd_m, value, sd, tape.stop_line_m)


def check_board(camera: Camera, target: Target, board: Board, tape: Tape, date: str) -> Check:
    """Compare a board that stands or lies on the road, its lower edge at the taped place.

    Raises:
        GateError: the camera file has no mount.
    """
    value, by_corners = _board_distance(camera, target, tape.along_lane)
    moved = [
        _board_distance(item, target, tape.along_lane)[0] - value
        for item in [*camera.one_sd_lenses(), *_one_sd_mounts(camera)]
    ]
    sd = float(np.sqrt(by_corners**2 + sum(move**2 for move in moved)))
    return Check(date, board.describe(), target.name, tape.length_m, tape.sd_m, value, sd, tape.stop_line_m)


def _require_one_place(plates: Sequence[SeenPlate]) -> None:
    widths_px = [float(np.ptp(plate.corners_px[:, 0])) for plate in plates]
    far, near = int(np.argmin(widths_px)), int(np.argmax(widths_px))
    if widths_px[near] > _ONE_PLACE * widths_px[far]:
        raise GateError(
            f"check: the plate is at different places: {widths_px[far]:.0f} px wide in {plates[far].name} and "
            f"{widths_px[near]:.0f} px in {plates[near].name}; give images of one place"
        )


def _as_taped(
    camera: Camera, distance: Estimate, plates: Sequence[SeenPlate], tape: Tape
) -> tuple[float, float]:
    """The estimator's distance, which is along the lane from the stop line, as the tape ran; and its sd."""
    mount, known = camera.require_mount(), camera.uncertainty
    along_m = distance.value + mount.stop_line_m
    variance = distance.sd**2 - (known.stop_line_m or 0.0) ** 2
    stretch = 1.0
    if not tape.along_lane:
        ray = np.mean([camera.unproject(plate.corners_px) for plate in plates], axis=(0, 1))
        right, ahead, _ = camera.road_from_camera(np.append(ray, 1.0))
        # The lane's direction decides what is across and what along, and not how far the plate is.
        variance -= (along_m * right / ahead * np.radians(known.lane_yaw_deg or 0.0)) ** 2
        stretch = float(np.hypot(right, ahead) / ahead)
    return along_m * stretch, stretch * float(np.sqrt(max(variance, 1e-6)))


def _board_distance(camera: Camera, target: Target, along_lane: bool) -> tuple[float, float]:
    """Distance of a target's origin along the lane or straight along the road, and its sd from the corners alone."""
    place, _ = place_board(target.corners_px, target.points_m, camera.intrinsics)
    jacobian = project_board(target.points_m, place, camera.intrinsics)[1][:, :6]
    covariance = np.linalg.inv(jacobian.T @ jacobian) * float(target.covariances_px2[0, 0, 0])
    flat = camera.road_from_camera(np.vstack([place.shift, np.eye(3), np.zeros(3)]))[:, :2]
    line = np.array([0.0, 1.0]) if along_lane else flat[0] / np.linalg.norm(flat[0])
    slope = (flat[1:4] - flat[4]) @ line
    return float(flat[0] @ line), float(np.sqrt(slope @ covariance[3:, 3:] @ slope))


def _one_sd_mounts(camera: Camera) -> list[Camera]:
    mount = camera.require_mount()
    shifts = {key: getattr(camera.uncertainty, key) for key in MOUNT_KEYS}
    return [
        replace(camera, mount=replace(mount, **{key: getattr(mount, key) + sd}))
        for key, sd in shifts.items()
        if sd
    ]
