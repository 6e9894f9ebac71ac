"""What a camera may be called, as its name is part of topics, passage names and pages; where events may go."""

from __future__ import annotations

import re

from pipeline.errors import GateError

DEFAULT_ENDPOINT = "tcp://127.0.0.1:5571"
"""Of the events; this machine alone reaches it."""

_CAMERA_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_TCP_ENDPOINT = re.compile(r"tcp://[A-Za-z0-9.*_-]+:(\d{1,5}|\*)")
_IPC_ENDPOINT = re.compile(r"ipc://\S+")


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


def check_endpoint(endpoint: str) -> None:
    """Refuse what no event endpoint can be.

    Raises:
        GateError: it is neither `tcp://host:port` nor `ipc://path`.
    """
    tcp = _TCP_ENDPOINT.fullmatch(endpoint)
    # ZeroMQ takes ports beyond 65535 silently, modulo 65536.
    if not ((tcp and (tcp[1] == "*" or int(tcp[1]) <= 65535)) or _IPC_ENDPOINT.fullmatch(endpoint)):
        raise GateError(
            f"event endpoint {endpoint!r}: use tcp://host:port or ipc://path, like {DEFAULT_ENDPOINT}"
        )
