"""Keeps camera passwords out of logs, events and error texts."""

from __future__ import annotations

import re

# Up to the last "@" of the line, so that a password that holds "@", "/" or a space itself is covered too.
_USER_INFO = re.compile(r"://.*@")
# Up to the next "&": some cameras take "user=admin_password=secret_channel=1", and a password may hold "_".
_SECRETS = r"(?:user|usr|login|pass|pw|psw|token|auth|key|secret|session|sig|cred|pin)"
_SECRET_PARAMETER = re.compile(rf"(?i)(\w*{_SECRETS}\w*)=[^&\s]*")
# Before the user info: a value in the query may hold "@", too.
_SECRET_IN_QUERY = re.compile(rf"(?i)([?&][^=&@\s]*{_SECRETS}[^=&@\s]*)=[^&\s]*")


def redact(text: str) -> str:
    """Replaces user names, passwords, tokens and keys of every address in `text` by `***`.

    Rather hides too much than too little.

    >>> redact("rtsp://admin:p@ss/word@10.0.0.5:554/live?channel=1&password=x")
    'rtsp://***@10.0.0.5:554/live?channel=1&password=***'
    """
    text = _SECRET_IN_QUERY.sub(r"\1=***", text)
    return _SECRET_PARAMETER.sub(r"\1=***", _USER_INFO.sub("://***@", text))


def redact_address(address: str) -> str:
    """As `redact`, for a text that is one address, and may be a mistyped one: shows nothing before the last "@".

    >>> redact_address("rtsp:/admin:secret@10.0.0.5/live")
    '***@10.0.0.5/live'
    """
    shown = redact(address)
    return shown if "://" in shown else re.sub(r".*@", "***@", shown)
