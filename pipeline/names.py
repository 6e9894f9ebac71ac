"""What a camera may be called: its name is part of topics, passage names and pages."""

from __future__ import annotations

import re

from pipeline.errors import GateError

_CAMERA_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


def check_camera_id(camera: str) -> str:
    """`camera` itself.

    Raises:
        GateError: it is empty, too long, holds others than letters, digits, '-', '_' and '.',
            or begins with '.'.
    """
    if not _CAMERA_ID.fullmatch(camera):
        raise GateError(
            f"camera id {camera!r}: use 1 to 64 letters, digits, '-', '_' and '.', the first no '.'"
        )
    return camera
