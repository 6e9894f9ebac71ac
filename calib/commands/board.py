"""Write a calibration board to print, as PDF or SVG, and remember the size of its squares.

1. python -m calib board board.pdf                 (ChArUco on A4; --paper a3 for cameras that look far)
2. Print at 100 %, without "fit to page". The bar on the print must be 100 mm long.
3. Glue it flat on something stiff: foam board, an aluminium panel. A board that bends spoils the result.
4. Measure eight squares in a row with a ruler and give their length when asked, or the side of one square later:
   python -m calib board board.pdf --measured-mm 24.9
   It is kept in board.toml beside the print; the other commands read it with --board board.toml.

A ChArUco board may be seen in part, which lets it reach the image's corners; prefer it to a chessboard."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from calib.boards import Board
from calib.paper import BAR_MM, NOMINAL_SQUARE_MM, SIZES_MM, draw_board, write
from pipeline.errors import GateError

HELP = "write a board to print (PDF or SVG)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="what to write: .pdf or .svg")
    parser.add_argument("--kind", choices=("charuco", "chessboard"), default="charuco")
    parser.add_argument("--paper", choices=tuple(SIZES_MM), default="a4")
    parser.add_argument(
        "--squares", default="7x10", metavar="COLUMNSxROWS", help="squares, not inner corners (default 7x10)"
    )
    parser.add_argument(
        "--square-mm", type=float, metavar="MM", help="side of a square as drawn (default: fits the paper)"
    )
    parser.add_argument(
        "--measured-mm",
        type=float,
        metavar="MM",
        help="side of a square as measured on the print; writes board.toml only",
    )


def execute(args: argparse.Namespace) -> int:
    """Write the print and board.toml."""
    drawn_mm = args.square_mm or NOMINAL_SQUARE_MM[args.paper]
    board = replace(_board(args.kind, args.squares), square_mm=drawn_mm)
    toml = args.file.with_suffix(".toml")
    measured_mm = args.measured_mm
    if measured_mm is None:
        write(draw_board(board, args.paper), args.file)
        print(f"wrote {args.file}: {board.describe()}, {args.paper.upper()}; print it at 100 %")
        measured_mm = _ask(drawn_mm)
    if measured_mm is None:
        replace(board, square_mm=None).save(toml)
        print(
            f"wrote {toml} without the square size; measure the print, then: "
            f"python -m calib board {args.file} --measured-mm 24.9"
        )
        return 0
    if abs(measured_mm / drawn_mm - 1) > 0.1:
        print(
            f"note: {measured_mm:g} mm is far from the {drawn_mm:g} mm drawn; was it one square, in millimetres?"
        )
    replace(board, square_mm=_positive(measured_mm)).save(toml)
    print(f"wrote {toml}: squares of {measured_mm:g} mm")
    return 0


def _board(kind: str, squares: str) -> Board:
    columns, _, rows = squares.lower().partition("x")
    if not (columns.isdecimal() and rows.isdecimal() and 3 <= int(columns) <= 60 and 3 <= int(rows) <= 60):
        raise GateError(f"board: --squares {squares!r}: give columns x rows, each 3 to 60, for example 7x10")
    return Board("chessboard" if kind == "chessboard" else "charuco", int(columns), int(rows))


def _ask(drawn_mm: float) -> float | None:
    """The measured side of a square from somebody at a terminal; None if nobody is there or knows it yet."""
    if not sys.stdin.isatty():
        return None
    prompt = f"Bar = {BAR_MM:g} mm? Length of eight squares on the print in mm (Enter: measure later): "
    answer = input(prompt).strip().replace(",", ".")
    if not answer:
        return None
    try:
        length_mm = float(answer)
    except ValueError:
        raise GateError(f"board: {answer!r} is not a number; measure eight squares in millimetres") from None
    if abs(length_mm / drawn_mm - 1) < 0.3:
        raise GateError(
            f"board: {answer} mm is about one square; give the length of eight in a row, or --measured-mm {answer}"
        )
    return _positive(length_mm / 8)


def _positive(millimetres: float) -> float:
    if not 1 <= millimetres <= 1000:
        raise GateError(f"board: a square of {millimetres:g} mm cannot be; give its side in millimetres")
    return millimetres
