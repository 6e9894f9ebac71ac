"""The gate without a vehicle: road with lines and kerb, sky, trees, a building, posts. Drawn once a clip."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.synthetic.sketch import Panel, Sketch
from pipeline.synthetic.wear import smooth_noise

Layer = NDArray[np.float64]

LANE_HALF_WIDTH_M = 1.6
_WHITE, _KERB, _GRASS = (205, 206, 206), (150, 152, 154), (52, 84, 74)


def empty_road(rng: np.random.Generator, camera: Camera, lane_centre_m: float = 0.0) -> NDArray[np.float32]:
    """(H, W, 3) float32 BGR, 0 to 255: ground and distance as `camera` sees them on an overcast day.

    `lane_centre_m` is how far to the right of the camera the middle of the lane lies.
    """
    lens = camera.intrinsics
    columns, rows = np.meshgrid(np.arange(lens.width), np.arange(lens.height))
    rays = camera.unproject(np.stack([columns, rows], axis=-1))
    eye = camera.road_from_camera(np.zeros(3))
    towards = camera.road_from_camera(np.dstack([rays, np.ones(rows.shape)])) - eye
    across, along, up = np.moveaxis(towards, -1, 0)
    far = _distance(rng, np.arctan2(across, along), up / along)
    reach = eye[2] / np.maximum(-up, 1e-3)
    ground = _ground(rng, across * reach - lane_centre_m, along * reach, reach / lens.fx, camera)
    haze = np.clip(along * reach / 70.0, 0, 0.8)[..., None]
    ground = ground * (1 - haze) + np.array((196, 192, 186)) * haze
    horizon = np.clip(0.5 - up * lens.fy, 0, 1)[..., None]
    return (far * (1 - horizon) + ground * horizon).astype(np.float32)


def posts() -> list[Panel]:
    """Gate furniture beside the lane, x from its middle, farthest first."""
    panels = []
    for x, y in ((-2.05, 9.5), (2.05, 9.5), (-2.05, 7.0), (2.05, 7.0)):
        post = Sketch(x - 0.08, x + 0.08, 0.0, 1.0, 200)
        post.body(
            post.mask([(x - 0.05, 0.96), (x + 0.05, 0.96), (x + 0.05, 0), (x - 0.05, 0)], 0, 0), (70, 72, 74)
        )
        for level in (0.55, 0.8):
            band = [(x - 0.05, level + 0.1), (x + 0.05, level + 0.1), (x + 0.05, level), (x - 0.05, level)]
            post.paint(post.mask(band, 0, 0), (60, 190, 230))
        panels.append(_lit_from_left(post, x, 0.05).upright(y))
    x = -2.35
    housing = Sketch(x - 0.25, x + 0.25, 0.0, 1.15, 300)
    outline = [(x - 0.19, 1.1), (x + 0.19, 1.1), (x + 0.19, 0), (x - 0.19, 0)]
    housing.body(housing.mask(outline, 0, 0), (170, 172, 172))
    slot = [(x - 0.1, 0.95), (x + 0.1, 0.95), (x + 0.1, 0.75), (x - 0.1, 0.75)]
    housing.paint(housing.mask(slot, 0, 0), (40, 38, 36))
    panels.append(_lit_from_left(housing, x, 0.19).upright(5.6))
    return panels


def _lit_from_left(sketch: Sketch, centre_x: float, half_width: float) -> Sketch:
    x, _ = sketch.grid_m()
    sketch.shade((0.85 - 0.35 * np.clip((x - centre_x) / half_width, -1, 1)).astype(np.float32))
    return sketch


def _ground(rng: np.random.Generator, x: Layer, y: Layer, texel_m: Layer, camera: Camera) -> Layer:
    """Colours at road points (x, y), x from the lane's middle; a pixel spans `texel_m` across the viewing direction."""
    grain = rng.standard_normal((1024, 1024)).astype(np.float32)
    tone = 98.0 + 0.0 * x
    for cell_m, strength in ((0.012, 15.0), (0.05, 6.0), (0.4, 4.0), (1.7, 6.0)):
        sample = cv2.remap(
            grain,
            np.mod(x / cell_m, 1024).astype(np.float32),
            np.mod(y / cell_m, 1024).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )
        tone += strength * np.minimum(1.0, (cell_m / (2.5 * texel_m)) ** 1.5) * sample
    wheel_tracks = np.exp(-(((np.abs(x - 0.2) - 0.75) / 0.28) ** 2))
    tone -= 9.0 * wheel_tracks
    colour = tone[..., None] * np.array((1.0, 1.0, 1.01))
    footprint_y = texel_m * np.maximum(y, 1.0) / 1.3

    def cover(distance: Layer, half: float, footprint: Layer) -> Layer:
        return np.clip((half - np.abs(distance)) / footprint + 0.5, 0, 1)[..., None]

    worn = np.clip(0.8 + 0.012 * (tone - 98.0), 0.4, 1)[..., None]
    for line in (-LANE_HALF_WIDTH_M, LANE_HALF_WIDTH_M):
        colour = _over(colour, 0.85 * worn * cover(x - line, 0.06, texel_m), _WHITE)
    if camera.mount is not None and camera.mount.stop_line_m > 0:
        across = cover(x, LANE_HALF_WIDTH_M, texel_m)
        stop = cover(y - camera.mount.stop_line_m + 0.15, 0.15, footprint_y)
        colour = _over(colour, 0.85 * worn * across * stop, _WHITE)
    beside = np.clip((np.abs(x) - 1.95) / texel_m + 0.5, 0, 1)[..., None]
    joints = cover(np.mod(y, 0.8) - 0.4, 0.01, footprint_y)
    slabs = np.array(_KERB) * (0.9 + 0.004 * (tone - 98.0))[..., None] * (1 - 0.35 * joints)
    colour = _over(colour, beside, slabs)
    colour = _over(colour, cover(np.abs(x) - 1.95, 0.06, texel_m), (112, 113, 114))
    lawn = np.clip((np.abs(x) - 4.2) / texel_m + 0.5, 0, 1)[..., None]
    return _over(colour, lawn, np.array(_GRASS) * (0.9 + 0.012 * (tone - 98.0))[..., None])


