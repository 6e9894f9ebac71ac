"""What happens in a clip: a calibrated camera at a gate, cars that drive up, the exact truth of every moment."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera, Intrinsics, Mount
from pipeline.errors import GateError
from pipeline.frames import CORNER_SIGNS, KMH_PER_MPS
from pipeline.post.plate_formats import PlateFormat, formats_named
from pipeline.synthetic.approach import Approach, Course
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
        approach: the first vehicle's motion.
        behind: those of vehicles that follow it in the same lane, the next one first.
        plate_format: size of the number plates.
        lane_offset_m: plate centre to the right of the camera.
        lane_centre_m: middle of the painted lane to the right of the camera.
        camera: an ideal lens (no distortion) with a mount.
        fps: frames a second.
        frame_times_s: capture times where they are not regular; None goes by `fps`.
        exposure_s: for how long each frame gathers light, centred on its time.
        night: lit by the camera's lamp and the car's.
        seed: of cars, plates, surroundings and noise.
    """

    approach: Course = field(default_factory=Approach)
    behind: tuple[Course, ...] = ()
    plate_format: PlateFormat = field(default_factory=lambda: formats_named(["eu-520x110"])[0])
    lane_offset_m: float = 0.15
    lane_centre_m: float = 0.0
    camera: Camera = field(default_factory=gate_camera)
    fps: float = 25.0
    frame_times_s: tuple[float, ...] | None = None
    exposure_s: float = 0.002
    night: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.camera.mount is None or any(self.camera.intrinsics.distortion):
            raise GateError("scenario: the camera needs a [mount] and a lens without distortion")
        if not self.fps > 0:
            raise GateError(f"scenario: fps must be positive, not {self.fps}")

    @property
    def courses(self) -> tuple[Course, ...]:
        """Of all vehicles, the first one first."""
        return (self.approach, *self.behind)

    @property
    def times_s(self) -> Array:
        """Capture time of every frame, from 0."""
        if self.frame_times_s is not None:
            return np.array(self.frame_times_s)
        return np.arange(int(self.approach.duration_s * self.fps + 1e-9) + 1) / self.fps

    def position_m(self, time_s: float, vehicle: int = 0) -> Array:
        """Origin of a vehicle's frame (below the plate's centre, on the road) in the road frame."""
        return np.array([self.lane_offset_m, self.courses[vehicle].at(time_s)[0], 0.0])

    def truth(self, time_s: float, vehicle: int = 0) -> Truth:
        """The exact state of a vehicle at a time."""
        centre = self.position_m(time_s, vehicle) + np.array([0.0, 0.0, PLATE_CENTRE_Z_M])
        half = np.array([self.plate_format.width_m, self.plate_format.height_m]) / 2
        corners_m = centre + np.insert(CORNER_SIGNS * (1, -1) * half, 1, 0.0, axis=1)
        mount = self.camera.mount
        assert mount is not None  # checked when made
        return Truth(
            time_s=float(time_s),
            vehicle=vehicle,
            corners_px=self.camera.project(self.camera.camera_from_road(corners_m)),
            range_m=float(np.linalg.norm(centre - (0, 0, mount.height_m))),
            distance_m=float(centre[1]) - mount.stop_line_m,
            speed_kmh=KMH_PER_MPS * self.courses[vehicle].at(time_s)[1],
        )

    def truths(self, time_s: float) -> list[Truth]:
        """Of every vehicle whose plate lies in the image, though a car in front may hide it; the first one first."""
        lens = self.camera.intrinsics
        size_px = np.array([lens.width, lens.height])
        found = [self.truth(time_s, vehicle) for vehicle in range(len(self.courses))]
        return [item for item in found if np.all((item.corners_px > 0) & (item.corners_px < size_px - 1))]


@dataclass(frozen=True, eq=False)
class Truth:
    """What is exactly so for one vehicle in one frame; `vehicle` counts from 0, the rest means what it does in events.

    Corners behind the camera are NaN.
    """

    time_s: float
    vehicle: int
    corners_px: Array
    range_m: float
    distance_m: float
    speed_kmh: float
