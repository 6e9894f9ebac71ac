"""Write a network's file whole or not at all, and say which it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx


def write_model(model: onnx.ModelProto, out: Path) -> None:
    """Write to a file beside `out` and move it there; prints size and hash."""
    unfinished = out.with_suffix(".tmp")
    onnx.save(model, unfinished)
    unfinished.replace(out)
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, sha256 {digest[:12]}")
