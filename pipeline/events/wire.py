"""What publisher and subscriber agree on: endpoint, topics and size limits.

A message is [topic, event as JSON] or [topic, event as JSON, plate as JPEG]; a topic `gate/<camera>/<kind>/`.
ZeroMQ compares prefixes, so the delimiter at the end keeps camera "entry-1" from matching "entry-10".
"""

from __future__ import annotations

import re

from pipeline.errors import GateError
from pipeline.events.schema import EventHeader

DEFAULT_ENDPOINT = "tcp://127.0.0.1:5571"
MAX_JPEG_BYTES = 1024 * 1024

_TCP_ENDPOINT = re.compile(r"tcp://[A-Za-z0-9.*_-]+:(\d{1,5}|\*)")
_IPC_ENDPOINT = re.compile(r"ipc://\S+")
_LOCAL_ENDPOINT = re.compile(r"ipc://.*|tcp://(127\.\d+\.\d+\.\d+|localhost):.*")


def topic_of(event: EventHeader) -> bytes:
    """The topic that `event` is published under."""
    return topic_prefix(event.camera) + f"{event.kind}/".encode()


def topic_prefix(camera: str | None) -> bytes:
    """What to subscribe to for everything of one camera, or of all cameras (None)."""
    return b"gate/" if camera is None else f"gate/{camera}/".encode()


def check_endpoint(endpoint: str) -> str:
    """`endpoint` itself.

    Raises:
        GateError: it is neither `tcp://host:port` nor `ipc://path`.
    """
    tcp = _TCP_ENDPOINT.fullmatch(endpoint)
    # ZeroMQ takes ports beyond 65535 silently, modulo 65536.
    if (tcp and (tcp[1] == "*" or int(tcp[1]) <= 65535)) or _IPC_ENDPOINT.fullmatch(endpoint):
        return endpoint
    raise GateError(
        f"event endpoint {endpoint!r}: use tcp://host:port or ipc://path, like {DEFAULT_ENDPOINT}"
    )


def is_local(endpoint: str) -> bool:
    """Whether only this machine can reach `endpoint`."""
    return _LOCAL_ENDPOINT.fullmatch(endpoint) is not None
