from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.events.crop import MARGIN_PX, rectified_plate_jpeg

EU_PLATE_M = (0.52, 0.11)
# A view from the right and above; none of the sides is parallel to the image's.
OBLIQUE_PX = np.array([[150.3, 120.6], [340.7, 141.2], [338.1, 190.4], [152.9, 161.5]])


def smooth_pattern(u, v):
    """A (n, m, 3) picture of the unit square that shows every shift along u and v."""
    return np.stack([127 + 110 * np.sin(9 * u + 2 * v), 255 * u, 127 + 110 * np.cos(6 * v - 3 * u)], axis=-1)


def shift_px(picture, expected):
    """(x, y) by which `picture` is shifted against `expected`, by least squares over the pictures' gradients."""
    gradients = np.stack(
        [-np.gradient(expected, axis=1).ravel(), -np.gradient(expected, axis=0).ravel()], axis=1
    )
    return np.linalg.lstsq(gradients, (picture - expected).ravel(), rcond=None)[0]


def plate_coordinates(corners, x, y):
    """Position (u, v) on the plate of image points, by the homography solved from its definition."""
    rows, rhs = [], []
    for (px, py), (u, v) in zip(corners, [(0, 0), (1, 0), (1, 1), (0, 1)], strict=True):
        rows += [[px, py, 1, 0, 0, 0, -u * px, -u * py], [0, 0, 0, px, py, 1, -v * px, -v * py]]
        rhs += [u, v]
    h = np.append(np.linalg.solve(np.array(rows), np.array(rhs)), 1).reshape(3, 3)
    u, v, w = np.tensordot(h, np.stack([x, y, np.ones_like(x)]), 1)
    return u / w, v / w


def scene(corners, width=640, height=480):
    """An image whose every pixel shows the pattern at its place on the plate's plane."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    return np.clip(np.rint(smooth_pattern(*plate_coordinates(corners, x, y))), 0, 255).astype(np.uint8)


def decoded(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(float)


@pytest.mark.parametrize("scale", [1.0, 2.6], ids=["enlarged", "reduced"])
def test_crop_shows_the_plate_from_the_front(scale):
    corners = OBLIQUE_PX * scale
    crop = decoded(rectified_plate_jpeg(scene(corners, 1000, 600), corners, EU_PLATE_M))
    assert crop.shape == (88 + 2 * MARGIN_PX, 416 + 2 * MARGIN_PX, 3)
    plate = crop[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
    v, u = (np.mgrid[0:88, 0:416] + 0.5) / np.array([88, 416])[:, None, None]
    expected = smooth_pattern(u, v)
    assert np.abs(plate - expected).mean() < 1.5
    assert np.abs(shift_px(plate, expected)).max() < 0.1


def test_crop_of_a_large_plate_averages_detail_too_fine_to_show():
    image = np.zeros((400, 1400, 3), np.uint8)
    image[:, ::2] = 200
    corners = np.array([[50.0, 50], [1250, 50], [1250, 304], [50, 304]])
    crop = decoded(rectified_plate_jpeg(image, corners, EU_PLATE_M))
    assert np.abs(crop - 100).max() < 40


def test_crop_margin_shows_the_surroundings():
    corners = np.array([[100.0, 100], [200, 100], [200, 121], [100, 121]])
    image = np.full((300, 300, 3), 255, np.uint8)
    image[100:122, 100:201] = 0
    crop = decoded(rectified_plate_jpeg(image, corners, EU_PLATE_M))
    assert crop[:4].mean() > 200 and crop[:, :4].mean() > 200
    assert crop[MARGIN_PX + 4 : -MARGIN_PX - 4, MARGIN_PX + 4 : -MARGIN_PX - 4].mean() < 20


def test_crop_without_size_takes_the_aspect_ratio_from_the_corners():
    corners = np.array([[100.0, 100], [200, 100], [200, 150], [100, 150]])
    crop = decoded(rectified_plate_jpeg(scene(corners), corners))
    assert crop.shape[:2] == (88 + 2 * MARGIN_PX, 176 + 2 * MARGIN_PX)


def test_crop_is_the_same_bytes_each_time():
    image = scene(OBLIQUE_PX)
    crops = {rectified_plate_jpeg(image, OBLIQUE_PX, EU_PLATE_M) for _ in range(3)}
    assert len(crops) == 1 and crops.pop().startswith(b"\xff\xd8")


def test_crop_leaves_the_image_alone():
    image = scene(OBLIQUE_PX)
    before = image.copy()
    image.setflags(write=False)
    rectified_plate_jpeg(image, OBLIQUE_PX, EU_PLATE_M)
    assert np.array_equal(image, before)


@pytest.mark.parametrize(
    "corners",
    [
        np.full((4, 2), np.nan),
        np.full((4, 2), 50.0),
        [[10, 10], [50, 10], [90, 10], [130, 10]],
        [[10, 10], [130, 10], [130, 12], [10, 12]],
        [[10, 40], [130, 40], [130, 10], [10, 10]],
        [[10, 10], [130, 40], [130, 10], [10, 40]],
        [[10, 10], [130, 10], [30, 15], [10, 40]],
        [[-30, 10], [90, 10], [90, 40], [-30, 40]],
        [[560, 450], [639, 450], [639, 490], [560, 490]],
    ],
    ids=["nan", "point", "line", "sliver", "mirrored", "crossed", "concave", "left of image", "below image"],
)
def test_crop_of_no_plate_is_none(corners):
    assert rectified_plate_jpeg(scene(OBLIQUE_PX), np.array(corners, float), EU_PLATE_M) is None