def _distance(rng: np.random.Generator, azimuth: Layer, slope: Layer) -> Layer:
    """Sky, trees and a building by direction; `slope` is the tangent of the elevation."""
    white = np.clip(slope / 0.35, 0, 1)[..., None]
    colour = np.array((226, 221, 214)) * (1 - white) + np.array((206, 188, 168)) * white
    clouds = smooth_noise(rng, slope.shape, 7)
    colour = colour + 7.0 * clouds[..., None]
    leaves = smooth_noise(rng, slope.shape, 190) + smooth_noise(rng, slope.shape, 60)
    profile = 0.085 + 0.022 * np.sin(9 * azimuth + 1.0) + 0.014 * np.sin(31 * azimuth) + 0.006 * leaves
    foliage = np.array((58, 78, 68)) * (0.95 + 0.16 * leaves - 1.5 * (profile - slope - 0.04))[..., None]
    colour = _over(colour, np.clip((profile - slope) / 0.004, 0, 1)[..., None], foliage)
    wall = (azimuth > 0.12) & (azimuth < 0.60) & (slope < 0.135)
    pane_x, pane_y = np.mod(azimuth - 0.12, 0.06) / 0.06, np.mod(slope, 0.045) / 0.045
    pane = wall & (np.abs(pane_x - 0.5) < 0.28) & (np.abs(pane_y - 0.5) < 0.3)
    colour = _over(colour, _soft(wall), (158, 168, 178))
    glass = np.array((104, 96, 88)) + 18.0 * clouds[..., None]
    return _over(colour, _soft(pane), glass)


def _soft(inside: NDArray[np.bool_]) -> Layer:
    return np.asarray(cv2.GaussianBlur(inside.astype(np.float64), (0, 0), 1.2), np.float64)[..., None]


def _over(below: Layer, cover: Layer, colour: Layer | tuple[int, ...]) -> Layer:
    return below + cover * (np.asarray(colour) - below)
