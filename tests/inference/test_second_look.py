"""The second look answers in native pixels, sees the plate at its canonical width, and does not change the subject."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.config import ModelConfig
from pipeline.errors import GateError
from pipeline.frames import PlateLocation
from pipeline.inference.locator import PlateLocator
from pipeline.inference.second_look import CROP_PX, PLATE_SHARE, Region, SecondLook, refined
from pipeline.inference.session import open_session
from tests.inference.test_locator import draw_plate, outer_corners_px
from tests.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> ModelConfig:
    """A stand-in network that takes images of any size."""
    path = write_tiny_model(tmp_path_factory.mktemp("model") / "open.onnx", "height", "width")
    return ModelConfig(path=path, provider="cpu", cpu_threads=1)


@pytest.fixture(scope="module")
def second_look(config: ModelConfig) -> SecondLook:
    return SecondLook(PlateLocator(open_session(config)), open_session(config, input_size_px=CROP_PX))


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
    second_look: SecondLook, size_px: tuple[int, int], plate: tuple[int, int, int, int]
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


class Nothing:
    """A locator that is sure that there is no plate, wherever its corners are."""

    def locate(self, images: Sequence[NDArray[np.uint8]]) -> list[PlateLocation]:
        return [PlateLocation(0.0, np.zeros((4, 2)), np.zeros((4, 2, 2))) for _ in images]

    def interrupt(self) -> None:
        raise AssertionError("not called here")


def test_image_without_a_plate_is_not_looked_at_again(config: ModelConfig) -> None:
    session = open_session(config, input_size_px=CROP_PX)
    session.interrupt()  # whatever runs now fails
    (location,) = SecondLook(Nothing(), session).locate([np.zeros((480, 640, 3), np.uint8)])
    assert location.presence == 0.0


def test_answer_about_something_else_is_not_taken() -> None:
    corners = outer_corners_px(100, 100, 200, 120)
    first = PlateLocation(0.9, corners, np.tile(np.eye(2), (4, 1, 1)))
    near = PlateLocation(0.2, corners + 3, np.tile(0.1 * np.eye(2), (4, 1, 1)))
    far = PlateLocation(1.0, corners + 40, np.tile(0.1 * np.eye(2), (4, 1, 1)))
    assert refined(first, far) is first
    assert refined(first, near).presence == 0.9
    assert refined(first, near).corners_px is near.corners_px
    assert refined(first, near).corner_cov_px2 is first.corner_cov_px2


def test_interrupt_reaches_both_looks(config: ModelConfig) -> None:
    look = SecondLook(PlateLocator(open_session(config)), open_session(config, input_size_px=CROP_PX))
    look.interrupt()
    with pytest.raises(GateError, match="terminate"):
        look.locate([draw_plate((640, 480), 100, 200, 204, 222)])


def test_file_of_a_fixed_size_says_what_to_do(tiny_model: Path) -> None:
    with pytest.raises(GateError, match=r"640x480, not 320x240.*second look off"):
        open_session(ModelConfig(path=tiny_model, provider="cpu"), input_size_px=CROP_PX)
