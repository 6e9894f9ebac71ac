"""Pictures are dealt into training, validation and dev in blocks, so that those of one passage mostly stay on one side.

Neighbouring frames of a gate show the same vehicle in nearly the same place. A network that was trained on one of them
looks better on the other than it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from pipeline.errors import GateError

BLOCKS = ("train", "train", "dev", "train", "validation", "train", "train", "dev", "train", "train")
"""Splits of ten equal parts of the file order, spread so that training and dev see more than one part of the day."""


def deal(paths: Sequence[PurePath], group_of_name: str | None = None) -> list[tuple[str, str]]:
    """Group and split of each picture.

    Args:
        paths: in natural order.
        group_of_name: regular expression whose first bracket (or whole match) in the file name tells the passage,
            the car or the day that a picture belongs to. None takes ten blocks of neighbouring files as groups.

    Returns:
        (group, split) of each path.

    Raises:
        GateError: fewer than ten groups, or a name that the expression does not fit.
    """
    if group_of_name is None:
        groups = [f"block-{number * len(BLOCKS) // len(paths)}" for number in range(len(paths))]
    else:
        groups = [_group(path, group_of_name) for path in paths]
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    if len(numbers) < len(BLOCKS):
        raise GateError(
            f"{len(paths)} pictures in {len(numbers)} groups cannot be dealt into train, validation and dev; "
            f"at least {len(BLOCKS)} groups are needed"
        )
    return [(group, BLOCKS[numbers[group] * len(BLOCKS) // len(numbers)]) for group in groups]


def _group(path: PurePath, expression: str) -> str:
    try:
        match = re.search(expression, path.name)
    except re.error as error:
        raise GateError(f"--group {expression}: not a regular expression ({error})") from error
    if match is None:
        raise GateError(f"--group {expression}: does not fit the file name {path.name}")
    return match[1] if match.re.groups else match[0]
