"""Checkpoint files: an interrupted write leaves the previous one whole, and nothing in a file that is read is run."""

from __future__ import annotations

import pickle
from collections.abc import Set
from pathlib import Path
from typing import Any

import torch

from pipeline.errors import GateError


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, texts and dictionaries of them."""
    unfinished = path.with_suffix(".tmp")
    torch.save(state, unfinished)
    unfinished.replace(path)


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
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise GateError(f"{path}: not a checkpoint of {owner} ({reason})") from error
    missing = holds - state.keys() if isinstance(state, dict) else holds
    if missing:
        raise GateError(f"{path}: not a checkpoint of {owner} (it lacks {', '.join(sorted(missing))})")
    return dict(state)
