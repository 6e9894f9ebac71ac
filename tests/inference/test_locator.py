"""From native images to corners in native pixels, through the real ONNX Runtime and the stand-in network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from pipeline.config import ModelConfig
from pipeline.inference.locator import PlateLocator
from pipeline.inference.model_file import inspect_model
from pipeline.inference.session import CornerSession
from pipeline.inference.start_session import open_session
from tests.tiny_model import CORNER_VARIANCE_PX2, DARK


def draw_plate(size_px: tuple[int, int], left: int, top: int, right: int, bottom: int) -> NDArray[np.uint8]:
    """A white rectangle of whole pixels; `right` and `bottom` are the first column and row that are dark again."""
    image = np.full((size_px[1], size_px[0], 3), DARK, np.uint8)
    image[top:bottom, left:right] = 255
    return image


def outer_corners_px(left: int, top: int, right: int, bottom: int) -> NDArray[np.float64]:
    """The rectangle's outer edges lie half a pixel outside its outermost pixel centres."""
    x0, y0, x1, y1 = left - 0.5, top - 0.5, right - 0.5, bottom - 0.5
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


@pytest.fixture(scope="module")
def session(tiny_model: Path) -> CornerSession:
    return open_session(ModelConfig(path=tiny_model, provider="cpu", cpu_threads=1))


@pytest.mark.parametrize(
    ("size_px", "plate"),
    [
        ((640, 480), (100, 200, 204, 222)),
        ((1280, 960), (301, 402, 505, 447)),
        ((1920, 1080), (1500, 900, 1760, 955)),
        ((320, 240), (20, 30, 72, 41)),
        ((333, 777), (100, 600, 204, 622)),
    ],
)
def test_corners_come_back_in_native_pixels(
    session: CornerSession, size_px: tuple[int, int], plate: tuple[int, int, int, int]
) -> None:
    (location,) = PlateLocator(session).locate([draw_plate(size_px, *plate)])
    scale = min(640 / size_px[0], 480 / size_px[1])
    np.testing.assert_allclose(location.corners_px, outer_corners_px(*plate), atol=0.15 / scale)
    np.testing.assert_allclose(
        location.corner_cov_px2,
        np.broadcast_to(np.eye(2), (4, 2, 2)) * CORNER_VARIANCE_PX2 / scale**2,
        rtol=0.01,
    )
    assert location.presence == 1.0
    assert location.corners_px.dtype == location.corner_cov_px2.dtype == np.float64


def test_images_of_mixed_sizes_keep_their_order(session: CornerSession) -> None:
    plate = (40, 60, 92, 71)
    sizes_px = [(640, 480), (160, 120), (400, 100), (1280, 720), (200, 300)]
    locations = PlateLocator(session).locate([draw_plate(size, *plate) for size in sizes_px])
    assert len(locations) == len(sizes_px) > session.max_batch
    for location in locations:
        np.testing.assert_allclose(location.corners_px, outer_corners_px(*plate), atol=0.5)


def test_image_without_a_plate_has_no_presence(session: CornerSession) -> None:
    (location,) = PlateLocator(session).locate([np.full((480, 640, 3), 60, np.uint8)])
    assert location.presence == 0.0


def test_no_images_give_no_locations(session: CornerSession) -> None:
    assert PlateLocator(session).locate([]) == []


class RecordingSession(ort.InferenceSession):
    """The real session on the CPU, noting its batch sizes."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), providers=["CPUExecutionProvider"])
        self.batches: list[int] = []

    def run(
        self, names: list[str], feed: dict[str, NDArray[np.uint8]], options: ort.RunOptions
    ) -> list[NDArray[np.float32]]:
        self.batches.append(len(feed["images"]))
        return super().run(names, feed, options)


def test_gpu_batches_are_filled_up_to_the_fixed_sizes(tiny_model: Path) -> None:
    """The session says "cuda" so that the sizes are fixed; the network itself runs on the CPU here."""
    recording = RecordingSession(tiny_model)
    session = CornerSession(recording, "cuda", inspect_model(tiny_model), (1, 4))
    plates = [(40 + 10 * index, 60, 92 + 10 * index, 71) for index in range(7)]
    locations = PlateLocator(session).locate([draw_plate((640, 480), *plate) for plate in plates])
    assert recording.batches == [4, 4]
    for location, plate in zip(locations, plates, strict=True):
        np.testing.assert_allclose(location.corners_px, outer_corners_px(*plate), atol=0.01)
    PlateLocator(session).locate([draw_plate((640, 480), *plates[0])])
    assert recording.batches == [4, 4, 1]
