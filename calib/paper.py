"""Boards on paper: one vector drawing in millimetres, written as SVG or as a PDF of a single page.

Printed at 100 % the bar below the board is 100 mm long; a ruler on it shows whether the printer scaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from calib.boards import Board
from pipeline.errors import GateError
from pipeline.files import write_whole

Paper = Literal["a4", "a3"]
SIZES_MM: dict[Paper, tuple[float, float]] = {"a4": (210.0, 297.0), "a3": (297.0, 420.0)}
NOMINAL_SQUARE_MM: dict[Paper, float] = {"a4": 25.0, "a3": 36.0}

BAR_MM = 100.0
_BAR_HEIGHT_MM, _TEXT_MM, _LEAST_MARGIN_MM = 3.0, 3.2, 5.0
_FOOT_MM = 26.0  # below the board, for bar and text
_PT_PER_MM = 72 / 25.4

Box = tuple[float, float, float, float]
"""Left, top, width, height in millimetres from the page's upper left corner."""


@dataclass(frozen=True)
class Drawing:
    """A page: where the squares are, all black boxes, and lines of text, each (left, baseline, text)."""

    size_mm: tuple[float, float]
    board_mm: Box
    boxes: tuple[Box, ...]
    texts: tuple[tuple[float, float, str], ...]


def draw_board(board: Board, paper: Paper) -> Drawing:
    """The board, centred, with its scale bar; a board without a measured size gets the paper's usual one.

    Raises:
        GateError: it does not fit on the paper.
    """
    square = board.square_mm or NOMINAL_SQUARE_MM[paper]
    width, height = SIZES_MM[paper]
    left, top = (width - board.columns * square) / 2, (height - _FOOT_MM - board.rows * square) / 2
    if min(left, top) < _LEAST_MARGIN_MM:
        raise GateError(
            f"board: {board.columns}x{board.rows} squares of {square:g} mm do not fit on {paper.upper()} "
            f"({width:g} x {height:g} mm); take fewer or smaller squares, or larger paper"
        )
    boxes = [
        (left + x * square, top + y * square, w * square, h * square) for x, y, w, h in _unit_boxes(board)
    ]
    foot = top + board.rows * square + 8
    texts = (
        f"This bar must measure {BAR_MM:g} mm. Print at 100 %, without 'fit to page'; glue it flat on a stiff plate.",
        f"{replace(board, square_mm=square).describe()} (nominal). "
        "Measure eight squares in a row and say it when asked;",
        "an eighth of that is the side of a square, as in --board "
        f"{board.kind}:{board.columns}x{board.rows}:{square:g}",
    )
    lines = tuple((left, foot + _BAR_HEIGHT_MM + 4.6 * (i + 1), text) for i, text in enumerate(texts))
    squares = (left, top, board.columns * square, board.rows * square)
    return Drawing((width, height), squares, (*boxes, *_bar(left, foot)), lines)


def write(drawing: Drawing, path: Path) -> None:
    """Write `path`, a .pdf or a .svg.

    Raises:
        GateError: another ending, or the file cannot be written.
    """
    writers = {".pdf": _pdf, ".svg": _svg}
    if path.suffix.lower() not in writers:
        raise GateError(f"{path}: give a file that ends in .pdf or .svg")
    write_whole(path, "board", writers[path.suffix.lower()](drawing))


def _unit_boxes(board: Board) -> list[Box]:
    """Black boxes of the board in units of squares."""
    odd = 0 if board.kind == "chessboard" else _first_black(board)
    boxes: list[Box] = [
        (float(x), float(y), 1.0, 1.0)
        for y in range(board.rows)
        for x in range(board.columns)
        if (x + y) % 2 == odd
    ]
    return boxes if board.kind == "chessboard" else boxes + _marker_boxes(board)


def _first_black(board: Board) -> int:
    """Parity of the black squares: those that hold no marker."""
    x, y, _ = np.mean(np.asarray(board.opencv().getObjPoints()[0]), axis=0)
    return (int(x) + int(y) + 1) % 2


