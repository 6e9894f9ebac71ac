"""Types of command-line values that every command checks alike."""

from __future__ import annotations

import argparse
import math


def count(text: str) -> int:
    """A whole number, 1 or more."""
    return _whole_number(text, 1)


def natural(text: str) -> int:
    """A whole number, 0 or more."""
    return _whole_number(text, 0)


def _whole_number(text: str, least: int) -> int:
    if not (text.isdecimal() and int(text) >= least):
        raise argparse.ArgumentTypeError(f"{text}: give a whole number, {least} or more")
    return int(text)


def port(text: str) -> int:
    """A TCP port, 0 to 65535."""
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text}: give a port, a whole number from 0 to 65535")
    return int(text)


def positive_number(text: str) -> float:
    """A number above 0."""
    value = _number(text)
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: give a number above 0")
    return value


def probability(text: str) -> float:
    """From 0 to 1."""
    value = _number(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text}: give a probability from 0 to 1")
    return value


def _number(text: str) -> float:
    """NaN for what is none: within no bounds."""
    try:
        return float(text)
    except ValueError:
        return math.nan
