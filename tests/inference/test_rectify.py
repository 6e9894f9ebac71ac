"""The rectified view shows four given corners as one rectangle, and what it tells can be brought back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.inference.rectify import (
    INPUT_PX,
    PLATE_PX,
    jacobians,
    rectification,
    rectified,
    target_corners_px,
    transform_points,
)

OBLIQUE_PX = np.array([[900.3, 410.8], [1013.1, 433.9], [1010.7, 470.2], [898.2, 440.5]])


def test_given_corners_become_the_rectangle_to_a_hundredth_of_a_pixel() -> None:
    np.testing.assert_allclose(
        transform_points(rectification(OBLIQUE_PX), OBLIQUE_PX), target_corners_px(), atol=0.01
    )


def test_rectangle_is_in_the_middle_of_the_view() -> None:
    corners = target_corners_px()
    np.testing.assert_allclose(corners.mean(axis=0), (np.array(INPUT_PX) - 1) / 2)
    np.testing.assert_allclose(corners[2] - corners[0], PLATE_PX)


@pytest.mark.parametrize("corners", [OBLIQUE_PX[::-1], OBLIQUE_PX[[0, 2, 1, 3]], np.zeros((4, 2))])
def test_corners_that_are_no_plates_are_refused(corners: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="convex"):
        rectification(corners)


def test_derivatives_are_those_of_the_mapping() -> None:
    homography, step = rectification(OBLIQUE_PX), 1e-5
    numeric = np.stack(
        [
            (
                transform_points(homography, OBLIQUE_PX + move)
                - transform_points(homography, OBLIQUE_PX - move)
            )
            / (2 * step)
            for move in np.eye(2) * step
        ],
        axis=-1,
    )
    np.testing.assert_allclose(jacobians(homography, OBLIQUE_PX), numeric, rtol=1e-5)


@pytest.mark.parametrize("width_px", [60.0, 300.0, 900.0])
def test_a_spot_is_where_the_homography_says(width_px: float) -> None:
    """Gaussian spots on a turned rectangle, of which the view shows less, about as much and half of the pixels."""
    turn = np.array([[0.99, 0.1], [-0.1, 0.99]])
    quad = np.array([[-0.5, -0.2], [0.5, -0.2], [0.5, 0.2], [-0.5, 0.2]]) * width_px @ turn + (640.3, 480.6)
    sd_px = width_px / 40
    y, x = np.mgrid[:960, :1280]
    for spot in quad.mean(axis=0) + np.array([[0.0, 0.0], [0.2, 0.05]]) * width_px:
        image = np.rint(250 * np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / (2 * sd_px**2)))
        view, homography = rectified(np.repeat(image[..., None], 3, axis=2).astype(np.uint8), quad)
        weight = view[..., 0].astype(float)
        rows, columns = np.mgrid[: view.shape[0], : view.shape[1]]
        seen = np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()
        np.testing.assert_allclose(seen, transform_points(homography, spot[None])[0], atol=0.05)


@pytest.mark.parametrize("width_px", [60.0, 128.0, 700.0])
def test_an_edge_is_where_the_homography_says(width_px: float) -> None:
    """A white quadrilateral, drawn exactly, at less, the same and far more than the view's resolution."""
    size = np.array([width_px, width_px / 3])
    corners = np.array([150.25, 90.5]) + np.array([[0, 0], [1, 0.1], [1.02, 1.1], [0.01, 1]]) * size
    finer = 8  # drawn at eight times the resolution and averaged, so that edges are right to a few hundredths
    large = np.zeros((500 * finer, 1100 * finer), np.uint8)
    cv2.fillPoly(large, [np.rint((corners + 0.5) * finer - 0.5).astype(int)], 255)
    grey = cv2.resize(large, (1100, 500), interpolation=cv2.INTER_AREA)[:, :, None].repeat(3, axis=2)
    view, _ = rectified(grey, corners)
    middle_row = view[INPUT_PX[1] // 2, :, 0].astype(float) / 255
    middle_column = view[:, INPUT_PX[0] // 2, 0].astype(float) / 255
    assert middle_row.sum() == pytest.approx(PLATE_PX[0], abs=1.0)
    assert middle_column.sum() == pytest.approx(PLATE_PX[1], abs=1.0)
    left_edge = np.interp(0.5, middle_row[: INPUT_PX[0] // 2], np.arange(INPUT_PX[0] // 2))
    assert left_edge == pytest.approx(target_corners_px()[0, 0], abs=0.6)


@pytest.mark.parametrize("width_px", [60.0, 500.0])
def test_the_view_does_not_depend_on_how_much_more_the_image_shows(width_px: float) -> None:
    rng = np.random.default_rng(5)
    size = np.array([width_px, width_px / 3])
    corners = np.array([320.25, 290.5]) + np.array([[0, 0], [1, 0.1], [1.02, 1.1], [0.01, 1]]) * size
    image = cv2.GaussianBlur(rng.integers(0, 256, (760, 1200, 3), np.uint8), (0, 0), 2)
    beyond = cv2.copyMakeBorder(image, 240, 160, 320, 80, cv2.BORDER_CONSTANT, value=(0, 0, 255))
    view, _ = rectified(image, corners)
    same, _ = rectified(beyond, corners + np.array([320, 240]))
    assert np.abs(view.astype(int) - same.astype(int)).max() <= 1


def test_a_view_that_reaches_beyond_the_image_repeats_its_border() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    image[:, :150] = 200
    corners = np.array([[-40.0, 60.0], [160.0, 60.0], [160.0, 140.0], [-40.0, 140.0]])
    view, homography = rectified(image, corners)
    edge = transform_points(homography, np.array([[149.5, 100.0]]))[0, 0]
    assert (view[:, : int(edge) - 2] == 200).all()
    assert (view[:, int(edge) + 3 :] == 0).all()
