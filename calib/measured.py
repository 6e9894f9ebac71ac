"""What was measured at the gate: the file `measured.toml`, and the targets for the fit that it stands for.

`TEMPLATE` explains every line; `python -m calib mount --template` writes it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import cv2
import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from calib.boards import Board
from calib.camera import Camera
from calib.detect import BoardFinder, Detection
from calib.mount import FLAT, UPRIGHT, Group, Held, Target
from calib.plates import SeenPlate, read_passages
from pipeline.errors import GateError
from pipeline.post.plate_formats import formats_named
from pipeline.post.pose import plate_corners_m

Array = NDArray[np.float64]
_Metres = Annotated[float, Meta(ge=-5, le=200)]
_Distance = Annotated[float, Meta(ge=0.3, le=200)]
_Sd = Annotated[float, Meta(gt=0, le=10)]

_CORNER_SD_PX = 0.25  # of a board's corner: detection and an unflat print
_FACING_SD_DEG = (3.0, 3.0, 0.7)  # turn, tilt, lean of all plates together
_EACH_SD_DEG = (3.0, 3.0, 1.0)  # of each against the others
_LAID_SD_DEG = (20.0, 0.3, 0.3)  # a board on the road: turned at will, level as the road is
_PASSAGE_LATERAL_SD_M, _PASSAGE_HEIGHT_SD_M = 0.05, 0.01  # a vehicle along its lane
_PASSAGE_NOISE = 2.0  # corner errors of neighbouring frames are alike: fewer independent ones than frames

TEMPLATE = """\
# What was measured at the gate. Lengths in metres. Delete the parts you do not use.
# "distance_m" is taped along the road from the point straight below the lens (a plumb line) to the point
# straight below the plate; "range_m" is taped straight from the lens to the plate's centre. Give one of them.

[plate]                       # the plate that was held up
format = "eu-520x110"
centre_height_m = 0.50        # plate's centre above the road
height_sd_m = 0.01            # how well that is known
lateral_sd_m = 0.03           # how straight along the lane the places lie; 0.5 if they do not follow the lane

[[plate_at]]
image = "d300.jpg"            # as in the lines of `run_gate.py locate --json`
distance_m = 3.00
[[plate_at]]
image = "d500.jpg"
distance_m = 5.00
[[plate_at]]
image = "d800.jpg"
distance_m = 8.00

#[[board_at]]                 # the calibration board on the road, printed text towards the camera
#image = "floor.jpg"
#placed = "lying"             # or "standing"
#distance_m = 4.00            # to the lower edge of its squares
#height_m = 0.01              # of that edge above the road

#[passages]                   # vehicles that drove straight along the lane
#file = "events.jsonl"        # as `run_gate.py run` or `replay` writes them
#plate_height_m = 0.50
#height_sd_m = 0.15

#[camera]
#height_m = 2.30              # the lens above the road, if you can tape it
#height_sd_m = 0.02

[stop_line]                   # one of the two
clicks_px = []                # two or more points on the line: [[412, 700], [880, 705]]; `--click IMAGE` fills in
#distance_m = 2.00            # taped like the distances above
"""


@dataclass(frozen=True)
class Plate:
    """The plate that was held up."""

    format: str = "eu-520x110"
    centre_height_m: _Metres = 0.5
    height_sd_m: _Sd = 0.01
    lateral_sd_m: _Sd = 0.03


@dataclass(frozen=True)
class PlateAt:
    """The plate at a taped place."""

    image: str
    distance_m: _Distance | None = None
    range_m: _Distance | None = None
    tape_sd_m: _Sd = 0.01


@dataclass(frozen=True)
class BoardAt:
    """The board at a taped place."""

    image: str
    placed: Literal["lying", "standing"]
    distance_m: _Distance | None = None
    height_m: _Metres = 0.0
    height_sd_m: _Sd = 0.005
    tape_sd_m: _Sd = 0.01


@dataclass(frozen=True)
class Passages:
    """Recorded vehicles."""

    file: str
    plate_height_m: _Metres = 0.5
    height_sd_m: _Sd = 0.15


@dataclass(frozen=True)
class TapedCamera:
    """The camera's own height."""

    height_m: _Distance
    height_sd_m: _Sd = 0.02


@dataclass(frozen=True)
class StopLine:
    """Where the stop line is."""

    clicks_px: tuple[tuple[float, float], ...] = ()
    distance_m: _Metres | None = None
    sd_m: _Sd = 0.01


@dataclass(frozen=True)
class Measured:
    """All measurements; see `TEMPLATE`."""

    plate: Plate = field(default_factory=Plate)
    plate_at: tuple[PlateAt, ...] = ()
    board_at: tuple[BoardAt, ...] = ()
    passages: Passages | None = None
    camera: TapedCamera | None = None
    stop_line: StopLine = field(default_factory=StopLine)

    @classmethod
    def load(cls, path: Path) -> Measured:
        """Read measured.toml.

        Raises:
            GateError: it is missing, is not TOML, or a key is unknown or out of range.
        """
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise GateError(f"{path}: cannot read the measurements: {error}") from error
        _check_keys(path, data)
        try:
            return msgspec.convert(data, cls)
        except msgspec.ValidationError as error:
            raise GateError(f"{path}: {error}") from error


