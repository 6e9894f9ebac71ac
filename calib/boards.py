"""Calibration boards: what is printed, how it is named on the command line, and where its corners are.

A board is described by its squares, `columns` x `rows`. Its inner corners, where four squares meet, are one
fewer in each direction: a 7x10 board has 6x9 inner corners. Corner `i` lies at column `i % (columns - 1)`
and row `i // (columns - 1)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import cv2
import msgspec
import numpy as np
import tomli_w
from msgspec import Meta
from numpy.typing import NDArray

from pipeline.errors import GateError
from pipeline.files import read_toml, write_whole

Array = NDArray[np.float64]
Kind = Literal["charuco", "chessboard"]

_SPEC = re.compile(r"(charuco|chessboard):([0-9]{1,2})x([0-9]{1,2})(?::([0-9.]+))?")


@dataclass(frozen=True)
class Board:
    """One calibration board.

    Attributes:
        kind: "charuco" (squares with markers; may be seen in part) or "chessboard" (must be seen whole).
        columns, rows: squares, not inner corners.
        square_mm: side of a square as measured on the print; None as long as nobody measured it.
        marker_share: side of a marker over the side of a square (charuco).
        dictionary: OpenCV's name of the marker dictionary without "DICT_" (charuco).
        drawn_mm: side of a square as drawn, before a printer scaled it; None where that is not known.
    """

    kind: Kind = "charuco"
    columns: Annotated[int, Meta(ge=3, le=60)] = 7
    rows: Annotated[int, Meta(ge=3, le=60)] = 10
    square_mm: Annotated[float, Meta(gt=0)] | None = None
    marker_share: Annotated[float, Meta(gt=0, lt=1)] = 0.75
    dictionary: str = "4X4_50"
    drawn_mm: Annotated[float, Meta(gt=0)] | None = None

    @property
    def corner_grid(self) -> tuple[int, int]:
        """(columns, rows) of the inner corners."""
        return self.columns - 1, self.rows - 1

    @property
    def corner_count(self) -> int:
        """Number of inner corners."""
        return (self.columns - 1) * (self.rows - 1)

    @property
    def square_m(self) -> float:
        """Side of a square in metres.

        Raises:
            GateError: it was not measured yet.
        """
        if self.square_mm is None:
            raise GateError(
                "board: square size missing; measure several squares on the print with a ruler, divide, and "
                f"give it in millimetres: --board {self.kind}:{self.columns}x{self.rows}:24.9"
            )
        return self.square_mm / 1000

    @property
    def points_m(self) -> Array:
        """(n, 3) inner corners, x right and y down on the print from its upper left corner, z 0."""
        columns, rows = self.corner_grid
        x, y = np.meshgrid(np.arange(1, columns + 1), np.arange(1, rows + 1))
        return self.square_m * np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)]).astype(np.float64)

    @property
    def size_m(self) -> tuple[float, float]:
        """(width, height) over all squares."""
        return self.columns * self.square_m, self.rows * self.square_m

    def describe(self) -> str:
        """In words, for reports."""
        size = "size not measured" if self.square_mm is None else f"{self.square_mm:g} mm"
        return f"{self.kind}, {self.columns}x{self.rows} squares of {size}"

    def opencv(self, legacy: bool = False) -> cv2.aruco.CharucoBoard:
        """OpenCV's form of a ChArUco board with unit squares; `legacy` is the layout before OpenCV 4.6."""
        number = getattr(cv2.aruco, f"DICT_{self.dictionary}", None)
        if number is None:
            raise GateError(f"board: dictionary {self.dictionary!r} is unknown to OpenCV; 4X4_50 is one")
        dictionary = cv2.aruco.getPredefinedDictionary(number)
        if self.columns * self.rows // 2 > len(dictionary.bytesList):
            raise GateError(
                f"board: {self.columns}x{self.rows} squares need {self.columns * self.rows // 2} markers, more "
                f"than {self.dictionary} has; take fewer squares or a larger dictionary"
            )
        board = cv2.aruco.CharucoBoard((self.columns, self.rows), 1.0, self.marker_share, dictionary)
        board.setLegacyPattern(legacy)
        return board

    def save(self, path: Path) -> None:
        """Write board.toml, which `--board` reads.

        Raises:
            GateError: it cannot be written there.
        """
        content = {key: value for key, value in msgspec.to_builtins(self).items() if value is not None}
        write_whole(path, "board", tomli_w.dumps(content).encode())


def read_board(text: str) -> Board:
    """Board from what `--board` was given: a board.toml, or for example `chessboard:10x7:24.9`.

    Raises:
        GateError: neither of the two.
    """
    if found := _SPEC.fullmatch(text):
        kind, columns, rows, square_mm = found.groups()
        values = {"kind": kind, "columns": int(columns), "rows": int(rows)}
        return _convert(text, values | ({"square_mm": _number(text, square_mm)} if square_mm else {}))
    if not text.endswith(".toml"):
        raise GateError(
            f"board: {text!r} is not understood; give the board.toml that `board` wrote, or KIND:COLUMNSxROWS:"
            "SQUARE_MM counted in squares, for example charuco:7x10:24.9 or chessboard:10x7:30"
        )
    return _convert(text, read_toml(Path(text), "board"))


def _convert(text: str, values: dict[str, object]) -> Board:
    if unknown := set(values) - set(Board.__dataclass_fields__):
        raise GateError(f"{text}: {sorted(unknown)[0]}: unknown key of a board")
    try:
        return msgspec.convert(values, Board)
    except msgspec.ValidationError as error:
        raise GateError(f"{text}: not a board: {error}") from error


def _number(text: str, digits: str) -> float:
    try:
        return float(digits)
    except ValueError:
        raise GateError(f"board: {text!r}: the square size {digits!r} is not a number") from None
