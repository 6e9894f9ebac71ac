"""Write a network's file whole or not at all, and say which it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx

from pipeline.files import write_whole


def write_model(model: onnx.ModelProto, out: Path) -> None:
    """Write the file and print its size and hash.

    Raises:
        GateError: it cannot be written there.
    """
    data = model.SerializeToString()
    write_whole(out, "network", data)
    print(f"{out}: {len(data) / 1e6:.1f} MB, sha256 {hashlib.sha256(data).hexdigest()[:12]}")
