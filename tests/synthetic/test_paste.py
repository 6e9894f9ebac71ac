"""Pasted plates lie exactly where they are said to lie, and take on the light of the image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.synthetic.paste import UNCHANGED, mounted, noise_level, paste_plate
from pipeline.synthetic.plates import draw_plate

WHITE_PLATE = np.full((176, 832, 4), 255, np.uint8)
QUADS = {
    "upright": [[60.3, 50.7], [180.3, 50.7], [180.3, 76.1], [60.3, 76.1]],
    "tilted": [[61.2, 48.9], [183.7, 55.3], [181.1, 83.4], [59.4, 74.2]],
    "tiny": [[80.13, 60.4], [118.62, 62.2], [118.2, 71.3], [79.9, 69.1]],
}


def quad_moments(corners: np.ndarray) -> tuple[float, np.ndarray]:
    """Area and centroid of a polygon (shoelace formula)."""
    x, y = corners.T
    x1, y1 = np.roll(corners, -1, axis=0).T
    cross = x * y1 - x1 * y
    area = cross.sum() / 2
    return area, np.array([((x + x1) * cross).sum(), ((y + y1) * cross).sum()]) / (6 * area)


def paste_white(corners: np.ndarray, blur_px: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    black = np.zeros((140, 240, 3), np.uint8)
    pasted = paste_plate(rng, black, WHITE_PLATE, corners, light=UNCHANGED, blur_px=blur_px, noise_sd=0.0)
    return pasted[..., 0] / 255.0


@pytest.mark.parametrize("name", QUADS)
def test_paste_white_plate_has_the_area_and_centroid_of_the_quad(name: str) -> None:
    corners = np.array(QUADS[name])
    cover = paste_white(corners)
    area, centroid = quad_moments(corners)
    rows, columns = np.indices(cover.shape)
    found = np.array([(columns * cover).sum(), (rows * cover).sum()]) / cover.sum()
    perimeter = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1).sum()
    assert abs(cover.sum() - area) / perimeter < 0.02  # mean shift of the edges, in pixels
    assert np.abs(found - centroid).max() < 0.02


@pytest.mark.parametrize("blur_px", [0.0, 0.8])
@pytest.mark.parametrize("name", ["upright", "tilted"])
def test_paste_each_edge_lies_on_the_quad(name: str, blur_px: float) -> None:
    """The white sum of a column above and below the middle places the upper and lower edge; rows likewise."""
    corners = np.array(QUADS[name])
    cover = paste_white(corners, blur_px)
    tl, tr, br, bl = corners
    middle = 65
    for x in range(75, 165):
        upper = tl[1] + (tr[1] - tl[1]) * (x - tl[0]) / (tr[0] - tl[0])
        lower = bl[1] + (br[1] - bl[1]) * (x - bl[0]) / (br[0] - bl[0])
        assert middle - 0.5 - cover[:middle, x].sum() == pytest.approx(upper, abs=0.05)
        assert middle - 0.5 + cover[middle:, x].sum() == pytest.approx(lower, abs=0.05)
    for y in range(60, 70):
        left = tl[0] + (bl[0] - tl[0]) * (y - tl[1]) / (bl[1] - tl[1])
        right = tr[0] + (br[0] - tr[0]) * (y - tr[1]) / (br[1] - tr[1])
        assert 119.5 - cover[y, :120].sum() == pytest.approx(left, abs=0.05)
        assert 119.5 + cover[y, 120:].sum() == pytest.approx(right, abs=0.05)


def test_paste_fine_stripes_average_to_grey() -> None:
    stripes = WHITE_PLATE.copy()
    stripes[:, ::2, :3] = 0  # far finer than the image's pixels
    corners = np.array(QUADS["tilted"])
    black = np.zeros((140, 240, 3), np.uint8)
    pasted = paste_plate(np.random.default_rng(0), black, stripes, corners, UNCHANGED, blur_px=0, noise_sd=0)
    assert np.ptp(pasted[60:70, 75:165].astype(int)) < 38  # a pixel of 7 texels holds 3 to 4 white ones
    assert pasted[60:70, 75:165].mean() == pytest.approx(127.5, abs=2)


def test_mounted_plate_stays_on_its_corners() -> None:
    corners = np.array(QUADS["tilted"])
    texture, outer = mounted(np.random.default_rng(3), WHITE_PLATE, corners, 1600)
    only_plate = texture.copy()
    only_plate[texture[..., 0] < 255] = 0
    black = np.zeros((140, 240, 3), np.uint8)
    pasted = paste_plate(np.random.default_rng(0), black, only_plate, outer, UNCHANGED, blur_px=0, noise_sd=0)
    assert np.abs(pasted[..., 0] / 255.0 - paste_white(corners)).max() < 0.05


def test_paste_leaves_its_input_and_is_the_same_for_the_same_seed() -> None:
    photo = np.random.default_rng(1).integers(60, 120, (140, 240, 3), dtype=np.uint8)
    before = photo.copy()
    plate = draw_plate(np.random.default_rng(5), 0.52, 0.11)
    corners = np.array(QUADS["tilted"])
    first, second = (paste_plate(np.random.default_rng(7), photo, plate, corners) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(photo, before)
    assert not np.array_equal(first, photo)


def test_paste_in_a_dark_image_gives_a_dark_plate() -> None:
    results = []
    for level in (40, 200):
        photo = np.full((140, 240, 3), level, np.uint8)
        pasted = paste_plate(np.random.default_rng(0), photo, WHITE_PLATE, QUADS["upright"])
        results.append(pasted[60:70, 75:165].mean())
    assert results[0] < 0.5 * results[1]


def test_paste_partly_and_wholly_outside_the_image() -> None:
    black = np.zeros((140, 240, 3), np.uint8)
    rng = np.random.default_rng(0)
    corners = np.array(QUADS["upright"])
    half = paste_plate(rng, black, WHITE_PLATE, corners - (120.3, 0), UNCHANGED, blur_px=0, noise_sd=0)
    assert half[60, :55].min() == 255
    assert half[60, 65:].max() == 0
    assert not paste_plate(rng, black, WHITE_PLATE, corners + 1000).any()


def test_noise_level_of_known_noise() -> None:
    rng = np.random.default_rng(2)
    ramp = np.linspace(60, 180, 200)[None, :, None] + np.zeros((200, 1, 3))
    noisy = ramp + rng.normal(0, 5, (200, 200, 1))  # the same in all channels, so that grey keeps its level
    assert noise_level(np.clip(noisy, 0, 255).astype(np.uint8)) == pytest.approx(5, rel=0.1)
    assert noise_level(cv2.GaussianBlur(ramp.astype(np.uint8), (0, 0), 2)) < 0.5
