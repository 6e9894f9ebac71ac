"""Reads the gate's configuration: one TOML file, once, checked as a whole before anything starts.

Relative paths in it start at the file's folder. What is wrong is said with the file, the key and what to do.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, get_args

import msgspec

from pipeline.config import CameraConfig, EventsConfig, GateConfig, ModelConfig, PassageConfig
from pipeline.errors import GateError, told_with
from pipeline.files import read_toml
from pipeline.names import check_camera_id, check_endpoint

_UNKNOWN_KEY = re.compile(r"Object contains unknown field `(.*)`")


def load_config(path: Path) -> GateConfig:
    """Read and check a gate configuration.

    Raises:
        GateError: the file cannot be read, is not TOML, or a key or value in it is wrong; names file and key.
    """
    data = read_toml(path, "configuration")
    try:
        config = msgspec.convert(data, GateConfig, dec_hook=_to_path)
    except msgspec.ValidationError as error:
        raise GateError(f"{path}: {_explain(str(error))}") from error
    with told_with(str(path)):
        _check(config)
        return _with_absolute_paths(config, path.resolve().parent)


def _check(config: GateConfig) -> None:
    """What the types alone cannot say.

    Raises:
        GateError: with the key, without the file.
    """
    sizes = config.model.batch_sizes
    if not sizes or list(sizes) != sorted(set(sizes)):
        raise GateError("model.batch_sizes: give at least one size, each larger than the one before")
    with told_with("events.endpoint"):
        check_endpoint(config.events.endpoint)
    if not config.cameras:
        raise GateError("camera: no camera is configured; add a [[camera]] table with id and source")
    seen: set[str] = set()
    for index, camera in enumerate(config.cameras):
        _check_camera(camera, f"camera[{index}]")
        if camera.id in seen:
            raise GateError(f"camera[{index}].id: {camera.id!r} is used twice; every camera needs its own id")
        seen.add(camera.id)


def _check_camera(camera: CameraConfig, key: str) -> None:
    with told_with(f"{key}.id"):
        check_camera_id(camera.id)
    if not camera.source_template.strip():
        raise GateError(f"{key}.source: is empty")
    with told_with(f"{key}.source"):
        _ = camera.source


def _to_path(wanted: type, value: Any) -> Path:
    """msgspec's hook for `Path`, the only type here that it does not know itself."""
    if wanted is Path and isinstance(value, str) and value and "\0" not in value:
        return Path(value)
    raise ValueError("Expected a path")


def _with_absolute_paths(config: GateConfig, folder: Path) -> GateConfig:
    def absolute(path: Path | None) -> Path | None:
        return None if path is None else folder / _expanded(path)

    def absolute_source(camera: CameraConfig) -> str:
        """A recording or image folder; addresses, devices and absolute paths stay as they are, with ${NAME} too."""
        source, template = camera.source.strip(), camera.source_template.strip()
        if "://" in source or source.lower().startswith("usb:") or Path(source).is_absolute():
            return template
        return str(folder / _expanded(Path(template)))

    replace = msgspec.structs.replace
    model, events = config.model, config.events
    return replace(
        config,
        model=replace(
            model,
            path=absolute(model.path),
            rectified_path=absolute(model.rectified_path),
            edge_path=absolute(model.edge_path),
            engine_cache=absolute(model.engine_cache),
        ),
        events=replace(events, journal=absolute(events.journal)),
        cameras=tuple(
            replace(
                camera,
                calibration=absolute(camera.calibration),
                source_template=absolute_source(camera),
            )
            for camera in config.cameras
        ),
    )


def _expanded(path: Path) -> Path:
    """The path with the home folder in place of ~."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise GateError(f"{path}: there is no such user") from error


def _explain(message: str) -> str:
    """msgspec's "what - at `$.camera[0].fps`" as "camera[0].fps: what", with advice where there is some."""
    what, _, where = message.partition(" - at `$.")
    key = where.rstrip("`")
    unknown = _UNKNOWN_KEY.fullmatch(what)
    if unknown:
        name = unknown.group(1)
        known = list(_fields_at(key))
        close = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
        return f"{key + '.' if key else ''}{name}: unknown key; {advice}"
    if what.startswith("Invalid enum value"):
        allowed = get_args(_fields_at(key)[key.rpartition(".")[2]].type)
        return f"{key}: {what}; expected one of {', '.join(map(repr, allowed))}"
    if key == "camera":
        return f"{key}: {what}; write [[camera]], with two brackets, for each camera"
    return f"{key}: {what}" if key else what


def _fields_at(key: str) -> dict[str, msgspec.structs.FieldInfo]:
    """The fields, by their name in the file, of the table that the key path `key` is in."""
    tables: dict[str, type[msgspec.Struct]] = {
        "model": ModelConfig,
        "passage": PassageConfig,
        "events": EventsConfig,
        "camera": CameraConfig,
    }
    table = tables.get(re.split(r"[.\[]", key)[0], GateConfig)
    return {field.encode_name: field for field in msgspec.structs.fields(table)}
