"""Free text on its way into an event: a last net for camera passwords, and nothing that upsets a terminal."""

from __future__ import annotations

import re

from pipeline.redact import redact

_MAX_CHARACTERS = 300  # as the schema's `Text`
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def public_text(text: str) -> str:
    """`text` without credentials of URLs and without control characters, 300 characters at most."""
    return _CONTROL_CHARACTERS.sub(" ", redact(text))[:_MAX_CHARACTERS]
