"""The rectified look makes corners exact, says how sure it is in the image's pixels, and never makes up a plate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.config import ModelConfig
from pipeline.errors import GateError
from pipeline.frames import PlateLocation
from pipeline.inference.looks import SeveralLooks, open_rectified_look
from pipeline.inference.rectified_look import FURTHEST_PX, RectifiedLook, corrected
from pipeline.inference.rectify import INPUT_PX, rectification, target_corners_px, transform_points
from pipeline.inference.session import CornerOutput
from tests.inference.test_locator import draw_plate, outer_corners_px
from tests.tiny_model import write_tiny_model

UNIT = np.tile(np.eye(2), (4, 1, 1))


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> RectifiedLook:
    """With a stand-in network, which finds the white rectangle of a view."""
    path = write_tiny_model(
        tmp_path_factory.mktemp("model") / "view.onnx", height=INPUT_PX[1], width=INPUT_PX[0]
    )
    return open_rectified_look(ModelConfig(rectified_path=path, provider="cpu", cpu_threads=1))


def given(corners_px: NDArray[np.float64], presence: float = 0.9) -> PlateLocation:
    return PlateLocation(presence, corners_px, UNIT)


@pytest.mark.parametrize("plate", [(100, 200, 204, 222), (20, 30, 72, 61), (60, 100, 560, 300)])
def test_wrong_corners_become_exact(look: RectifiedLook, plate: tuple[int, int, int, int]) -> None:
    true_px = outer_corners_px(*plate)
    width_px, height_px = true_px[2] - true_px[0]
    moved_px = 0.04 * width_px, -0.1 * height_px
    wrong_px = (true_px - true_px.mean(axis=0)) * (1.06, 0.9) + true_px.mean(axis=0) + moved_px
    (answer,) = look.refine([draw_plate((640, 480), *plate)], [given(wrong_px)])
    np.testing.assert_allclose(answer.corners_px, true_px, atol=0.003 * width_px)
    assert answer.presence == 0.9
    np.testing.assert_array_equal(answer.corner_cov_px2, UNIT)


def test_each_image_has_its_own_answer_and_those_without_a_plate_stay(look: RectifiedLook) -> None:
    plates = [(40, 60, 140, 90), (0, 0, 0, 0), (300, 200, 420, 236)]
    images = [draw_plate((640, 480), *plate) for plate in plates]
    no_plate = given(outer_corners_px(10, 10, 60, 30), presence=0.001)
    crossed = given(outer_corners_px(300, 200, 420, 236)[[0, 2, 1, 3]])
    first, second, third = look.refine(images, [given(outer_corners_px(42, 58, 144, 91)), no_plate, crossed])
    np.testing.assert_allclose(first.corners_px, outer_corners_px(*plates[0]), atol=0.3)
    assert second is no_plate and third is crossed


def test_what_is_no_plate_in_its_middle_is_left_as_it_was(look: RectifiedLook) -> None:
    elsewhere = given(outer_corners_px(300, 300, 400, 330))
    (answer,) = look.refine([draw_plate((640, 480), 100, 60, 200, 90)], [elsewhere])
    assert answer.presence == elsewhere.presence
    np.testing.assert_array_equal(answer.corners_px, elsewhere.corners_px)
    location = given(outer_corners_px(100, 100, 200, 130))
    homography = rectification(location.corners_px)
    unlikely = PlateLocation(0.3, target_corners_px(), UNIT)
    assert corrected(location, unlikely, homography) is location
    far = PlateLocation(1.0, target_corners_px() + np.array([FURTHEST_PX + 1, 0]), UNIT)
    assert corrected(location, far, homography) is location


class SeesThePlate:
    """In place of a running network: the plate is where it should be, seen with one presence after the other."""

    input_size_px, max_batch = INPUT_PX, 1

    def __init__(self, *presences: float) -> None:
        self._presences = iter(presences)

    def batch_size_for(self, count: int) -> int:
        """As many as there are."""
        return count

    def run(self, images: NDArray[np.uint8]) -> CornerOutput:
        """Corners in their place."""
        presence = np.array([next(self._presences)], np.float32)
        return CornerOutput(target_corners_px()[None], UNIT[None], presence)

    def interrupt(self) -> None:
        """Nothing runs here."""


@pytest.mark.parametrize(
    ("presences", "sd_factor"),
    [
        ((1.0, 0.9995), 1.0),
        ((1.0, 0.99), 2.154),  # the lowest of the views counts: the cube root of ten
        ((0.9, 1.0), 4.642),
        ((0.2, 0.2), 9.283),  # refused: the corners stay, and are in doubt
    ],
)
def test_corners_are_less_certain_the_less_a_view_shows_a_plate(
    presences: tuple[float, float], sd_factor: float
) -> None:
    start, image = given(outer_corners_px(100, 60, 200, 90)), np.zeros((480, 640, 3), np.uint8)
    (answer,) = RectifiedLook(SeesThePlate(*presences)).refine([image], [start])
    np.testing.assert_allclose(answer.corner_cov_px2, sd_factor**2 * UNIT, rtol=1e-3)
    np.testing.assert_allclose(answer.corners_px, start.corners_px, atol=1e-6)


def test_covariances_are_those_of_scattered_answers() -> None:
    """Against a simulation: answers scattered in the view, brought to the image one by one."""
    oblique_px = np.array([[100.0, 100.0], [180.0, 112.0], [184.0, 138.0], [98.0, 121.0]])
    homography, rng = rectification(oblique_px), np.random.default_rng(1)
    cov_px2 = np.array([[0.5, 0.1], [0.1, 0.2]])
    seen = PlateLocation(1.0, target_corners_px() + np.array([1.0, -2.0]), np.tile(cov_px2, (4, 1, 1)))
    answer = corrected(given(oblique_px), seen, homography)
    scattered = seen.corners_px + rng.multivariate_normal(np.zeros(2), cov_px2, (20000, 4))
    in_image = transform_points(np.linalg.inv(homography), scattered)
    for corner in range(4):
        np.testing.assert_allclose(
            answer.corner_cov_px2[corner], np.cov(in_image[:, corner].T), rtol=0.05, atol=2e-3
        )


class OnceWrong:
    """A first look that sees the plate a little off."""

    def locate(self, images: Sequence[NDArray[np.uint8]]) -> list[PlateLocation]:
        return [given(outer_corners_px(98, 203, 207, 224)) for _ in images]

    def interrupt(self) -> None:
        """Nothing runs here."""


def test_it_is_the_last_of_several_looks_and_can_be_interrupted(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "view.onnx", height=INPUT_PX[1], width=INPUT_PX[0])
    rectified_look = open_rectified_look(ModelConfig(rectified_path=path, provider="cpu", cpu_threads=1))
    looks = SeveralLooks(OnceWrong(), [rectified_look])
    image = draw_plate((640, 480), 100, 200, 204, 222)
    np.testing.assert_allclose(
        looks.locate([image])[0].corners_px, outer_corners_px(100, 200, 204, 222), atol=0.3
    )
    looks.interrupt()
    with pytest.raises(GateError, match="terminate"):
        looks.locate([image])


def test_network_for_whole_images_is_refused(tiny_model: Path) -> None:
    with pytest.raises(GateError, match="takes only images of 640x480, not 416x224"):
        open_rectified_look(ModelConfig(rectified_path=tiny_model, provider="cpu"))
