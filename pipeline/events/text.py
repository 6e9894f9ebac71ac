"""Free text on its way into an event: a last net for camera passwords, and nothing that upsets a terminal."""

from __future__ import annotations

import re

_MAX_CHARACTERS = 300  # as the schema's `Text`
_USER_INFO_OF_URL = re.compile(r"://\S*@")
_SECRET_PARAMETER = re.compile(r"(?i)(\w*(?:user|login|pass|pwd|token|auth|key|secret)\w*)=[^&\s]*")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def public_text(text: str) -> str:
    """`text` without credentials of URLs and without control characters, 300 characters at most."""
    text = _USER_INFO_OF_URL.sub("://***@", text)
    text = _SECRET_PARAMETER.sub(r"\1=***", text)
    return _CONTROL_CHARACTERS.sub(" ", text)[:_MAX_CHARACTERS]
