"""Plates seen by the pipeline: the lines of `run_gate.py locate --json`, and the events of recorded passages."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera
from pipeline.errors import GateError
from pipeline.files import as_text

Array = NDArray[np.float64]

LEAST_PRESENCE = 0.5
_LEAST_SD_PX = 0.3  # the network's stated covariance knows nothing of a shifted edge
_LEAST_FRAMES, _MOST_FRAMES, _SURE_FORMAT = 5, 10, 0.9


@dataclass(frozen=True, eq=False)
class SeenPlate:
    """Corners (4, 2) TL, TR, BR, BL of a plate and their covariances (4, 2, 2), in pixels."""

    name: str
    corners_px: Array
    corner_cov_px2: Array


def read_located(path: Path, camera: Camera) -> list[SeenPlate]:
    """The plates of a file of JSON lines with the keys file, image_size_px, presence, corners_px and corner_cov_px2.

    Raises:
        GateError: the file is missing, a line is not such an object, or an image has another size than the camera
            file was made for.
    """
    plates = []
    for number, item in _json_lines(path):
        try:
            width, height = item["image_size_px"]
            if item["presence"] >= LEAST_PRESENCE:
                plates.append(
                    _plate(as_text(Path(item["file"]).name), item["corners_px"], item["corner_cov_px2"])
                )
        except (KeyError, TypeError, ValueError) as error:
            raise GateError(
                f"{path}: line {number}: not a line of `run_gate.py locate --json` ({error})"
            ) from error
        camera.require_image_size(width, height)
    if not plates:
        raise GateError(
            f"{path}: no plate was found in any image; check that it is lit, sharp and large enough"
        )
    return plates


def by_name(path: Path, plates: Sequence[SeenPlate]) -> dict[str, SeenPlate]:
    """The plates of the file `path` by the names of their images; an image may be there twice.

    Raises:
        GateError: a name stands for two images.
    """
    named: dict[str, SeenPlate] = {}
    for plate in plates:
        known = named.setdefault(plate.name, plate)
        if not np.array_equal(known.corners_px, plate.corners_px):
            raise GateError(
                f"{path}: two images are named {plate.name}, and folders do not tell them apart; give them different "
                "names, then run `run_gate.py locate --json` again"
            )
    return named


def read_passages(path: Path, camera: Camera) -> Iterator[tuple[str, str, list[SeenPlate]]]:
    """(name, plate format, plates) of every passage of one camera in a file of events that can be used.

    Frames are thinned to equal steps of the plate's size in the image, so that no place counts twice.

    Args:
        path: a replay's events or a gate's journal, which has the events of all its cameras.
        camera: the one whose passages are wanted. Its name need not be the gate's if the file has one camera only.

    Raises:
        GateError: no passage of images of the camera file's size is usable.
    """
    tracks: dict[tuple[int, str], list[SeenPlate]] = defaultdict(list)
    formats: dict[tuple[int, str], str] = {}
    events = _passage_events(path)
    wanted = _one_camera(path, {str(item["camera"]) for _, _, item in events}, camera.camera_id)
    size_px = [camera.intrinsics.width, camera.intrinsics.height]
    for number, run, item in events:
        try:
            name, shape = str(item["passage"]), item["plate_format"]
            if item["camera"] != wanted or item["image_size_px"] != size_px:
                continue
            if item["kind"] != "passage.end":
                tracks[run, name].append(_plate(name, item["corners_px"], item["corner_cov_px2"]))
            if shape is not None and (shape["probability"] or 0) >= _SURE_FORMAT:
                formats[run, name] = str(shape["name"])
        except (KeyError, TypeError, ValueError) as error:
            raise GateError(f"{path}: line {number}: not an event of this program ({error})") from error
    usable = [key for key in tracks if key in formats and len(tracks[key]) >= _LEAST_FRAMES]
    if not usable:
        raise GateError(
            f"{path}: no passage in images of {size_px[0]}x{size_px[1]}, as the camera file is for, with "
            f"{_LEAST_FRAMES} frames and a sure plate format"
        )
    for key in usable:
        yield key[1], formats[key], _thinned(tracks[key])


def _passage_events(path: Path) -> list[tuple[int, int, dict[str, Any]]]:
    """(line, run of the gate, event) of those of passages; where a camera's numbers fall the gate was restarted.

    After a restart the names of passages come again.
    """
    events: list[tuple[int, int, dict[str, Any]]] = []
    newest: dict[str, tuple[int, int]] = {}
    for number, item in _json_lines(path):
        try:
            name, seq, kind = str(item["camera"]), int(item["seq"]), item["kind"]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise GateError(f"{path}: line {number}: not an event of this program ({error})") from error
        last, run = newest.get(name, (0, 1))
        newest[name] = seq, run + (seq <= last)
        if kind in ("passage.new", "passage.update", "passage.end"):
            events.append((number, newest[name][1], item))
    return events


def _one_camera(path: Path, names: set[str], wanted: str) -> str:
    """Whose events are taken: those of the wanted camera, or of the only one."""
    if len(names) > 1 and wanted not in names:
        raise GateError(
            f"{path}: has events of {', '.join(sorted(names))} and none of {wanted}, as the camera file is named; "
            "give the camera file the name that the camera has at the gate (camera_id)"
        )
    return wanted if wanted in names else next(iter(names), wanted)


def _thinned(plates: Sequence[SeenPlate]) -> list[SeenPlate]:
    sizes = np.array([np.log(max(float(np.ptp(plate.corners_px[:, 0])), 1.0)) for plate in plates])
    wanted = np.linspace(sizes.min(), sizes.max(), _MOST_FRAMES)
    return [plates[i] for i in sorted({int(np.argmin(np.abs(sizes - size))) for size in wanted})]


def _plate(name: str, corners: Any, covariances: Any) -> SeenPlate:
    corners_px, cov_px2 = np.array(corners, np.float64), np.array(covariances, np.float64)
    if corners_px.shape != (4, 2) or cov_px2.shape != (4, 2, 2) or not np.isfinite(corners_px).all():
        raise ValueError("corners_px must be 4 points and corner_cov_px2 4 matrices")
    if np.linalg.eigvalsh(cov_px2).min() < 0:
        raise ValueError("corner_cov_px2 must be covariance matrices")
    return SeenPlate(name, corners_px, cov_px2 + _LEAST_SD_PX**2 * np.eye(2))


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise GateError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise GateError(f"{path}: not a text file in UTF-8") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                item = json.loads(line)
            except json.JSONDecodeError as error:
                raise GateError(f"{path}: line {number}: not JSON ({error.msg})") from error
            except RecursionError as error:
                raise GateError(f"{path}: line {number}: not a JSON object (nested too deeply)") from error
            if not isinstance(item, dict):
                raise GateError(f"{path}: line {number}: not a JSON object")
            yield number, item
