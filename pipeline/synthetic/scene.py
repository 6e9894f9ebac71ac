"""What happens in a clip: a calibrated camera at a gate, a car that drives up, the exact truth of every moment."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera, Intrinsics, Mount
from pipeline.errors import GateError
from pipeline.post.plate_formats import PlateFormat, formats_named
from pipeline.synthetic.approach import Approach
from pipeline.synthetic.vehicle import PLATE_CENTRE_Z_M

Array = NDArray[np.float64]


def gate_camera(width: int = 1280, height: int = 960) -> Camera:
    """A camera at 1.3 m that looks 8 degrees down, 1400 px focal length at a width of 1280, stop line at 2 m."""
    focal = 1400.0 * width / 1280
    lens = Intrinsics(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
    return Camera("gate", lens, Mount(1.3, 8.0, 0.0, 0.0, stop_line_m=2.0))


@dataclass(frozen=True)
class Scenario:
    """What happens in a clip; the same scenario always gives the same images.

    Attributes:
        approach: the vehicle's motion.
        plate_format: size of its number plate.
        lane_offset_m: plate centre to the right of the camera.
        camera: an ideal lens (no distortion) with a mount.
        fps: frames a second.
        exposure_s: for how long each frame gathers light, centred on its time.
        night: lit by the camera's lamp and the car's.
        seed: of car, plate, surroundings and noise.
    """

    approach: Approach = field(default_factory=Approach)
    plate_format: PlateFormat = field(default_factory=lambda: formats_named(["eu-520x110"])[0])
    lane_offset_m: float = 0.15
    camera: Camera = field(default_factory=gate_camera)
    fps: float = 25.0
    exposure_s: float = 0.002
    night: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.camera.mount is None or any(self.camera.intrinsics.distortion):
            raise GateError("scenario: the camera needs a [mount] and a lens without distortion")
        if not self.fps > 0:
            raise GateError(f"scenario: fps must be positive, not {self.fps}")

    @property
    def times_s(self) -> Array:
        """Capture time of every frame, from 0."""
        return np.arange(int(self.approach.duration_s * self.fps + 1e-9) + 1) / self.fps

    def position_m(self, time_s: float) -> Array:
        """Origin of the vehicle frame (below the plate's centre, on the road) in the road frame."""
        return np.array([self.lane_offset_m, self.approach.at(time_s)[0], 0.0])

    def truth(self, time_s: float) -> Truth:
        """The exact state at a time."""
        centre = self.position_m(time_s) + np.array([0.0, 0.0, PLATE_CENTRE_Z_M])
        half = np.array([self.plate_format.width_m, self.plate_format.height_m]) / 2
        signs = np.array([(-1, 1), (1, 1), (1, -1), (-1, -1)])
        corners_m = centre + np.insert(signs * half, 1, 0.0, axis=1)
        mount = self.camera.mount
        assert mount is not None  # checked when made
        return Truth(
            time_s=float(time_s),
            corners_px=self.camera.project(self.camera.camera_from_road(corners_m)),
            range_m=float(np.linalg.norm(centre - (0, 0, mount.height_m))),
            distance_m=float(centre[1]) - mount.stop_line_m,
            speed_kmh=3.6 * self.approach.at(time_s)[1],
        )


@dataclass(frozen=True, eq=False)
class Truth:
    """What is exactly so in one frame; the fields mean what they mean in the events."""

    time_s: float
    corners_px: Array
    range_m: float
    distance_m: float
    speed_kmh: float
