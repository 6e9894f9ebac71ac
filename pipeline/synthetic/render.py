"""Panels in space become pixels: projection, painter's order, exposure, and the sensor's faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.frames import CORNER_SIGNS
from pipeline.post.plate_formats import PlateFormat
from pipeline.synthetic.paste import mounted, warp_texture
from pipeline.synthetic.plates import PX_PER_M, draw_plate
from pipeline.synthetic.scene import Scenario, Truth
from pipeline.synthetic.sketch import Panel
from pipeline.synthetic.surroundings import empty_road, posts
from pipeline.synthetic.vehicle import LAMPS_M, PLATE_CENTRE_Z_M, car_front

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
Layer = NDArray[np.float32]

_NIGHT_ROAD, _NIGHT_CAR, _NIGHT_PLATE = 0.14, 0.30, 0.75
_LENS_BLUR_PX = 0.55
_SHUTTER_STEPS = 3  # images that one exposure is the mean of
_NEAR_M = 0.25  # nothing nearer to the lens is drawn


@dataclass(frozen=True, eq=False)
class Overlay:
    """Part of an image: `layer` (h, w, 4) float32 BGRA with colours multiplied by coverage (0 to 255), at `area`."""

    layer: Layer
    area: tuple[slice, slice]

    def cover(self, background: Layer) -> Layer:
        """A copy of `background` with this in front."""
        image = background.copy()
        image[self.area] *= 1 - self.layer[..., 3:] / np.float32(255)
        image[self.area] += self.layer[..., :3]
        return image


def frames(scenario: Scenario) -> Iterator[tuple[Image, Truth]]:
    """Render a clip frame by frame: (H, W, 3) uint8 BGR with the truth of the first vehicle."""
    rng = np.random.default_rng(scenario.seed)
    camera = scenario.camera
    lane_m = np.array([scenario.lane_centre_m, 0.0, 0.0])
    road = empty_road(rng, camera, scenario.lane_centre_m)
    background = draw_panels(camera, posts(), lane_m).cover(road)
    cars = [[*car_front(rng), plate_panel(rng, scenario.plate_format)] for _ in scenario.courses]
    if scenario.night:
        background *= np.float32(_NIGHT_ROAD)
        cars = [
            [*(dimmed(panel, _NIGHT_CAR) for panel in body), dimmed(plate, _NIGHT_PLATE)]
            for *body, plate in cars
        ]
    sensor = Sensor(rng, camera, noise=3.0 if scenario.night else 1.6)
    for time_s in scenario.times_s:
        image = background
        for vehicle in reversed(range(len(cars))):
            image = draw_car(image, scenario, time_s, vehicle, cars[vehicle])
        yield sensor.expose(image), scenario.truth(time_s)


def draw_car(image: Layer, scenario: Scenario, time_s: float, vehicle: int, panels: Sequence[Panel]) -> Layer:
    """A copy of `image` with a car in front, as one exposure sees it."""
    position_m, half = scenario.position_m(time_s, vehicle), scenario.exposure_s / 2
    overlay = draw_panels(scenario.camera, panels, position_m)
    opened, closed = (scenario.truth(time_s + shift, vehicle).corners_px for shift in (-half, half))
    drawn = moved(overlay, opened, closed).cover(image)
    if scenario.night:
        add_glare(drawn, scenario.camera, position_m + LAMPS_M)
    return drawn


def plate_panel(rng: np.random.Generator, plate_format: PlateFormat) -> Panel:
    """A drawn plate in its holder, at the origin of the vehicle frame."""
    width_m, height_m = plate_format.width_m, plate_format.height_m
    plate = draw_plate(rng, width_m, height_m)
    flat = CORNER_SIGNS * (width_m / 2, height_m / 2)  # x right, y down
    texture, outer = mounted(rng, plate, flat, PX_PER_M)
    corners = np.column_stack([outer[:, 0], np.zeros(4), PLATE_CENTRE_Z_M - outer[:, 1]])
    return Panel(texture, corners)


def draw_panels(camera: Camera, panels: Sequence[Panel], position_m: Array) -> Overlay:
    """Draw panels, given from the farthest to the nearest, whose frame has its origin at `position_m` of the road."""
    visible = [
        seen
        for panel in panels
        if (seen := in_front(camera, replace(panel, corners_m=panel.corners_m + position_m)))
    ]
    quads = [camera.project(camera.camera_from_road(panel.corners_m)) for panel in visible]
    size = camera.intrinsics.width, camera.intrinsics.height
    x, y, right, bottom = _box(np.vstack(quads), (0, 0, *size)) if quads else (0, 0, 0, 0)
    layer = np.zeros((bottom - y, right - x, 4), np.float32)
    for panel, quad in zip(visible, quads, strict=True):
        x0, y0, x1, y1 = _box(quad, (x, y, right, bottom))
        if x1 > x0 and y1 > y0:
            oversampling = 4 if x1 - x0 < 400 else 2
            new = warp_texture(panel.texture, quad - (x0, y0), (x1 - x0, y1 - y0), oversampling)
            part = layer[y0 - y : y1 - y, x0 - x : x1 - x]
            part *= 1 - new[..., 3:] / np.float32(255)
            part += new
    return Overlay(layer, (slice(y, bottom), slice(x, right)))


def in_front(camera: Camera, panel: Panel) -> Panel | None:
    """The part of a panel, given in the road frame, that is in front of the camera; None if nothing is.

    It is cut along its rows, so that a bonnet that passes under the camera goes piece by piece.
    """
    upper, lower = panel.corners_m[[0, 1]], panel.corners_m[[3, 2]]
    far, near = (float(camera.camera_from_road(edge)[:, 2].min()) for edge in (upper, lower))
    if min(far, near) >= _NEAR_M:
        return panel
    if max(far, near) <= _NEAR_M:
        return None
    rows = len(panel.texture)
    cut = round(rows * (_NEAR_M - far) / (near - far))
    first, last = (0, cut) if far > near else (cut, rows)
    if last - first < 2:
        return None
    top, bottom = (upper + row / rows * (lower - upper) for row in (first, last))
    return Panel(panel.texture[first:last], np.vstack([top, bottom[::-1]]))


def moved(overlay: Overlay, opened_px: Array, closed_px: Array) -> Overlay:
    """Average over the exposure: the image grows and shifts as the plate's corners do meanwhile."""
    travel = float(np.abs(closed_px - opened_px).max())
    if not travel > 0.02 or overlay.layer.size == 0:  # NaN: the plate is behind the camera
        return overlay
    origin = np.array([overlay.area[1].start, overlay.area[0].start])
    middle = (opened_px + closed_px) / 2
    total = np.zeros_like(overlay.layer)
    for share in (np.arange(_SHUTTER_STEPS) + 0.5) / _SHUTTER_STEPS:
        corners = opened_px + share * (closed_px - opened_px)
        motion, _ = cv2.estimateAffinePartial2D(middle - origin, corners - origin)
        size = overlay.layer.shape[1::-1]
        total += cv2.warpAffine(overlay.layer, motion, size, borderMode=cv2.BORDER_REPLICATE)
    return replace(overlay, layer=total / np.float32(_SHUTTER_STEPS))


