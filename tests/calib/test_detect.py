"""Corners of rendered boards against where they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calib.boards import Board
from calib.camera import Camera
from calib.detect import BoardFinder, count_corners
from calib.refine import refine_corners
from pipeline.synthetic.boards import BoardCamera, BoardPose, board_poses
from tests.calib.conftest import BOARD, CHESSBOARD, LENS


def test_charuco_corners_are_where_they_are(
    photographs: list[NDArray[np.uint8]], poses: list[BoardPose]
) -> None:
    finder, camera, errors = BoardFinder(BOARD), Camera("c", LENS), []
    for image, pose in zip(photographs, poses, strict=True):
        found = finder.find(image)
        if found is not None:
            errors.append(found.corners_px - camera.project(pose.points_m(BOARD))[found.ids])
    assert len(errors) >= 14
    every = np.concatenate(errors)
    assert finder.legacy is False
    assert np.abs(every.mean(axis=0)).max() < 0.01  # no half-pixel mistake
    assert np.sqrt((every**2).mean()) < 0.05  # OpenCV alone: 0.1


def test_chessboard_corners_are_where_they_are(chessboard_camera: BoardCamera) -> None:
    rng, camera = np.random.default_rng(4), Camera("c", LENS)
    for pose in board_poses(rng, CHESSBOARD, LENS, 3):
        found = BoardFinder(CHESSBOARD).find(chessboard_camera.photograph(rng, pose))
        assert found is not None
        truth = camera.project(pose.points_m(CHESSBOARD))
        errors = min(
            (found.corners_px - truth, found.corners_px[::-1] - truth), key=lambda item: np.abs(item).max()
        )
        assert np.sqrt((errors**2).mean()) < 0.05


def test_legacy_charuco_layout_is_recognised() -> None:
    board = Board("charuco", 7, 10, 25.0)
    picture = board.opencv(legacy=True).generateImage((700, 1000), marginSize=40)
    finder = BoardFinder(board)
    found = finder.find(cv2.GaussianBlur(picture, (0, 0), 0.8))
    assert finder.legacy is True
    assert found is not None
    assert len(found.ids) == 54


@pytest.mark.parametrize("grid", [(9, 6), (7, 5), (6, 9)])
def test_count_corners_of_any_chessboard(grid: tuple[int, int]) -> None:
    columns, rows = grid
    squares = np.add.outer(np.arange(rows + 1), np.arange(columns + 1)) % 2
    page = np.pad(np.kron(255 * squares, np.ones((40, 40))), 60, constant_values=255).astype(np.uint8)
    seen = count_corners(page)
    assert seen is not None
    assert sorted(seen) == sorted(grid)


def test_find_in_an_empty_image_is_none() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (240, 320), np.uint8)
    assert BoardFinder(BOARD).find(noise) is None
    assert BoardFinder(CHESSBOARD).find(noise) is None


def test_refined_corners_end_where_they_should_from_a_pixel_away(
    photographs: list[NDArray[np.uint8]], poses: list[BoardPose]
) -> None:
    """The start does not matter, and markers beside the edges do not pull."""
    truth = Camera("c", LENS).project(poses[0].points_m(BOARD))
    found = BoardFinder(BOARD).find(photographs[0])
    assert found is not None
    start = truth[found.ids] + np.random.default_rng(0).uniform(-0.7, 0.7, (len(found.ids), 2))
    refined = refine_corners(photographs[0], BOARD, found.ids, start)
    assert np.sqrt(((refined - truth[found.ids]) ** 2).mean()) < 0.05
    assert np.abs(refined - found.corners_px).max() < 0.05
