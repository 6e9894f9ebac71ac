"""The calibrated camera: read and write camera.toml, pixels to rays and back, road frame to camera frame.

Frames, all right-handed and in metres:

- camera: OpenCV's. Origin at the camera centre, x right, y down, z forward along the optical axis.
- road: origin on the road under the camera, X right, Y along the lane away from the camera, Z up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import tomli_w
from numpy.typing import ArrayLike, NDArray

from calib.camera_parts import Intrinsics, Mount, Uncertainty, one_sd_lenses
from pipeline.errors import GateError
from pipeline.files import read_image, read_toml, write_whole

__all__ = ["Camera", "Intrinsics", "Mount", "Uncertainty"]

Array = NDArray[np.float64]
_LEAST_FOCAL = 0.1  # of the longer side: 157 degrees across, which no lens of this model shows
_UNDISTORT_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-12)


@dataclass(frozen=True)
class Camera:
    """A calibrated camera; `mount` is None where only the lens is known."""

    camera_id: str
    intrinsics: Intrinsics
    mount: Mount | None = None
    uncertainty: Uncertainty = field(default_factory=Uncertainty)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Camera:
        """Read camera.toml.

        Raises:
            GateError: the file is missing, is not TOML, or a key is missing, unknown or out of range.
        """
        data = read_toml(path, "camera file")
        if data.pop("format", None) != 1:
            raise GateError(f"{path}: format: must be 1 (the only camera file format this version knows)")
        _check_keys(path, data)
        try:
            camera = msgspec.convert(data, cls)
        except msgspec.ValidationError as error:
            message, _, where = str(error).partition(" - at ")
            key = where.strip("`").removeprefix("$.") or "camera file"
            raise GateError(f"{path}: {key}: {message}") from error
        _check_focal_length(path, camera.intrinsics)
        return camera

    def save(self, path: Path) -> None:
        """Write camera.toml, whole or not at all; what is None is left out.

        Raises:
            GateError: it cannot be written there.
        """
        content = {"format": 1} | _without_none(asdict(self))
        write_whole(path, "camera file", tomli_w.dumps(content).encode())

    def require_image_size(self, width: int, height: int) -> None:
        """Refuse images of another size than the calibration's.

        Raises:
            GateError: the sizes differ.
        """
        calibrated = (self.intrinsics.width, self.intrinsics.height)
        if (width, height) != calibrated:
            raise GateError(
                f"camera {self.camera_id}: the image is {width}x{height} but the camera file was made for "
                f"{calibrated[0]}x{calibrated[1]}; calibrate at the size that is used"
            )

    @property
    def has_stop_line(self) -> bool:
        """Whether one was given; without one `stop_line_m` is 0 and has no standard deviation."""
        return self.mount is not None and (
            self.mount.stop_line_m != 0 or self.uncertainty.stop_line_m is not None
        )

    def require_mount(self) -> Mount:
        """The mount.

        Raises:
            GateError: the camera file has none.
        """
        if self.mount is None:
            raise GateError(
                f"camera {self.camera_id}: the camera file has no [mount], so the road is unknown; run "
                "`python -m calib mount`"
            )
        return self.mount

    def read_image(self, path: Path) -> NDArray[np.uint8]:
        """The image (height, width, 3) BGR in a file, of the calibration's size.

        Raises:
            GateError: it is no image, or of another size.
        """
        image = read_image(path)
        if image is None:
            raise GateError(f"{path}: not a readable image")
        self.require_image_size(image.shape[1], image.shape[0])
        return image

    def project(self, points_m: ArrayLike) -> Array:
        """Pixels (..., 2) of points (..., 3) in the camera frame; NaN where not in front of the camera."""
        points = np.asarray(points_m, dtype=np.float64)
        flat = points.reshape(-1, 1, 3)
        pixels, _ = cv2.projectPoints(
            flat, np.zeros(3), np.zeros(3), self.intrinsics.matrix, np.array(self.intrinsics.distortion)
        )
        pixels = pixels.reshape(-1, 2)
        pixels[flat[:, 0, 2] <= 0] = np.nan
        return np.asarray(pixels.reshape(*points.shape[:-1], 2), dtype=np.float64)

    def unproject(self, pixels: ArrayLike) -> Array:
        """Rays (..., 2) as x/z, y/z in the camera frame, lens distortion removed, of pixels (..., 2)."""
        array = np.asarray(pixels, dtype=np.float64)
        lens = self.intrinsics
        if not any(lens.distortion):
            return (array - (lens.cx, lens.cy)) / (lens.fx, lens.fy)
        flat = np.ascontiguousarray(array.reshape(-1, 1, 2))
        rays = cv2.undistortPoints(flat, lens.matrix, np.array(lens.distortion), criteria=_UNDISTORT_STOP)
        return np.asarray(rays.reshape(array.shape), dtype=np.float64)

    def camera_from_road(self, points_m: ArrayLike) -> Array:
        """Points (..., 3) of the road frame in the camera frame.

        Raises:
            GateError: the camera file has no [mount].
        """
        mount = self.require_mount()
        return (np.asarray(points_m) - (0.0, 0.0, mount.height_m)) @ mount.camera_from_road.T

    def road_from_camera(self, points_m: ArrayLike) -> Array:
        """Points (..., 3) of the camera frame in the road frame.

        Raises:
            GateError: the camera file has no [mount].
        """
        mount = self.require_mount()
        return np.asarray(points_m) @ mount.camera_from_road + (0.0, 0.0, mount.height_m)

    def one_sd_lenses(self) -> list[Camera]:
        """Copies of this camera, each with one uncertain quantity of the lens larger by its standard deviation."""
        return [replace(self, intrinsics=lens) for lens in one_sd_lenses(self.intrinsics, self.uncertainty)]


def _check_keys(path: Path, data: dict[str, Any]) -> None:
    """Refuse unknown keys and numbers that are not finite.

    Raises:
        GateError: names the file and the key.
    """
    tables = {"intrinsics": Intrinsics, "mount": Mount, "uncertainty": Uncertainty}
    known = {item.name for item in fields(Camera)}
    for key, value in data.items():
        if key not in known:
            raise GateError(f"{path}: {key}: unknown key; known: format, {', '.join(sorted(known))}")
        if key not in tables or not isinstance(value, dict):
            continue
        allowed = [item.name for item in fields(tables[key])]
        for name, number in value.items():
            if name not in allowed:
                raise GateError(f"{path}: {key}.{name}: unknown key; known: {', '.join(allowed)}")
            for item in number if isinstance(number, list) else [number]:
                if isinstance(item, float) and not math.isfinite(item):
                    raise GateError(f"{path}: {key}.{name}: must be a finite number")


def _check_focal_length(path: Path, lens: Intrinsics) -> None:
    """Refuse one in another unit, which is far too short.

    Raises:
        GateError: names the file and the key.
    """
    least_px = _LEAST_FOCAL * max(lens.width, lens.height)
    for key in ("fx", "fy"):
        if getattr(lens, key) < least_px:
            raise GateError(
                f"{path}: intrinsics.{key}: {getattr(lens, key):g} px is too short for an image of {lens.width}x"
                f"{lens.height}, at least {least_px:g}; give it in pixels, not in millimetres"
            )


def _without_none(table: dict[str, Any]) -> dict[str, Any]:
    """`table` and its sub-tables without the keys that have no value, and without empty sub-tables."""
    cleaned = {
        key: _without_none(value) if isinstance(value, dict) else value for key, value in table.items()
    }
    return {key: value for key, value in cleaned.items() if value is not None and value != {}}
