"""The second look answers in native pixels, sees the plate at its canonical width, and does not change the subject."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.config import ModelConfig
from pipeline.errors import GateError
from pipeline.frames import PlateLocation
from pipeline.inference.locator import PlateLocator
from pipeline.inference.looks import SeveralLooks
from pipeline.inference.plate_shape import without_stray_corner
from pipeline.inference.second_look import (
    CROP_PX,
    PLATE_SHARE,
    Region,
    SecondLook,
    closest_of,
    refined,
)
from pipeline.inference.start_session import open_session
from tests.inference.test_locator import draw_plate, outer_corners_px
from tests.inference.test_plate_shape import OBLIQUE_PX
from tests.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> ModelConfig:
    """A stand-in network that takes images of any size."""
    path = write_tiny_model(tmp_path_factory.mktemp("model") / "open.onnx", "height", "width")
    return ModelConfig(path=path, provider="cpu", cpu_threads=1)


@pytest.fixture(scope="module")
def second_look(config: ModelConfig) -> SeveralLooks:
    return SeveralLooks(
        PlateLocator(open_session(config)), [SecondLook(open_session(config, input_size_px=CROP_PX))]
    )


@pytest.mark.parametrize(
    ("size_px", "plate"),
    [
        ((640, 480), (100, 200, 204, 222)),
        ((1920, 1080), (1500, 900, 1760, 955)),
        ((1920, 1080), (0, 0, 180, 60)),
        ((1280, 960), (1180, 930, 1280, 960)),
        ((640, 480), (20, 100, 620, 240)),
        ((320, 240), (140, 110, 172, 118)),
    ],
)
def test_corners_come_back_in_native_pixels(
    second_look: SeveralLooks, size_px: tuple[int, int], plate: tuple[int, int, int, int]
) -> None:
    (location,) = second_look.locate([draw_plate(size_px, *plate)])
    crop_scale = CROP_PX[0] * PLATE_SHARE / (plate[2] - plate[0])
    np.testing.assert_allclose(location.corners_px, outer_corners_px(*plate), atol=0.3 / crop_scale)


def test_several_images_of_mixed_sizes_keep_their_order(second_look: SecondLook) -> None:
    plates = [(40 + 9 * index, 60, 120 + 9 * index, 81) for index in range(6)]
    sizes = [(640, 480), (800, 600), (400, 300), (1280, 720), (320, 240), (640, 480)]
    images = [draw_plate(size, *plate) for size, plate in zip(sizes, plates, strict=True)]
    for location, plate in zip(second_look.locate(images), plates, strict=True):
        np.testing.assert_allclose(location.corners_px, outer_corners_px(*plate), atol=0.3)


def test_region_is_the_plate_with_its_context_and_stays_inside_of_the_image() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    region = Region.around(outer_corners_px(300, 200, 400, 222), image)
    assert region.pixels.shape == (120, 160, 3)
    assert region.origin_px == (270, 151)
    at_border = Region.around(outer_corners_px(600, 460, 640, 470), image)
    assert at_border.pixels.shape == (48, 64, 3) and at_border.origin_px == (576, 432)
    larger_than_image = Region.around(outer_corners_px(10, 100, 630, 240), image)
    assert larger_than_image.pixels.shape == image.shape and larger_than_image.origin_px == (0, 0)


NOTHING = PlateLocation(0.0, np.zeros((4, 2)), np.zeros((4, 2, 2)))
"""A first look that is sure that there is no plate."""


@pytest.fixture
def look_for_large_ones(config: ModelConfig) -> SecondLook:
    return SecondLook(open_session(config, input_size_px=CROP_PX))


@pytest.mark.parametrize("size_px", [(640, 480), (1920, 1440), (480, 640)])
def test_plate_too_large_for_the_first_look_is_found_at_half_the_size(
    look_for_large_ones: SecondLook, size_px: tuple[int, int]
) -> None:
    left, right = size_px[0] // 10, 9 * size_px[0] // 10
    plate = (left, 100, right, 100 + (right - left) // 4)
    (location,) = look_for_large_ones.refine([draw_plate(size_px, *plate)], [NOTHING])
    assert location.presence == 1.0
    np.testing.assert_allclose(location.corners_px, outer_corners_px(*plate), atol=1.5)


def test_smaller_plate_that_the_first_look_does_not_see_is_left_to_it(
    look_for_large_ones: SecondLook,
) -> None:
    images = [draw_plate((640, 480), 100, 200, 350, 250), np.zeros((480, 640, 3), np.uint8)]
    locations = look_for_large_ones.refine(images, [NOTHING, NOTHING])
    assert [location.presence for location in locations] == [0.0, 0.0]


def test_answer_about_something_else_is_not_taken() -> None:
    corners = outer_corners_px(100, 100, 200, 120)
    first = PlateLocation(0.9, corners, np.tile(np.eye(2), (4, 1, 1)))
    near = PlateLocation(0.2, corners + 3, np.tile(0.1 * np.eye(2), (4, 1, 1)))
    far = PlateLocation(1.0, corners + 40, np.tile(0.1 * np.eye(2), (4, 1, 1)))
    assert refined(first, corners, far) is first
    assert refined(first, corners, near).presence == 0.9
    assert refined(first, corners, near).corners_px is near.corners_px
    assert refined(first, corners, near).corner_cov_px2 is first.corner_cov_px2


def test_plate_of_which_a_corner_went_astray_has_the_presence_of_the_look_that_saw_it_whole() -> None:
    seen = OBLIQUE_PX.copy()
    seen[0] += (190.0, -270.0)
    first = PlateLocation(0.2, seen, np.tile(np.eye(2), (4, 1, 1)))
    second = PlateLocation(0.95, OBLIQUE_PX, np.tile(np.eye(2), (4, 1, 1)))
    assert refined(first, without_stray_corner(seen), second).presence == 0.95
    elsewhere = PlateLocation(0.95, OBLIQUE_PX + 60, second.corner_cov_px2)
    assert refined(first, without_stray_corner(seen), elsewhere) is first


LEFT, RIGHT = (40, 300, 140, 324), (500, 310, 580, 330)
"""Two plates in view, the left one the closer."""


@pytest.mark.parametrize("of_the_right", [[1, 2], [0, 3], [2], [0, 2]])
def test_corners_on_two_plates_become_those_of_the_closer_one(
    look_for_large_ones: SecondLook, of_the_right: list[int]
) -> None:
    image = np.maximum(draw_plate((640, 480), *LEFT), draw_plate((640, 480), *RIGHT))
    seen = outer_corners_px(*LEFT)
    seen[of_the_right] = outer_corners_px(*RIGHT)[of_the_right]
    first = PlateLocation(0.6, seen, np.tile(np.eye(2), (4, 1, 1)))
    (location,) = look_for_large_ones.refine([image], [first])
    np.testing.assert_allclose(location.corners_px, outer_corners_px(*LEFT), atol=0.3)
    assert location.presence == 1.0


def test_corners_on_several_things_stay_where_none_of_them_is_a_plate(
    look_for_large_ones: SecondLook,
) -> None:
    seen = outer_corners_px(*LEFT)
    seen[[1, 2]] = outer_corners_px(*RIGHT)[[1, 2]]
    first = PlateLocation(0.6, seen, np.tile(np.eye(2), (4, 1, 1)))
    (location,) = look_for_large_ones.refine([np.zeros((480, 640, 3), np.uint8)], [first])
    assert location is first


def test_closest_of_several_answers_is_the_widest_of_the_likely_ones() -> None:
    def answer(presence: float, width_px: float) -> PlateLocation:
        corners_px = outer_corners_px(100, 100, 100 + width_px, 100 + width_px / 4)
        return PlateLocation(presence, corners_px, np.tile(np.eye(2), (4, 1, 1)))

    near, far, unlikely, no_plate = answer(0.5, 80), answer(0.9, 40), answer(0.3, 160), answer(0.01, 90)
    assert closest_of([far, near, unlikely, no_plate]) is near
    torn = PlateLocation(1.0, OBLIQUE_PX[[0, 2, 1, 3]], near.corner_cov_px2)
    assert closest_of([torn, far]) is far
    assert closest_of([torn, no_plate]) is None


def test_interrupt_ends_the_look(look_for_large_ones: SecondLook) -> None:
    look_for_large_ones.interrupt()
    with pytest.raises(GateError, match="terminate"):
        look_for_large_ones.refine([draw_plate((640, 480), 100, 200, 204, 222)], [NOTHING])


def test_file_of_a_fixed_size_says_what_to_do(tiny_model: Path) -> None:
    with pytest.raises(GateError, match=r"640x480, not 320x240.*switch the look off"):
        open_session(ModelConfig(path=tiny_model, provider="cpu"), input_size_px=CROP_PX)
