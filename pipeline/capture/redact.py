"""Keeps camera passwords out of logs, events and error texts."""

from __future__ import annotations

import re

# Up to the last "@" of the word, so that a password that holds "@" or "/" itself is covered too.
_USER_INFO = re.compile(r"://\S*@")
# Up to the next "&": some cameras take "user=admin_password=secret_channel=1", and a password may hold "_".
_PASSWORD_FIELD = re.compile(r"(?i)(pass(?:word|wd)?|pwd|token|secret)=[^&\s'\"]*")


def redact(text: str) -> str:
    """Replaces user names, passwords and tokens of every address in `text` by `***`.

    Rather hides too much than too little.

    >>> redact("rtsp://admin:p@ss/word@10.0.0.5:554/live?channel=1&password=x")
    'rtsp://***@10.0.0.5:554/live?channel=1&password=***'
    """
    return _PASSWORD_FIELD.sub(r"\1=***", _USER_INFO.sub("://***@", text))
