"""Letterboxing: a dot stays where the formula says, there and back."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.inference.letterbox import PADDING_GRAY, Letterbox

INPUT_PX = (640, 480)
SIZES_PX = [(640, 480), (1280, 960), (1920, 1080), (2592, 1944), (320, 240), (641, 359), (300, 900), (97, 53)]


def draw_dot(size_px: tuple[int, int], centre_px: tuple[float, float], sd_px: float) -> NDArray[np.uint8]:
    """A black image with a round Gaussian dot, evaluated at the pixel centres."""
    x, y = np.meshgrid(np.arange(size_px[0]), np.arange(size_px[1]))
    squared = (x - centre_px[0]) ** 2 + (y - centre_px[1]) ** 2
    gray = np.rint(255 * np.exp(-squared / (2 * sd_px**2))).astype(np.uint8)
    return np.repeat(gray[:, :, None], 3, axis=2)


def centroid(gray: NDArray[np.uint8]) -> NDArray[np.float64]:
    y, x = np.indices(gray.shape)
    weight = gray.astype(np.float64)
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def letterboxed(image: NDArray[np.uint8], input_px: tuple[int, int] = INPUT_PX) -> NDArray[np.uint8]:
    target = np.zeros((input_px[1], input_px[0], 3), np.uint8)
    Letterbox.fit((image.shape[1], image.shape[0]), input_px).draw(image, target)
    return target


@pytest.mark.parametrize("size_px", SIZES_PX)
@pytest.mark.parametrize("place", [(0.3, 0.4), (0.71, 0.55)])
def test_dot_is_found_where_the_mapping_says(size_px: tuple[int, int], place: tuple[float, float]) -> None:
    scale = min(INPUT_PX[0] / size_px[0], INPUT_PX[1] / size_px[1])
    centre_px = (place[0] * size_px[0], place[1] * size_px[1])
    gray = letterboxed(draw_dot(size_px, centre_px, sd_px=5 / scale))[:, :, 0]
    is_padding = gray == PADDING_GRAY
    in_padding = is_padding.all(axis=1)[:, None] | is_padding.all(axis=0)
    seen_px = centroid(np.where(in_padding, np.uint8(0), gray))
    box = Letterbox.fit(size_px, INPUT_PX)
    np.testing.assert_allclose(box.to_input_px(np.array(centre_px)), seen_px, atol=0.03)
    np.testing.assert_allclose(box.to_image_px(seen_px), centre_px, atol=0.03 / scale)


def test_outer_edges_of_the_image_meet_the_outer_edges_of_the_content() -> None:
    box = Letterbox.fit((1920, 1080), INPUT_PX)
    edges_px = box.to_input_px(np.array([[-0.5, -0.5], [1919.5, 1079.5]]))
    np.testing.assert_allclose(edges_px, [[-0.5, 59.5], [639.5, 419.5]], atol=1e-9)


@pytest.mark.parametrize("size_px", SIZES_PX)
def test_mapping_there_and_back_is_the_identity(size_px: tuple[int, int]) -> None:
    points = np.random.default_rng(0).uniform(-50, 3000, (4, 2))
    box = Letterbox.fit(size_px, INPUT_PX)
    np.testing.assert_allclose(box.to_image_px(box.to_input_px(points)), points, atol=1e-9)


def test_covariance_follows_a_cloud_of_points() -> None:
    rng = np.random.default_rng(1)
    cov_px2 = np.array([[4.0, 1.5], [1.5, 2.0]])
    cloud_px = rng.multivariate_normal([300.0, 200.0], cov_px2, size=200_000)
    box = Letterbox.fit((1000, 333), INPUT_PX)
    expected = np.cov(box.to_image_px(cloud_px).T)
    np.testing.assert_allclose(box.cov_to_image_px2(cov_px2[None])[0], expected, rtol=0.03)


def test_image_of_the_input_size_is_copied_unchanged() -> None:
    image = np.random.default_rng(2).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    np.testing.assert_array_equal(letterboxed(image), image)


def test_padding_is_gray_and_symmetric() -> None:
    target = letterboxed(np.zeros((100, 200, 3), np.uint8))
    is_padding = np.all(target == PADDING_GRAY, axis=(1, 2))
    assert is_padding.sum() == 160
    np.testing.assert_array_equal(is_padding, is_padding[::-1])
    assert not target[~is_padding].any()


def test_very_long_image_keeps_a_pixel_of_width() -> None:
    target = letterboxed(np.full((5000, 2, 3), 255, np.uint8))
    assert np.all(target == 255, axis=(0, 2)).sum() == 1
