"""The one error that a user is meant to read."""


class GateError(Exception):
    """Bad input or a missing ability: one line that says what was wrong, where, and what to do about it.

    The command line prints it on standard error without a traceback and exits with code 2.
    """
