"""A board, a camera with a known lens, and rendered photographs of the one by the other, made once."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calib.boards import Board
from calib.camera import Intrinsics
from calib.paper import draw_board
from pipeline.synthetic.boards import BoardCamera, BoardPose, board_poses

BOARD = Board("charuco", 7, 10, 25.0)
CHESSBOARD = Board("chessboard", 10, 7, 25.0)
LENS = Intrinsics(800, 600, 700.0, 701.0, 405.0, 295.0, (-0.25, 0.08, 0.0005, -0.0003, 0.0))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The problems are small; threads would only make the timing of a loaded machine worse."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(threads)


@pytest.fixture(scope="session")
def board_camera() -> BoardCamera:
    return BoardCamera(BOARD, draw_board(BOARD, "a4"), LENS)


@pytest.fixture(scope="session")
def chessboard_camera() -> BoardCamera:
    return BoardCamera(CHESSBOARD, draw_board(CHESSBOARD, "a3"), LENS)


@pytest.fixture(scope="session")
def poses() -> list[BoardPose]:
    return board_poses(np.random.default_rng(1), BOARD, LENS, 16)


@pytest.fixture(scope="session")
def photographs(board_camera: BoardCamera, poses: list[BoardPose]) -> list[NDArray[np.uint8]]:
    """Good views of the ChArUco board, some of them partial."""
    rng = np.random.default_rng(2)
    return [board_camera.photograph(rng, pose) for pose in poses]
