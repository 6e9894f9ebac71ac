"""The one error that a user is meant to read, and how a command ends on it and on what is no error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from io import TextIOWrapper
from typing import ParamSpec

Parameters = ParamSpec("Parameters")


class GateError(Exception):
    """Bad input or a missing ability: one line that says what was wrong, where, and what to do about it.

    The command line prints it on standard error without a traceback and exits with code 2.
    """


@contextmanager
def told_with(place: str) -> Iterator[None]:
    """A GateError of the block says first where: the file, the key or the camera."""
    try:
        yield
    except GateError as error:
        raise GateError(f"{place}: {error}") from error


def command(main: Callable[Parameters, int]) -> Callable[Parameters, int]:
    """A `main` whose GateError is printed and becomes exit code 2; Ctrl-C becomes 130.

    When whoever read the output went away, as `head` does, nothing more is said and the code is 141. Characters that
    the terminal's encoding lacks are written as numbers.
    """

    @wraps(main)
    def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> int:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return main(*args, **kwargs)
        except GateError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt as stop:
            print(stop if stop.args else "interrupted", file=sys.stderr)
            return 130
        except BrokenPipeError:
            mute_output()
            return 141

    return guarded


def mute_output() -> None:
    """Whoever read standard output went away: nothing more is said there, not even when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
