"""Boards by name and by file, and the print at true scale."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from calib.boards import Board, read_board
from calib.detect import BoardFinder
from calib.paper import draw_board, write
from pipeline.errors import GateError
from tests.calib.conftest import BOARD, CHESSBOARD


def test_board_corners_count_from_one_square_inside() -> None:
    board = Board("chessboard", 4, 3, 10.0)
    assert board.corner_grid == (3, 2)
    np.testing.assert_allclose(board.points_m[[0, 2, 5]], [[0.01, 0.01, 0], [0.03, 0.01, 0], [0.03, 0.02, 0]])


def test_board_points_agree_with_opencv_charuco() -> None:
    np.testing.assert_allclose(
        BOARD.points_m, 0.025 * np.array(BOARD.opencv().getChessboardCorners()), atol=1e-9
    )


def test_read_board_spec_and_file_agree(tmp_path: Path) -> None:
    board = read_board("chessboard:10x7:24.9")
    assert board == Board("chessboard", 10, 7, 24.9)
    board.save(tmp_path / "board.toml")
    assert read_board(str(tmp_path / "board.toml")) == board


def test_square_size_missing_is_said() -> None:
    with pytest.raises(GateError, match="square size missing"):
        read_board("charuco:7x10").square_m  # noqa: B018


@pytest.mark.parametrize("text", ["9x6", "charuco:7x10:x", "charuco:1x2:3", "none.toml", "charuco:7x10:0"])
def test_read_board_nonsense_is_refused(text: str) -> None:
    with pytest.raises(GateError, match=r"board|none\.toml"):
        read_board(text)


def test_board_larger_than_paper_is_refused() -> None:
    with pytest.raises(GateError, match="do not fit on A4"):
        draw_board(replace(BOARD, square_mm=40.0), "a4")


def test_board_with_more_markers_than_the_dictionary_is_refused() -> None:
    with pytest.raises(GateError, match="larger dictionary"):
        draw_board(Board("charuco", 12, 12, 10.0), "a3")


def test_svg_is_at_true_scale(tmp_path: Path) -> None:
    write(draw_board(CHESSBOARD, "a3"), tmp_path / "board.svg")
    text = (tmp_path / "board.svg").read_text()
    assert 'width="297mm" height="420mm" viewBox="0 0 297 420"' in text
    sizes = [float(number) for number in re.findall(r"h([0-9.]+)v", text)]
    assert sizes.count(25.0) == 35


@pytest.mark.skipif(shutil.which("gs") is None, reason="no Ghostscript (apt-get install ghostscript)")
@pytest.mark.parametrize("board", [BOARD, CHESSBOARD], ids=["charuco", "chessboard"])
def test_pdf_printed_at_100_percent_shows_the_board_at_true_scale(tmp_path: Path, board: Board) -> None:
    """Ghostscript stands in for the printer: 200 dots an inch, so 25 mm are 196.85 dots."""
    write(draw_board(board, "a3"), tmp_path / "board.pdf")
    subprocess.run(
        [
            "gs",
            "-q",
            "-dSAFER",
            "-dBATCH",
            "-dNOPAUSE",
            "-sDEVICE=pnggray",
            "-r200",
            "-sOutputFile=page.png",
            "board.pdf",
        ],
        cwd=tmp_path,
        check=True,
        timeout=60,
    )
    page = cv2.imread(str(tmp_path / "page.png"), cv2.IMREAD_GRAYSCALE)
    assert page.shape == (round(420 / 25.4 * 200), round(297 / 25.4 * 200))
    found = BoardFinder(board).find(page)
    assert found is not None
    assert len(found.ids) == board.corner_count
    rows = found.corners_px.reshape(*board.corner_grid[::-1], 2)
    np.testing.assert_allclose(
        np.linalg.norm(rows[:, -1] - rows[:, 0], axis=1), 196.85 * (board.columns - 2), atol=2
    )
