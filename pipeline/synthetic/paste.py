"""Put a drawn plate into an image so that its edge is where it is said to be, and so that it looks at home.

`paste_plate` warps and blends; `mounted` adds a holder and a shadow around a plate before that.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Corners = NDArray[np.float64]
Colour = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Light:
    """How black (0) and white (255) of a texture come out in the image, each (3,) float BGR in 0 to 255."""

    black: NDArray[np.float64]
    white: NDArray[np.float64]


UNCHANGED = Light(np.zeros(3), np.full(3, 255.0))


def paste_plate(
    rng: np.random.Generator,
    image: Image,
    plate_bgra: Image,
    corners_px: Corners,
    light: Light | None = None,
    blur_px: float | None = None,
    noise_sd: float | None = None,
) -> Image:
    """Warp a plate onto four corners of an image.

    The plate's outer edge, texture coordinates -0.5 to W - 0.5 (pixel centres at integers), lands on the
    quad: there the coverage is one half. Minification averages over areas, so nothing aliases.

    Args:
        rng: source of what is not given.
        image: (H, W, 3) uint8 BGR; it is left as it is.
        plate_bgra: (h, w, 4) uint8 texture.
        corners_px: (4, 2) TL, TR, BR, BL; they may lie outside the image.
        light: illumination; None takes it from the image around the quad, with some jitter.
        blur_px: Gaussian blur of the plate; None draws 0 to 0.9 px.
        noise_sd: noise on the plate in grey levels; None measures that of the surroundings.

    Returns:
        A new image.
    """
    corners_px = np.asarray(corners_px, np.float64)
    blur_px = rng.uniform(0.0, 0.9) if blur_px is None else blur_px
    area = _area_around(corners_px, image.shape, margin_px=3 + 3 * blur_px)
    out = image.copy()
    patch = out[area]
    if patch.size == 0:
        return out
    light = light_around(image, corners_px, rng) if light is None else light
    noise_sd = noise_level(patch) if noise_sd is None else noise_sd

    origin = np.array([area[1].start, area[0].start], np.float64)
    layer = warp_texture(plate_bgra, corners_px - origin, (patch.shape[1], patch.shape[0]))
    if blur_px > 0.05:
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), blur_px), np.float32)
    cover = layer[..., 3:] / np.float32(255.0)
    slope = ((light.white - light.black) / 255.0).astype(np.float32)
    lit = layer[..., :3] * slope + light.black.astype(np.float32) * cover
    if noise_sd > 0:
        lit += cover * rng.normal(0.0, noise_sd, patch.shape).astype(np.float32)
    patch[:] = np.clip(np.rint(patch * (1 - cover) + lit), 0, 255).astype(np.uint8)
    return out


def warp_texture(
    texture: Image, corners_px: Corners, size_px: tuple[int, int], oversampling: int = 4
) -> NDArray[np.float32]:
    """Warp a BGRA texture onto `corners_px` of an empty image of `size_px` (width, height).

    Returns:
        (H, W, 4) float32 in 0 to 255, colours multiplied by coverage; means over each pixel.
    """
    texture = _shrunk(texture, corners_px * oversampling)
    height, width = texture.shape[:2]
    fine = (corners_px + 0.5) * oversampling - 0.5
    homography = cv2.getPerspectiveTransform(_edge(width, height), fine.astype(np.float32))
    fine_size = size_px[0] * oversampling, size_px[1] * oversampling
    warped = cv2.warpPerspective(texture, homography, fine_size, flags=cv2.INTER_LINEAR, borderValue=(0,) * 4)
    return cv2.resize(warped, size_px, interpolation=cv2.INTER_AREA).astype(np.float32)


def mounted(
    rng: np.random.Generator,
    plate_bgra: Image,
    corners_px: Corners,
    px_per_m: float,
    holder: Colour | None = None,
) -> tuple[Image, Corners]:
    """Add a holder (3 to 25 mm beyond the plate's edge) and a soft shadow.

    Args:
        rng: source of its size and of the shadow.
        plate_bgra: (h, w, 4) uint8 texture of the plate.
        corners_px: (4, 2) where the plate shall come.
        px_per_m: resolution of the texture.
        holder: BGR colour; None is dark or chrome, or in a quarter of the cases a shadow alone.

    Returns:
        The larger texture, and its own outer corners: the plate inside still lands on `corners_px`.
    """
    height, width = plate_bgra.shape[:2]
    side, top, bottom = (round(px_per_m * mm / 1000) for mm in rng.uniform((3, 3, 5), (12, 10, 25)))
    pad = round(0.03 * px_per_m)
    left = pad + side
    canvas = np.zeros((height + 2 * pad + top + bottom, width + 2 * left, 4), np.uint8)
    frame = cv2.rectangle(
        np.zeros(canvas.shape[:2], np.uint8),
        (pad, pad),
        (canvas.shape[1] - pad - 1, canvas.shape[0] - pad - 1),
        255,
        -1,
    )
    drop = np.array([[1, 0, 0], [0, 1, 0.3 * pad]])
    shadow = cv2.GaussianBlur(cv2.warpAffine(frame, drop, frame.shape[::-1]), (0, 0), 0.3 * pad)
    canvas[..., 3] = (rng.uniform(0.2, 0.7) * shadow).astype(np.uint8)
    if holder is None and rng.random() < 0.75:
        holder = _dark_or_chrome(rng)
    if holder is not None:
        canvas[frame > 0] = (*holder, 255)
    plate_area = slice(pad + top, pad + top + height), slice(left, left + width)
    cover = plate_bgra[..., 3:].astype(np.uint16)
    under = canvas[plate_area].astype(np.uint16)
    over = np.dstack([plate_bgra[..., :3], np.full((height, width), 255, np.uint8)]).astype(np.uint16)
    canvas[plate_area] = ((over * cover + under * (255 - cover)) // 255).astype(np.uint8)

    rows, columns = canvas.shape[:2]
    outer = _edge(columns, rows) - np.array([left, pad + top], np.float32)
    to_image = cv2.getPerspectiveTransform(_edge(width, height), np.asarray(corners_px, np.float32))
    return canvas, np.asarray(cv2.perspectiveTransform(outer[:, None], to_image)[:, 0], np.float64)


def light_around(image: Image, corners_px: Corners, rng: np.random.Generator) -> Light:
    """Illumination that suits a plate at `corners_px`, from percentiles inside and around the quad."""
    near = image[_area_around(corners_px, image.shape, 0.5 * float(np.ptp(corners_px[:, 1])))].reshape(-1, 3)
    inside = image[_area_around(corners_px, image.shape, 0.0)].reshape(-1, 3)
    if inside.size == 0:
        return UNCHANGED
    bright_inside, bright_near = (np.percentile(part.mean(axis=1), 95) for part in (inside, near))
    white = np.clip(max(bright_inside, 0.7 * bright_near) * rng.uniform(0.85, 1.2), 60, 255)
    black = min(0.6 * np.percentile(near.mean(axis=1), 2) * rng.uniform(0.3, 1.2), 0.4 * white)
    tint = near.mean(axis=0) + 20.0
    tint = 1 + 0.3 * np.clip(tint / tint.mean() - 1, -0.3, 0.3)
    return Light(np.full(3, black), np.clip(white * tint, 0, 255))


def noise_level(image: Image) -> float:
    """Standard deviation of the noise in grey levels (Immerkaer 1996; by median, as edges must not count)."""
    if min(image.shape[:2]) < 3:
        return 0.0
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    residual = np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel)[1:-1, 1:-1])
    return float(np.median(residual) / (0.6745 * 6.0))


def _shrunk(texture: Image, corners_px: Corners) -> Image:
    """The texture with colours multiplied by coverage, area-averaged to about the quad's size."""
    alpha = texture[..., 3]
    cover = cv2.merge([alpha, alpha, alpha, np.full_like(alpha, 255)])
    premultiplied = cv2.multiply(texture, cover, scale=1 / 255)
    sides = np.linalg.norm(np.roll(corners_px, -1, axis=0) - corners_px, axis=1)
    wanted = np.ceil([max(sides[0], sides[2]), max(sides[1], sides[3])])
    size = [max(1, min(have, int(want))) for have, want in zip(texture.shape[1::-1], wanted, strict=True)]
    return np.asarray(cv2.resize(premultiplied, size, interpolation=cv2.INTER_AREA), np.uint8)


def _edge(width: int, height: int) -> NDArray[np.float32]:
    """(4, 2) outer edge of an image of that size, in its own pixels (centres at integers)."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - np.float32(0.5)


def _area_around(corners_px: Corners, shape: tuple[int, ...], margin_px: float) -> tuple[slice, slice]:
    """Rows and columns of the image that a quad and a margin around it touch; empty if they lie outside."""
    low = np.floor(corners_px.min(axis=0) - margin_px).astype(int)
    high = np.ceil(corners_px.max(axis=0) + margin_px).astype(int) + 1
    x0, x1 = np.clip([low[0], high[0]], 0, shape[1])
    y0, y1 = np.clip([low[1], high[1]], 0, shape[0])
    return slice(int(y0), int(y1)), slice(int(x0), int(x1))


def _dark_or_chrome(rng: np.random.Generator) -> Colour:
    level = int(rng.integers(15, 60) if rng.random() < 0.75 else rng.integers(140, 230))
    return level, level, level
