"""The ONNX file of the corner network: its hash, its input size, and whether it is such a network at all.

The interface (made by the export): input `images`, uint8 (batch, height, width, 3), BGR; outputs
`corners_px`, float32 (batch, 4, 2), x and y in input pixels of TL, TR, BR, BL; `corner_cov_px2`, float32
(batch, 4, 2, 2); `presence`, float32 (batch), 0 to 1. The batch is dynamic.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from pipeline.errors import GateError

DEFAULT_INPUT_SIZE_PX = (640, 480)
HASH_DIGITS = 12
PLATE_CORNERS, RECTIFIED_CORNERS, EDGE_CORNERS = "plate-corners", "rectified-corners", "edge-corners"
"""The tasks, as a file may name its own: corners in any image, in a rectified view, and where edges meet in one."""

# None stands for the batch, or for a size that the file may leave open.
_INPUTS: dict[str, tuple[str, tuple[int | None, ...]]] = {"images": ("tensor(uint8)", (None, None, None, 3))}
_OUTPUTS: dict[str, tuple[str, tuple[int | None, ...]]] = {
    "corners_px": ("tensor(float)", (None, 4, 2)),
    "corner_cov_px2": ("tensor(float)", (None, 4, 2, 2)),
    "presence": ("tensor(float)", (None,)),
}

_SOURCE_PLACE = re.compile(r"^/\S+\.cc:\d+ .*?\) (?=[A-Z])")

# ONNX Runtime's exceptions have no common base class; a provider's own start-up raises plain RuntimeError.
ORT_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    ort_errors.EPFail,
    ort_errors.EngineError,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoModel,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


@dataclass(frozen=True)
class ModelFile:
    """A file that was found to be a corner network.

    Attributes:
        path: the file.
        sha256: SHA-256 of the file, 64 hexadecimal digits.
        input_size_px: (width, height) of the network's input.
    """

    path: Path
    sha256: str
    input_size_px: tuple[int, int]

    @property
    def hash(self) -> str:
        """The first digits of `sha256`, for people."""
        return self.sha256[:HASH_DIGITS]


def inspect_model(
    path: Path, input_size_px: tuple[int, int] | None = None, task: str = PLATE_CORNERS
) -> ModelFile:
    """Read a model file and check its interface, on the CPU and without optimising it.

    Args:
        path: the file.
        input_size_px: (width, height) that the inputs are to have, if not the file's own size.
        task: what the file is to be for, if it says so.

    Raises:
        GateError: the file cannot be read, is no ONNX model, is a model of another kind, or takes only inputs of
            another size.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise GateError(f"{path}: cannot read the model: {error.strerror}") from error
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4  # the error raised here says it
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except ORT_ERRORS as error:
        reason = first_line(error).removeprefix(f"Load model from {path} failed:")
        raise GateError(f"{path}: not an ONNX model that can be loaded: {reason}") from error
    problem = _mismatch("input", _INPUTS, session.get_inputs()) or _mismatch(
        "output", _OUTPUTS, session.get_outputs()
    )
    if problem:
        raise GateError(
            f"{path}: not a plate-corner model: {problem}; export one with python -m deploy.export"
        )
    named_task = session.get_modelmeta().custom_metadata_map.get("task", task)
    if named_task != task:
        raise GateError(
            f"{path}: a model for the task {named_task}, not {task}; see [model] path, rectified_path and edge_path"
        )
    _, height, width, _ = session.get_inputs()[0].shape
    default_px = input_size_px or _size_named_in(session) or DEFAULT_INPUT_SIZE_PX
    size_px = (
        width if isinstance(width, int) else default_px[0],
        height if isinstance(height, int) else default_px[1],
    )
    if input_size_px not in (None, size_px):
        raise GateError(
            f"{path}: takes only images of {size_px[0]}x{size_px[1]}, not {input_size_px[0]}x{input_size_px[1]}; "
            "export it anew (deploy.export, deploy.export_rectified, deploy.export_edges), or switch the look off"
        )
    return ModelFile(path, digest, size_px)


def _size_named_in(session: ort.InferenceSession) -> tuple[int, int] | None:
    """(width, height) that the export noted in a file that leaves its input's size open."""
    noted = session.get_modelmeta().custom_metadata_map.get("input", "")
    size = re.match(r"(\d+)x(\d+) ", noted)
    return None if size is None else (int(size[1]), int(size[2]))


def first_line(error: Exception) -> str:
    """The first line of an ONNX Runtime message, without error code and place in its source."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return _SOURCE_PLACE.sub("", lines[0].rpartition(" : ")[2].strip())


def _mismatch(
    kind: str, expected: dict[str, tuple[str, tuple[int | None, ...]]], found: list[Any]
) -> str | None:
    """The first way in which the model's inputs or outputs differ from the interface, None if they fit."""
    by_name = {node.name: node for node in found}
    if kind == "input" and len(found) > len(expected):
        return f"it has {len(found)} inputs ({', '.join(by_name)}), not one"
    for name, (element_type, shape) in expected.items():
        if name not in by_name:
            return f"{kind} {name!r} is missing (it has {', '.join(by_name) or 'none'})"
        node = by_name[name]
        if node.type != element_type:
            return f"{kind} {name!r} is {node.type}, not {element_type}"
        if len(node.shape) != len(shape) or not all(map(_fits, node.shape, shape)):
            return f"{kind} {name!r} has shape {node.shape}, not {_readable(shape)}"
        if isinstance(node.shape[0], int):
            return f"{kind} {name!r} has a fixed batch of {node.shape[0]}; export it with a dynamic batch"
    return None


def _fits(size: int | str | None, expected: int | None) -> bool:
    """Whether one dimension fits; a name or None in the file is a size left open."""
    return expected is None or not isinstance(size, int) or size == expected


def _readable(shape: tuple[int | None, ...]) -> str:
    return "[" + ", ".join("any" if size is None else str(size) for size in shape) + "]"
