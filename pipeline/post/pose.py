"""Pose of a plate from its four corners in one frame: both branches of the planar ambiguity.

The plate's own frame: origin at its centre, x right and y down as it is read, z away from its reader.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.post.plate_formats import PlateFormat
from pipeline.post.track_data import areas

Array = NDArray[np.float64]


_NUDGE: Array = np.array([[1e-7, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
"""Moves one corner by a ten-thousandth of a pixel: enough to leave the branching point, nothing to the refined pose."""


@dataclass(frozen=True, eq=False)
class PlatePose:
    """One candidate pose.

    Attributes:
        rotation: (3, 3), takes directions of the plate's frame into the camera frame.
        centre_m: (3,), plate centre in the camera frame.
        error_px: root mean square distance between the projected and the observed corners.
    """

    rotation: Array
    centre_m: Array
    error_px: float


def plate_corners_m(plate_format: PlateFormat) -> Array:
    """(4, 3) corners TL, TR, BR, BL in the plate's frame."""
    x, y = plate_format.width_m / 2, plate_format.height_m / 2
    return np.array([[-x, -y, 0.0], [x, -y, 0.0], [x, y, 0.0], [-x, y, 0.0]])


def plate_poses(corners_px: Array, camera: Camera, plate_format: PlateFormat) -> list[PlatePose]:
    """Both planar poses, each refined, lower reprojection error first.

    The lower error is not the better pose: noise of a pixel swaps the two branches at small yaw.
    `SOLVEPNP_IPPE` (Collins and Bartoli 2014) is right only with the object's z axis away from the camera.

    Args:
        corners_px: (4, 2), TL, TR, BR, BL.
        camera: lens, distortion included.
        plate_format: size of the plate.

    Returns:
        At most two poses. A pose that is not in front of the camera and facing it is left out; none is left
        when the corners are those of no plate (mirrored, crossed or collapsed).
    """
    corners_m = plate_corners_m(plate_format)
    rays = camera.unproject(corners_px)
    if not np.isfinite(rays).all() or areas(rays[None])[0] <= 0:
        return []
    branches = _branches(corners_m, rays) or _branches(corners_m, rays + _NUDGE)
    poses = [_refined(turn, shift, corners_m, rays, corners_px, camera) for turn, shift in branches]
    return sorted((pose for pose in poses if _faces_camera(pose)), key=lambda pose: pose.error_px)


def _branches(corners_m: Array, rays: Array) -> list[tuple[MatLike, MatLike]]:
    """Rotation vector and centre of each branch; none where OpenCV gives no finite numbers.

    A plate seen exactly square on is the branching point of the two poses: there OpenCV takes the root of a number
    that should be 0 and that rounding may have made negative.
    """
    _, turns, shifts, _ = cv2.solvePnPGeneric(corners_m, rays, np.eye(3), None, flags=cv2.SOLVEPNP_IPPE)
    pairs = zip(turns, shifts, strict=True)
    return [(turn, shift) for turn, shift in pairs if np.isfinite(turn).all() and np.isfinite(shift).all()]


def _refined(
    turn: MatLike, shift: MatLike, corners_m: Array, rays: Array, corners_px: Array, camera: Camera
) -> PlatePose:
    """Least squares on the reprojection error, from one branch."""
    turn, shift = cv2.solvePnPRefineLM(corners_m, rays, np.eye(3), None, turn.copy(), shift.copy())
    rotation = np.asarray(cv2.Rodrigues(turn)[0], dtype=np.float64)
    centre = np.asarray(shift, dtype=np.float64).reshape(3)
    misses = camera.project(corners_m @ rotation.T + centre) - corners_px
    return PlatePose(rotation, centre, float(np.sqrt(np.mean(np.sum(misses**2, axis=1)))))


def _faces_camera(pose: PlatePose) -> bool:
    """The plate lies in front of the camera and its front is turned to it."""
    return bool(
        pose.centre_m[2] > 0 and pose.rotation[:, 2] @ pose.centre_m > 0 and np.isfinite(pose.error_px)
    )
