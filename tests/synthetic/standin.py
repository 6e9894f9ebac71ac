"""A network that knows the truth of a drawn clip, up to noise: the pipeline after it can be tested without one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.events import EventComposer, PassageEvent
from pipeline.frames import Frame, FrameStamp, PlateLocation, PlateObservation
from pipeline.post.tracker import PassageTracker, TrackSettings
from pipeline.synthetic.scene import Scenario

SD_PX = 0.5
_BLANK = np.zeros((4, 4, 3), np.uint8)


class TrueCorners:
    """A locator for clips that are replayed one after the other: the true corners of each frame's closest plate."""

    def __init__(self, scenarios: Sequence[Scenario]) -> None:
        self._truths = iter(
            [scenario.truths(time_s) for scenario in scenarios for time_s in scenario.times_s.tolist()]
        )

    def locate(self, images: Sequence[NDArray[np.uint8]]) -> list[PlateLocation]:
        """The next frames' corners."""
        covariance = np.tile(SD_PX**2 * np.eye(2), (4, 1, 1))
        return [
            PlateLocation(
                float(bool(truths)), truths[0].corners_px if truths else np.zeros((4, 2)), covariance
            )
            for _, truths in zip(images, self._truths, strict=False)
        ]

    def interrupt(self) -> None:
        """Nothing to interrupt."""


def see(scenario: Scenario, hidden: frozenset[int] = frozenset(), seed: int = 0) -> list[PassageEvent]:
    """Passage events, one a frame, of the tracker on true corners with white noise.

    In the frames of `hidden`, counted from 0, no plate is seen.
    """
    rng = np.random.default_rng(seed)
    tracker = PassageTracker("gate", scenario.camera, TrackSettings(update_interval_s=0.0))
    reports = []
    for index, time_s in enumerate(scenario.times_s.tolist()):
        stamp = FrameStamp("gate", index, 1, time_s, "pts")
        truths = scenario.truths(time_s)
        seen = bool(truths) and index not in hidden
        corners = truths[0].corners_px + rng.normal(scale=SD_PX, size=(4, 2)) if seen else np.zeros((4, 2))
        plate = PlateLocation(float(seen), corners, np.tile(SD_PX**2 * np.eye(2), (4, 1, 1)))
        reports += tracker.update(PlateObservation(Frame(stamp, _BLANK), plate))
    composer = EventComposer()
    return [composer.passage(report) for report in [*reports, *tracker.finish()]]
