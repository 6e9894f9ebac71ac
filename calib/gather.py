"""From what was measured to the targets of the fit: corners are looked up, boards are found, passages are read.

How well a plate is usually held, and how flat a road is, is stated here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from calib.boards import Board
from calib.camera import Camera
from calib.detect import BoardFinder, Detection
from calib.measured import BoardAt, Measured, Passages, Plate
from calib.plates import SeenPlate, read_passages
from calib.targets import FLAT, UPRIGHT, Group, Held, Target
from pipeline.errors import GateError
from pipeline.post.plate_formats import formats_named
from pipeline.post.pose import plate_corners_m

_CORNER_SD_PX = 0.25  # of a board's corner: detection and an unflat print
_ANYWHERE_SD_M = 3.0  # across the lane: as good as unknown
_LEAN_SHARE = 0.25  # of how square it is held: level is easily seen
# Turned, tilted, leaning. A board on the road is turned at will, and level as the road is.
_BOARDS_SD_DEG, _LAID_SD_DEG, _STOOD_SD_DEG = (3.0, 0.2, 0.2), (20.0, 0.3, 0.3), (3.0, 2.0, 0.5)
_BOARD_LATERAL_SD_M, _BOARD_HEIGHT_SD_M = 0.5, 0.003
# How a plate is fixed to a vehicle, and how a vehicle moves along its lane.
_FIXED_SD_DEG, _DRIVEN_SD_DEG = (3.0, 7.0, 1.5), (1.0, 0.5, 0.3)
_PASSAGE_LATERAL_SD_M, _PASSAGE_HEIGHT_SD_M = 0.05, 0.01
_PASSAGE_NOISE = 2.0  # corner errors of neighbouring frames are alike: fewer independent ones than frames


def groups(
    measured: Measured, camera: Camera, plates: Mapping[str, SeenPlate], folder: Path, board: Board | None
) -> list[Group]:
    """Targets of all measurements.

    Args:
        measured: the file's content.
        camera: whose images these are.
        plates: corners found in the images, by file name.
        folder: where the board's images and the passages' file are.
        board: the calibration board, if one was used.

    Raises:
        GateError: an image has no corners, shows no board, or stands for two places.
    """
    found: list[Group] = []
    if measured.plate_at:
        found.append(_plate_group(measured, plates))
    for placed in ("lying", "standing"):
        items = [item for item in measured.board_at if item.placed == placed]
        if items:
            found.append(_board_group(items, camera, folder, board))
    if measured.passages is not None:
        found += _passage_groups(measured.passages, camera, folder)
    return found


def _plate_group(measured: Measured, plates: Mapping[str, SeenPlate]) -> Group:
    plate = measured.plate
    points = plate_corners_m(formats_named([plate.format])[0])
    targets: list[Target] = []
    names = [Path(item.image).name for item in measured.plate_at]
    for name, item in zip(names, measured.plate_at, strict=True):
        if names.count(name) > 1:
            raise GateError(
                f"mount: two [[plate_at]] name the image {name} (folders do not tell images apart); give each place "
                "an image of its own"
            )
        seen = plates.get(name)
        if seen is None:
            raise GateError(
                f"mount: no corners for {item.image}; run `run_gate.py locate --json` on it and give "
                "its output as --corners"
            )
        _check_taped(item.image, item.distance_m, item.range_m)
        targets.append(
            Target(
                item.image,
                points,
                seen.corners_px,
                seen.corner_cov_px2,
                item.distance_m,
                item.range_m,
                item.tape_sd_m,
            )
        )
    return Group(
        tuple(targets),
        UPRIGHT,
        Held(0.0, plate.centre_height_m, 0.0, 0.0, 0.0),
        *held_sd(plate),
    )


def held_sd(plate: Plate) -> tuple[Held, Held]:
    """Standard deviations of how a plate is held: at all places together, and at each against the others."""
    facing = (plate.facing_sd_deg, plate.facing_sd_deg, _LEAN_SHARE * plate.facing_sd_deg)
    together = Held(_ANYWHERE_SD_M, plate.height_sd_m, *facing)
    return together, Held(plate.lateral_sd_m, plate.each_height_sd_m, *facing)


def _board_group(items: Sequence[BoardAt], camera: Camera, folder: Path, board: Board | None) -> Group:
    if board is None:
        raise GateError("mount: [[board_at]] needs the board; give --board")
    lying = items[0].placed == "lying"
    finder = BoardFinder(board)
    targets = [_board_target(item, camera, folder / item.image, finder) for item in items]
    heights = [item.height_m for item in items]
    single_sd_deg = _LAID_SD_DEG if lying else _STOOD_SD_DEG
    return Group(
        tuple(targets),
        FLAT if lying else UPRIGHT,
        Held(0.0, float(np.mean(heights)), 0.0, 0.0, 0.0),
        Held(_ANYWHERE_SD_M, max(item.height_sd_m for item in items), *_BOARDS_SD_DEG),
        Held(_BOARD_LATERAL_SD_M, _BOARD_HEIGHT_SD_M + float(np.ptp(heights)), *single_sd_deg),
    )


def _board_target(item: BoardAt, camera: Camera, path: Path, finder: BoardFinder) -> Target:
    _check_taped(item.image, item.distance_m, None)
    found = finder.find(camera.read_image(path))
    if found is None:
        raise GateError(f"{path}: no {finder.board.describe()} found; check --board and take a sharper image")
    return board_target(item.image, finder.board, found, item.distance_m, item.tape_sd_m)


def board_target(
    name: str, board: Board, found: Detection, distance_m: float | None, tape_sd_m: float
) -> Target:
    """A board as a target whose origin is the middle of the lower edge of its squares.

    The corners of a chessboard may be numbered from either end; the lower row is the one lower in the image.
    """
    points = board.points_m - (board.size_m[0] / 2, board.size_m[1], 0.0)
    ids = found.ids
    if board.kind == "chessboard" and found.corners_px[0, 1] > found.corners_px[-1, 1]:
        ids = board.corner_count - 1 - ids
    covariances = np.tile(_CORNER_SD_PX**2 * np.eye(2), (len(ids), 1, 1))
    return Target(name, points[ids], found.corners_px, covariances, distance_m, None, tape_sd_m)


def _passage_groups(passages: Passages, camera: Camera, folder: Path) -> list[Group]:
    found = []
    for name, plate_format, plates in read_passages(folder / passages.file, camera):
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
                Held(_ANYWHERE_SD_M, passages.height_sd_m, *_FIXED_SD_DEG),
                Held(_PASSAGE_LATERAL_SD_M, _PASSAGE_HEIGHT_SD_M, *_DRIVEN_SD_DEG),
            )
        )
    return found


def _check_taped(image: str, *taped: float | None) -> None:
    if sum(value is not None for value in taped) != 1:
        raise GateError(f"mount: {image}: give distance_m or range_m, and not both")
