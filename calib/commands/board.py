"""Write a calibration board to print, as PDF or SVG, and remember the size of its squares.

1. python -m calib board board.pdf                 (ChArUco on A4; --paper a3 for cameras that look far)
2. Print at 100 %, without "fit to page". The bar on the print must be 100 mm long.
3. Glue it flat on something stiff: foam board, an aluminium panel. A board that bends spoils the result.
4. Measure eight squares in a row with a ruler and give their length when asked, or the side of one square later:
   python -m calib board board.pdf --measured-mm 24.9
   It is kept in board.toml beside the print, with all else that was asked for; the other commands read it with
   --board board.toml.

A ChArUco board may be seen in part, which lets it reach the image's corners; prefer it to a chessboard."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from calib.boards import Board, read_board
from calib.paper import BAR_MM, NOMINAL_SQUARE_MM, SIZES_MM, Paper, draw_board, write
from pipeline.errors import GateError
from pipeline.files import check_places

_PAPER: Paper = "a4"
_PRINTER_SCALES = 0.2  # of a length, at most

HELP = "write a board to print (PDF or SVG)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="what to write: .pdf or .svg")
    parser.add_argument("--kind", choices=("charuco", "chessboard"), help="default charuco")
    parser.add_argument("--paper", choices=tuple(SIZES_MM), help="default a4")
    parser.add_argument("--squares", metavar="COLUMNSxROWS", help="squares, not inner corners (default 7x10)")
    parser.add_argument(
        "--square-mm", type=float, metavar="MM", help="side of a square as drawn (default: fits the paper)"
    )
    parser.add_argument(
        "--measured-mm",
        type=float,
        metavar="MM",
        help="side of a square as measured on the print; changes only that in board.toml",
    )


def execute(args: argparse.Namespace) -> int:
    """Write the print and board.toml; with a measured size the latter only."""
    if not args.file.name:
        raise GateError(f"board: {args.file}: give the name of a file, for example board.pdf")
    toml, measured_mm = args.file.with_suffix(".toml"), args.measured_mm
    known = measured_mm is not None and toml.exists()
    board = _printed(args, toml) if known else _to_print(args)
    if measured_mm is None:
        check_places({toml: "board"})
        drawn = replace(board, square_mm=board.drawn_mm)
        paper = args.paper or _PAPER
        write(draw_board(drawn, paper), args.file)
        print(f"wrote {args.file}: {drawn.describe()}, {paper.upper()}; print it at 100 %")
        measured_mm = _ask(1000 * drawn.square_m)
    if measured_mm is None:
        board.save(toml)
        print(
            f"wrote {toml} without the square size; measure the print, then give the side of one square: "
            f"python -m calib board {args.file} --measured-mm MM"
        )
        return 0
    board = replace(board, square_mm=_as_drawn(_positive(measured_mm), board.drawn_mm))
    board.save(toml)
    print(f"wrote {toml}: {board.describe()}")
    return 0


def _to_print(args: argparse.Namespace) -> Board:
    """The board that the options ask for, not measured yet."""
    nominal_mm = NOMINAL_SQUARE_MM[args.paper or _PAPER]
    drawn_mm = nominal_mm if args.square_mm is None else _positive(args.square_mm)
    return Board(args.kind or "charuco", *_squares(args.squares or "7x10"), drawn_mm=drawn_mm)


def _printed(args: argparse.Namespace, toml: Path) -> Board:
    """The board that was printed, as its file has it.

    Raises:
        GateError: the file holds no board, or an option says otherwise than the file.
    """
    board = read_board(str(toml))
    by_paper_mm = NOMINAL_SQUARE_MM[args.paper] if args.paper and args.square_mm is None else None
    squares = None if args.squares is None else _squares(args.squares)
    told = {
        "kind": (args.kind, board.kind),
        "squares": (squares, (board.columns, board.rows)),
        "square-mm": (args.square_mm, board.drawn_mm),
        "paper": (by_paper_mm, board.drawn_mm),
    }
    for name, (value, kept) in told.items():
        if None not in (value, kept) and value != kept:
            raise GateError(
                f"board: --{name} is not that of {toml}: {replace(board, square_mm=board.drawn_mm).describe()}; leave "
                "it out to measure that board, or move the file away"
            )
    return board


def _squares(text: str) -> tuple[int, int]:
    columns, _, rows = text.lower().partition("x")
    if not (columns.isdecimal() and rows.isdecimal() and 3 <= int(columns) <= 60 and 3 <= int(rows) <= 60):
        raise GateError(f"board: --squares {text!r}: give columns x rows, each 3 to 60, for example 7x10")
    return int(columns), int(rows)


def _ask(drawn_mm: float) -> float | None:
    """The measured side of a square from somebody at a terminal; None if nobody is there or knows it yet."""
    if not sys.stdin.isatty():
        return None
    prompt = f"Bar = {BAR_MM:g} mm? Length of eight squares on the print in mm (Enter: measure later): "
    try:
        answer = input(prompt).strip().replace(",", ".")
    except EOFError:  # Ctrl-D
        print()
        return None
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


def _as_drawn(measured_mm: float, drawn_mm: float | None) -> float:
    """`measured_mm` itself, if a printer may have made it of `drawn_mm`."""
    if drawn_mm is None or abs(measured_mm / drawn_mm - 1) <= _PRINTER_SCALES:
        return measured_mm
    advice = "give the side of one square in millimetres, and --square-mm if it was drawn otherwise"
    if abs(measured_mm / 8 / drawn_mm - 1) <= _PRINTER_SCALES:
        advice = f"that is the length of eight squares: one is {measured_mm / 8:g} mm"
    raise GateError(
        f"board: {measured_mm:g} mm is far from the {drawn_mm:g} mm of a square as drawn; {advice}"
    )


def _positive(millimetres: float) -> float:
    if not 1 <= millimetres <= 1000:
        raise GateError(f"board: a square of {millimetres:g} mm cannot be; give its side in millimetres")
    return millimetres
