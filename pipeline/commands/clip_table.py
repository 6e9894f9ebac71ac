"""All drawn clips through the real pipeline, a line each: `demo --all`."""

from __future__ import annotations

import operator
from functools import reduce
from pathlib import Path

from tqdm import tqdm

from pipeline.commands.clip_run import draw_clip, run_clip
from pipeline.events import Event, PassageEvent
from pipeline.inference.locator import Locator
from pipeline.inference.session import CornerSession
from pipeline.post.tracker import TrackSettings
from pipeline.synthetic.clips import CLIPS
from pipeline.synthetic.score import ClipScore, Errors, score

HEADER = (
    f"{'':16}{'passages':>8}{'':>8}  {'distance error, % of the range':31}{'speed error, km/h':31}{'format':>6}\n"
    f"{'clip':16}{'of cars':>8}{'frames':>8}  {2 * '   mean   worst  95 % holds     '}{'right':>6}  quality"
)
_EVERY_FRAME = TrackSettings(update_interval_s=0.0)


class Kept:
    """A sink that keeps the passage events."""

    def __init__(self) -> None:
        self.events: list[PassageEvent] = []

    def emit(self, event: Event, jpeg: bytes | None = None) -> None:
        """Keep the event if it is about a passage."""
        if isinstance(event, PassageEvent):
            self.events.append(event)


def run_all(out: Path, locator: Locator, session: CornerSession) -> bool:
    """Draw and run every clip in a folder of its own under `out`; prints the table.

    Returns:
        Whether each vehicle of each clip made one passage.
    """
    print(HEADER)
    scores = []
    for clip in CLIPS:
        folder, scenario, kept = out / clip.name, clip.make(), Kept()
        draw_clip(folder, scenario)
        run_clip(folder, scenario, locator, session, [kept], _EVERY_FRAME)
        scores.append(score(kept.events, scenario))
        tqdm.write(line(clip.name, scores[-1]))
    total = reduce(operator.add, scores)
    print(line("all", total))
    return total.passages_right


def line(name: str, found: ClipScore) -> str:
    """One line of the table; a "!" where passages and vehicles do not match."""
    passages = f"{found.passages}/{found.vehicles}{'' if found.passages_right else '!'}"
    right = f"{100 * sum(found.formats) / len(found.formats):.0f} %" if found.formats else "-"
    qualities = ", ".join(f"{count} {quality}" for quality, count in found.qualities.most_common())
    numbers = f"{_errors(found.distance):31}{_errors(found.speed):31}"
    return f"{name:16}{passages:>8}{found.frames:>8}  {numbers}{right:>6}  {qualities}"


def _errors(found: Errors) -> str:
    """Mean and worst error and the share of intervals that hold the truth, of how many."""
    count = len(found.errors)
    if not count:
        return f"{'-':>7}"
    return f"{found.mean:7.2f} {found.worst:+7.2f} {100 * found.coverage:5.0f} % of {count:3d}"
