"""A recorder that looked on while the tracker followed a drawn scenario, whose true corners it got with noise."""

from __future__ import annotations

import numpy as np

from pipeline.frames import Frame, FrameStamp, PlateLocation, PlateObservation
from pipeline.post.plate_formats import EUROPE
from pipeline.post.tracker import PassageTracker, TrackSettings
from pipeline.report.record import Recorder
from pipeline.synthetic.scene import Scenario, Truth

SD_PX = 0.5


def recorded(scenario: Scenario, elsewhere: frozenset[int] = frozenset()) -> tuple[Recorder, list[Truth]]:
    """The recorder, and the truth of the closest plate in every frame.

    In the frames of `elsewhere`, counted from 0, the network sees a plate in the upper left of the image.
    """
    rng = np.random.default_rng(1)
    tracker = PassageTracker("gate", scenario.camera, TrackSettings())
    recorder = Recorder(tracker, scenario.camera, EUROPE)
    lens = scenario.camera.intrinsics
    image = np.full((lens.height, lens.width, 3), 90, np.uint8)
    truths = [scenario.truths(time_s)[0] for time_s in scenario.times_s.tolist()]
    for index, truth in enumerate(truths):
        stamp = FrameStamp("gate", index, 1, truth.time_s, "pts")
        corners = truth.corners_px + rng.normal(scale=SD_PX, size=(4, 2))
        if index in elsewhere:
            corners = corners - corners[0] + 5.0
        plate = PlateLocation(0.98, corners, np.tile(SD_PX**2 * np.eye(2), (4, 1, 1)))
        observation = PlateObservation(Frame(stamp, image), plate)
        for report in tracker.update(observation):
            recorder.see_report(report)
        recorder.see_frame(observation)
    for report in tracker.finish():
        recorder.see_report(report)
    return recorder, truths
