"""One verdict in plain language, and what stops a calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.errors import GateError

Level = Literal["good", "improve", "refuse"]


@dataclass(frozen=True)
class Finding:
    """One verdict: `code` for programs, `text` for people."""

    level: Level
    code: str
    text: str


def refuse(findings: Sequence[Finding]) -> None:
    """Stop if anything found forbids a calibration.

    Raises:
        GateError: with all such reasons.
    """
    reasons = [f"{item.code.replace('_', ' ')}: {item.text}" for item in findings if item.level == "refuse"]
    if reasons:
        raise GateError("intrinsics: " + " | ".join(reasons))