def groups(measured: Measured, camera: Camera, plates: Mapping[str, SeenPlate], folder: Path, board: Board | None) -> list[Group]:
    """Targets of all measurements.

    Args:
        measured: the file's content.
        camera: whose images these are.
        plates: corners found in the images, by file name.
        folder: where the board's images and the passages' file are.
        board: the calibration board, if one was used.

    Raises:
        GateError: an image has no corners, or shows no board.
    """
    found: list[Group] = []
    if measured.plate_at:
        found.append(_plate_group(measured, plates))
    for placed in ("lying", "standing"):
        items = [item for item in measured.board_at if item.placed == placed]
        if items:
            found.append(_board_group(items, camera, folder, board))
    if measured.passages is not None:
        found += _passage_groups(measured.passages, folder)
    return found


def _plate_group(measured: Measured, plates: Mapping[str, SeenPlate]) -> Group:
    plate = measured.plate
    points = plate_corners_m(formats_named([plate.format])[0])
    targets = []
    for item in measured.plate_at:
        seen = plates.get(Path(item.image).name)
        if seen is None:
            raise GateError(
                f"mount: no corners for {item.image}; run `run_gate.py locate --json` on it and give its output as --corners"
            )
        _check_taped(item.image, item.distance_m, item.range_m)
        targets.append(
            Target(item.image, points, seen.corners_px, seen.corner_cov_px2, item.distance_m, item.range_m, item.tape_sd_m)
        )
    return Group(
        tuple(targets),
        UPRIGHT,
        Held(0.0, plate.centre_height_m, 0.0, 0.0, 0.0),
        Held(3.0, plate.height_sd_m, *_FACING_SD_DEG),
        Held(plate.lateral_sd_m, 0.005, *_EACH_SD_DEG),
    )


def _board_group(items: Sequence[BoardAt], camera: Camera, folder: Path, board: Board | None) -> Group:
    if board is None:
        raise GateError("mount: [[board_at]] needs the board; give --board")
    lying = items[0].placed == "lying"
    finder = BoardFinder(board)
    targets = [_board_target(item, camera, folder / item.image, finder) for item in items]
    heights = [item.height_m for item in items]
    single = _LAID_SD_DEG if lying else (3.0, 2.0, 0.5)
    return Group(
        tuple(targets),
        FLAT if lying else UPRIGHT,
        Held(0.0, float(np.mean(heights)), 0.0, 0.0, 0.0),
        Held(3.0, max(item.height_sd_m for item in items), 3.0, 0.2, 0.2),
        Held(0.5, 0.003 + float(np.ptp(heights)), *single),
    )


def _board_target(item: BoardAt, camera: Camera, path: Path, finder: BoardFinder) -> Target:
    _check_taped(item.image, item.distance_m, None)
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise GateError(f"{path}: not a readable image")
    camera.require_image_size(image.shape[1], image.shape[0])
    found = finder.find(np.asarray(image, np.uint8))
    if found is None:
        raise GateError(f"{path}: no {finder.board.describe()} found; check --board and take a sharper image")
    return board_target(item.image, finder.board, found, item.distance_m, item.tape_sd_m)


def board_target(name: str, board: Board, found: Detection, distance_m: float | None, tape_sd_m: float) -> Target:
    """A board as a target whose origin is the middle of the lower edge of its squares.

    The corners of a chessboard may be numbered from either end; the lower row is the one lower in the image.
    """
    points = board.points_m - (board.size_m[0] / 2, board.size_m[1], 0.0)
    ids = found.ids
    if board.kind == "chessboard" and found.corners_px[0, 1] > found.corners_px[-1, 1]:
        ids = board.corner_count - 1 - ids
    covariances = np.tile(_CORNER_SD_PX**2 * np.eye(2), (len(ids), 1, 1))
    return Target(name, points[ids], found.corners_px, covariances, distance_m, None, tape_sd_m)


def _passage_groups(passages: Passages, folder: Path) -> list[Group]:
    found = []
    for name, plate_format, plates in read_passages(folder / passages.file):
        points = plate_corners_m(formats_named([plate_format])[0])
        targets = tuple(
            Target(f"{name} #{i + 1}", points, plate.corners_px, _PASSAGE_NOISE * plate.corner_cov_px2)
            for i, plate in enumerate(plates)
        )
        found.append(
            Group(
                targets,
                UPRIGHT,
                Held(0.0, passages.plate_height_m, 0.0, 0.0, 0.0),
                Held(3.0, passages.height_sd_m, 3.0, 7.0, 1.5),
                Held(_PASSAGE_LATERAL_SD_M, _PASSAGE_HEIGHT_SD_M, 1.0, 0.5, 0.3),
            )
        )
    return found


def _check_taped(image: str, *taped: float | None) -> None:
    if sum(value is not None for value in taped) != 1:
        raise GateError(f"mount: {image}: give distance_m or range_m, and not both")


def _check_keys(path: Path, data: dict[str, object]) -> None:
    """Refuse unknown keys.

    Raises:
        GateError: names the first one.
    """
    tables = {"plate": Plate, "plate_at": PlateAt, "board_at": BoardAt, "passages": Passages}
    tables |= {"camera": TapedCamera, "stop_line": StopLine}
    for key, value in data.items():
        if key not in tables:
            raise GateError(f"{path}: {key}: unknown key; known: {', '.join(tables)}")
        for item in value if isinstance(value, list) else [value]:
            known = tables[key].__dataclass_fields__
            if not isinstance(item, dict):
                raise GateError(f"{path}: {key}: write it as a table, [{key}] or [[{key}]]")
            if unknown := set(item) - set(known):
                raise GateError(f"{path}: {key}.{sorted(unknown)[0]}: unknown key; known: {', '.join(known)}")


