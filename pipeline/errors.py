"""The one error that a user is meant to read, and how a command ends on it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

Parameters = ParamSpec("Parameters")


class GateError(Exception):
    """Bad input or a missing ability: one line that says what was wrong, where, and what to do about it.

    The command line prints it on standard error without a traceback and exits with code 2.
    """


def command(main: Callable[Parameters, int]) -> Callable[Parameters, int]:
    """A `main` whose GateError is printed and becomes exit code 2; Ctrl-C becomes exit code 130."""

    @wraps(main)
    def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> int:
        try:
            return main(*args, **kwargs)
        except GateError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt as stop:
            print(stop if stop.args else "interrupted", file=sys.stderr)
            return 130

    return guarded
