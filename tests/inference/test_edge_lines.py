"""Corners from edges: exact where edges are seen, the answer's own where they are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.inference.edge_lines import INWARD_PX, OUTWARD_PX, corners_on_edges
from pipeline.inference.rectify import INPUT_PX, target_corners_px

FINE = 8
"""Views are drawn this many times larger and averaged."""
LENS_BLUR_PX = 0.8


def view_of(
    corners_px: NDArray[np.float64], inside: int = 200, outside: int = 60, rim_px: float | None = None
) -> NDArray[np.uint8]:
    """A plate on these corners of a view; `rim_px` inside of its edge there may be a dark line, 2 px wide."""
    image = np.full((INPUT_PX[1] * FINE, INPUT_PX[0] * FINE, 3), outside, np.uint8)
    layers = [(0.0, inside)] if rim_px is None else [(0.0, inside), (rim_px, 20), (rim_px + 2, inside)]
    for inset_px, level in layers:
        inwards = np.sign(corners_px.mean(axis=0) - corners_px)
        fine = (corners_px + inset_px * inwards + 0.5) * FINE - 0.5
        cv2.fillPoly(image, [np.rint(fine * 16).astype(np.int32)], (level,) * 3, cv2.LINE_AA, 4)
    view = cv2.resize(image, INPUT_PX, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(view, (0, 0), LENS_BLUR_PX), np.uint8)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("levels, within_px", [((200, 60), 0.3), ((40, 180), 0.3), ((120, 100), 0.6)])
def test_corners_are_found_where_the_edges_meet(seed: int, levels: tuple[int, int], within_px: float) -> None:
    """Of a plate whose edges are off by up to what a network is, in a picture with noise."""
    rng = np.random.default_rng(seed)
    edges = rng.uniform(-1.0, 1.0, (4, 2))  # how far each edge's ends are moved outward
    moved_x = np.array([-edges[3, 1], edges[1, 0], edges[1, 1], -edges[3, 0]])
    moved_y = np.array([-edges[0, 0], -edges[0, 1], edges[2, 0], edges[2, 1]])
    true_px = target_corners_px() + np.column_stack([moved_x, moved_y])
    noisy = view_of(true_px, *levels) + rng.normal(0, 4, (INPUT_PX[1], INPUT_PX[0], 3))
    found = corners_on_edges(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    assert np.abs(found - true_px).max() < within_px


def test_without_edges_the_answer_stays() -> None:
    flat = np.full((INPUT_PX[1], INPUT_PX[0], 3), 128, np.uint8)
    np.testing.assert_allclose(corners_on_edges(flat), target_corners_px(), atol=1e-9)


def test_noise_alone_is_no_edge() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        noise = rng.normal(128, 6, (INPUT_PX[1], INPUT_PX[0], 3)).astype(np.uint8)
        np.testing.assert_allclose(corners_on_edges(noise), target_corners_px(), atol=1e-9)


def test_rim_inside_of_the_edge_is_left_alone() -> None:
    """It changes more than the edge itself does."""
    true_px = target_corners_px() + np.array([0.6, -0.5])
    found = corners_on_edges(view_of(true_px, inside=200, outside=110, rim_px=4.0))
    assert np.abs(found - true_px).max() < 0.35


def test_of_an_edge_that_is_not_seen_the_answer_stays() -> None:
    """A light plate on a light car, with a dark rim: nothing is seen where the plate ends."""
    found = corners_on_edges(view_of(target_corners_px(), inside=200, outside=200, rim_px=2.5))
    np.testing.assert_allclose(found, target_corners_px(), atol=1e-9)


@pytest.mark.parametrize("off_px", [-INWARD_PX - 1.0, OUTWARD_PX + 1.0])
def test_what_is_too_far_off_is_no_edge_of_this_plate(off_px: float) -> None:
    outward = np.sign(target_corners_px() - target_corners_px().mean(axis=0))
    found = corners_on_edges(view_of(target_corners_px() + off_px * outward))
    np.testing.assert_allclose(found, target_corners_px(), atol=1e-9)
