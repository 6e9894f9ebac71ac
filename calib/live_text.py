"""What a session of taking views says in words: on its page, and on a terminal over SSH."""

from __future__ import annotations

from calib.collect import Answer
from calib.views import ENOUGH_VIEWS, Coverage

ADVICE = {
    "no board": "show the board",
    "blurred": "too blurred: hold still, add light, focus",
    "moving": "hold the board still for a moment",
    "like an earlier view": "move on: tilt it, or show it elsewhere",
    "taken": "taken",
}
NAMES = {
    "views": "number",
    "position": "position",
    "size": "size",
    "tilt_x": "tilt left/right",
    "tilt_y": "tilt up/down",
}


def status_line(answer: Answer, coverage: Coverage) -> str:
    """One line for the terminal."""
    bars = "  ".join(
        f"{NAMES[key]} {_bar(share)}" for key, share in coverage.shares.items() if key != "views"
    )
    return f"{len(coverage.poses):2d} of {ENOUGH_VIEWS}+ views  {bars}  {ADVICE[answer]}"


def coverage_map(coverage: Coverage) -> str:
    """The image's cells for a terminal: `.` no corner, `+` a few, `#` ten or more."""
    return "\n".join(
        "".join("." if count == 0 else "#" if count >= 10 else "+" for count in row)
        for row in coverage.counts
    )


def _bar(share: float) -> str:
    full = round(8 * share)
    return "[" + "#" * full + "-" * (8 - full) + "]"
