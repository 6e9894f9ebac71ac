"""What can be one plate's image, and what is done about corners that cannot."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.inference.plate_shape import is_plate_shaped, plates_at, without_stray_corner
from tests.inference.test_locator import outer_corners_px

OBLIQUE_PX = np.array([[100.0, 100.0], [180.0, 112.0], [184.0, 138.0], [98.0, 121.0]])


@pytest.mark.parametrize("stray", range(4))
@pytest.mark.parametrize("direction_deg", range(0, 360, 30))
@pytest.mark.parametrize("distance_px", [110.0, 400.0])
def test_stray_corner_is_put_back_near_its_place(
    stray: int, direction_deg: float, distance_px: float
) -> None:
    seen, angle = OBLIQUE_PX.copy(), np.deg2rad(direction_deg)
    seen[stray] += distance_px * np.array([np.cos(angle), np.sin(angle)])
    np.testing.assert_allclose(without_stray_corner(seen), OBLIQUE_PX, atol=12)
    assert without_stray_corner(OBLIQUE_PX) is OBLIQUE_PX


@pytest.mark.parametrize("height_px", [18, 25, 50, 130])
def test_plates_of_all_formats_have_the_shape_of_one(height_px: float) -> None:
    assert is_plate_shaped(outer_corners_px(100, 100, 200, 100 + height_px))
    assert is_plate_shaped(OBLIQUE_PX)


@pytest.mark.parametrize("borrowed", [[1, 2], [0, 3], [0, 1], [2, 3], [0, 2]])
def test_corners_of_two_plates_have_not(borrowed: list[int]) -> None:
    for shift in ([300.0, 5.0], [-260.0, -40.0], [20.0, 200.0]):
        corners = OBLIQUE_PX.copy()
        corners[borrowed] += shift
        assert not is_plate_shaped(corners)


def test_corners_in_a_wrong_order_have_not() -> None:
    assert not is_plate_shaped(OBLIQUE_PX[::-1])
    assert not is_plate_shaped(OBLIQUE_PX[[0, 2, 1, 3]])
    assert not is_plate_shaped(np.zeros((4, 2)))


def test_supposed_plates_have_the_given_corner_each() -> None:
    plates = plates_at(OBLIQUE_PX, 120.0)
    for number, plate in enumerate(plates):
        np.testing.assert_allclose(plate[number], OBLIQUE_PX[number])
        np.testing.assert_allclose(plate[2] - plate[0], [120.0, 30.0])
        assert is_plate_shaped(plate)
