"""Checkpoint files: an interrupted write leaves the previous one whole, and nothing in a file that is read is run."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import torch

from pipeline.errors import GateError
from pipeline.files import write_whole


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, texts and dictionaries of them.

    Raises:
        GateError: it cannot be written there.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_whole(path, "checkpoint", buffer.getvalue())


def read_checkpoint(path: Path, holds: Set[str], owner: str) -> dict[str, Any]:
    """What `write_checkpoint` wrote.

    Args:
        path: of the file; nothing in it is run.
        holds: the keys that it must have.
        owner: what the checkpoint is of, for the error.

    Raises:
        GateError: not such a checkpoint.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch's reader fail in any way
        raise GateError(f"{path}: not a checkpoint of {owner} ({_reason(error)})") from error
    if not isinstance(state, dict):
        raise GateError(f"{path}: not a checkpoint of {owner} (it holds a {type(state).__name__})")
    missing = holds - state.keys()
    if missing:
        raise GateError(f"{path}: not a checkpoint of {owner} (it lacks {', '.join(sorted(missing))})")
    return dict(state)


def _reason(error: Exception) -> str:
    """The first line, but for torch's advice to run what is in the file."""
    if isinstance(error, pickle.UnpicklingError):
        return "it is damaged, or holds more than numbers; nothing in it was run"
    return (str(error) or type(error).__name__).splitlines()[0]


@contextmanager
def contents_of(path: Path, owner: str) -> Iterator[None]:
    """What `read_checkpoint` gave is put to use in the block; where it does not fit, the file is named.

    Raises:
        GateError: it does not fit.
    """
    try:
        yield
    except (
        AttributeError, KeyError, RuntimeError, TypeError, ValueError, msgspec.ValidationError
    ) as error:  # fmt: skip
        raise GateError(f"{path}: not a checkpoint of {owner} as it is now ({_reason(error)})") from error