def dimmed(panel: Panel, gain: float) -> Panel:
    """The same panel in weaker light."""
    texture = panel.texture.copy()
    texture[..., :3] = np.rint(gain * texture[..., :3]).astype(np.uint8)
    return replace(panel, texture=texture)


def add_glare(image: Layer, camera: Camera, lamps_m: Array) -> None:
    """Add the head lamps' light, core and halo, to an image."""
    height, width = image.shape[:2]
    points = camera.camera_from_road(lamps_m)
    for (x, y), depth in zip(camera.project(points), points[:, 2], strict=True):
        px_per_m = camera.intrinsics.fx / depth
        across = np.arange(width, dtype=np.float32)[None, :] - np.float32(x)
        down = np.arange(height, dtype=np.float32)[:, None] - np.float32(y)
        for power, radius_m in ((400.0, 0.045), (70.0, 0.16), (14.0, 0.5)):
            scale = np.float32(-0.5 / (radius_m * px_per_m) ** 2)
            spot = np.float32(power) * np.exp(scale * down**2) * np.exp(scale * across**2)
            image += spot[..., None]


class Sensor:
    """Lens blur, vignetting and noise; `noise` scales the noise."""

    def __init__(self, rng: np.random.Generator, camera: Camera, noise: float) -> None:
        self._rng = rng
        self._noise = noise
        width, height = camera.intrinsics.width, camera.intrinsics.height
        x, y = np.linspace(-1, 1, width), np.linspace(-1, 1, height)[:, None]
        self._vignette = (1 - 0.09 * (x**2 + y**2))[..., None].astype(np.float32)
        self._grain = rng.standard_normal((height + 64, width + 64, 3), dtype=np.float32)

    def expose(self, light: Layer) -> Image:
        """(H, W, 3) uint8 of a scene's light in grey levels."""
        image = np.asarray(cv2.GaussianBlur(light, (0, 0), _LENS_BLUR_PX), np.float32) * self._vignette
        height, width = image.shape[:2]
        top, left = self._rng.integers(0, 64, 2)  # one field of noise, looked at from elsewhere each time
        grain = self._grain[top : top + height, left : left + width]
        image += np.float32(self._noise * self._rng.choice([-1, 1])) * grain
        return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _box(points_px: Array, limits: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of the pixels that the points span, with a margin, inside `limits`."""
    x0, y0 = np.floor(points_px.min(axis=0) - 3).astype(int).tolist()
    x1, y1 = np.ceil(points_px.max(axis=0) + 4).astype(int).tolist()
    left, top, right, bottom = limits
    x0, y0 = min(max(x0, left), right), min(max(y0, top), bottom)
    return x0, y0, min(max(x1, x0), right), min(max(y1, y0), bottom)
