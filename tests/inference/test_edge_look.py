"""The edge look, with the shipped network: corners where a plate's edges meet."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.config import SHIPPED_RECTIFIED, ModelConfig
from pipeline.errors import GateError
from pipeline.frames import PlateLocation
from pipeline.inference.looks import open_edge_look, open_further_looks
from pipeline.inference.rectified_look import RectifiedLook
from pipeline.inference.rectify import INPUT_PX, target_corners_px

FINE = 8
"""Views are drawn this many times larger and averaged."""
LENS_BLUR_PX = 0.8


@pytest.fixture(scope="module")
def look() -> RectifiedLook:
    return open_edge_look(ModelConfig(provider="cpu", cpu_threads=1))


def view_of(
    corners_px: NDArray[np.float64], inside: int = 200, outside: int = 60, holder: int | None = None
) -> NDArray[np.uint8]:
    """A plate with letters on these corners of a view; in a holder, 9 px wider all around, of the given level."""
    image = np.full((INPUT_PX[1] * FINE, INPUT_PX[0] * FINE, 3), outside, np.uint8)
    outwards = np.sign(corners_px - corners_px.mean(axis=0))
    layers = [(0.0, inside)] if holder is None else [(9.0, holder), (0.0, inside)]
    for wider_px, level in layers:
        fine = (corners_px + wider_px * outwards + 0.5) * FINE - 0.5
        cv2.fillPoly(image, [np.rint(fine * 16).astype(np.int32)], (level,) * 3, cv2.LINE_AA, 4)
    for left in range(110, 310, 34):
        first, last = (left * FINE, 80 * FINE), ((left + 18) * FINE, 144 * FINE)
        cv2.rectangle(image, first, last, (outside // 2,) * 3, 5 * FINE)
    view = cv2.resize(image, INPUT_PX, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(view, (0, 0), LENS_BLUR_PX), np.uint8)


def answer_to(look: RectifiedLook, view: NDArray[np.uint8]) -> PlateLocation:
    """A view is an image whose plate is upright already."""
    given = PlateLocation(0.9, target_corners_px(), np.tile(np.eye(2), (4, 1, 1)))
    (answer,) = look.refine([view], [given])
    return answer


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("holder", [None, 20])
def test_corners_are_found_where_the_edges_meet(look: RectifiedLook, seed: int, holder: int | None) -> None:
    """Of a plate whose edges are off by up to what a network is, in a picture with noise."""
    rng = np.random.default_rng(seed)
    edges = rng.uniform(-1.5, 1.5, (4, 2))  # how far each edge's ends are moved outward
    moved_x = np.array([-edges[3, 1], edges[1, 0], edges[1, 1], -edges[3, 0]])
    moved_y = np.array([-edges[0, 0], -edges[0, 1], edges[2, 0], edges[2, 1]])
    true_px = target_corners_px() + np.column_stack([moved_x, moved_y])
    noisy = view_of(true_px, holder=holder) + rng.normal(0, 4, (INPUT_PX[1], INPUT_PX[0], 3))
    answer = answer_to(look, np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    assert np.abs(answer.corners_px - true_px).max() < 0.5
    assert answer.presence == 0.9


def test_without_edges_the_answer_stays_near(look: RectifiedLook) -> None:
    flat = answer_to(look, np.full((INPUT_PX[1], INPUT_PX[0], 3), 128, np.uint8))
    assert np.abs(flat.corners_px - target_corners_px()).max() < 6


def test_it_comes_last_and_only_after_the_rectified_look() -> None:
    counts = [
        len(open_further_looks(ModelConfig(provider="cpu", second_look=False, **options)))
        for options in ({}, {"edge_look": False}, {"rectified_look": False})
    ]
    assert counts == [2, 1, 0]


def test_network_of_another_look_is_refused() -> None:
    with pytest.raises(GateError, match="task rectified-corners, not edge-corners"):
        open_edge_look(ModelConfig(edge_path=SHIPPED_RECTIFIED, provider="cpu"))
