"""What publisher and subscriber agree on: topics and size limits.

A message is [topic, event as JSON] or [topic, event as JSON, plate as JPEG]; a topic `gate/<camera>/<kind>/`.
ZeroMQ compares prefixes, so the delimiter at the end keeps camera "entry-1" from matching "entry-10".
"""

from __future__ import annotations

import re

from pipeline.events.schema import EventHeader

MAX_JPEG_BYTES = 1024 * 1024

_LOCAL_ENDPOINT = re.compile(r"ipc://.*|tcp://(127\.\d+\.\d+\.\d+|localhost):.*")


def topic_of(event: EventHeader) -> bytes:
    """The topic that `event` is published under."""
    return topic_prefix(event.camera) + f"{event.kind}/".encode()


def topic_prefix(camera: str | None) -> bytes:
    """What to subscribe to for everything of one camera, or of all cameras (None)."""
    return b"gate/" if camera is None else f"gate/{camera}/".encode()


def is_local(endpoint: str) -> bool:
    """Whether only this machine can reach `endpoint`."""
    return _LOCAL_ENDPOINT.fullmatch(endpoint) is not None