def _marker_boxes(board: Board) -> list[Box]:
    """The black modules of every marker, joined along rows."""
    target = board.opencv()
    dictionary = target.getDictionary()
    modules = dictionary.markerSize + 2
    side = board.marker_share / modules
    boxes: list[Box] = []
    for number, corners in zip(np.asarray(target.getIds()).ravel(), target.getObjPoints(), strict=True):
        bits = cv2.aruco.generateImageMarker(dictionary, int(number), modules)
        for row, line in enumerate(bits):
            for start, length in _runs([value == 0 for value in line]):
                x, y = corners[0][0] + start * side, corners[0][1] + row * side
                boxes.append((float(x), float(y), length * side, side))
    return boxes


def _runs(black: Sequence[bool]) -> list[tuple[int, int]]:
    """(start, length) of every run of True."""
    starts = [i for i, value in enumerate(black) if value and (i == 0 or not black[i - 1])]
    ends = [i + 1 for i, value in enumerate(black) if value and (i == len(black) - 1 or not black[i + 1])]
    return [(start, end - start) for start, end in zip(starts, ends, strict=True)]


def _bar(left: float, top: float) -> list[Box]:
    """A bar of 100 mm in ten parts, every second one filled, inside thin outlines."""
    part = BAR_MM / 10
    filled: list[Box] = [(left + i * part, top, part, _BAR_HEIGHT_MM) for i in range(0, 10, 2)]
    thin = 0.2
    upper, lower = (left, top, BAR_MM, thin), (left, top + _BAR_HEIGHT_MM - thin, BAR_MM, thin)
    return [*filled, upper, lower, (left + BAR_MM - thin, top, thin, _BAR_HEIGHT_MM)]


def _svg(drawing: Drawing) -> bytes:
    width, height = drawing.size_mm
    path = "".join(f"M{x:.4f} {y:.4f}h{w:.4f}v{h:.4f}h{-w:.4f}z" for x, y, w, h in drawing.boxes)
    texts = "".join(
        f'<text x="{x:.2f}" y="{y:.2f}" font-family="Helvetica,Arial,sans-serif" font-size="{_TEXT_MM}">'
        f"{escape(text)}</text>\n"
        for x, y, text in drawing.texts
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}">\n<rect width="100%" height="100%" fill="white"/>\n'
        f'<path d="{path}" fill="black"/>\n{texts}</svg>\n'
    ).encode()


def _pdf(drawing: Drawing) -> bytes:
    """PDF 1.4 with one page of boxes and Helvetica text; origin at the page's lower left corner, in points."""
    width, height = (side * _PT_PER_MM for side in drawing.size_mm)
    k = _PT_PER_MM
    marks = [
        f"{x * k:.4f} {height - (y + h) * k:.4f} {w * k:.4f} {h * k:.4f} re" for x, y, w, h in drawing.boxes
    ]
    size = _TEXT_MM * k
    words = [
        f"BT /F1 {size:.2f} Tf {x * k:.2f} {height - y * k:.2f} Td ({_pdf_text(text)}) Tj ET"
        for x, y, text in drawing.texts
    ]
    content = "\n".join([*marks, "f", *words]).encode("latin-1")
    return _pdf_file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.4f} {height:.4f}] /Contents 4 0 R "
            "/Resources << /Font << /F1 5 0 R >> >> >>".encode(),
            f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        ]
    )


def _pdf_text(text: str) -> str:
    for special in "\\()":
        text = text.replace(special, "\\" + special)
    return text


def _pdf_file(objects: Sequence[bytes]) -> bytes:
    """Objects 1, 2, ... with the cross-reference table that tells where each begins."""
    file, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(file))
        file += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    return (
        file
        + (
            f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
            f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(file)}\n%%EOF\n"
        ).encode()
    )
