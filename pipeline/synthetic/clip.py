"""Write a rendered clip as an H.264 video with its truth and its camera beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from pipeline.annotate import ClipWriter
from pipeline.synthetic.render import frames
from pipeline.synthetic.scene import Scenario, Truth


def write_clip(
    path: Path,
    scenario: Scenario,
    truth_path: Path | None = None,
    camera_path: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Truth]:
    """Render `scenario` and encode it; presentation times are the truth's times, to 1/90000 s.

    Args:
        path: the video (mp4).
        scenario: what happens in it.
        truth_path: where to write the truth, a JSON list with one object for each plate in each frame.
        camera_path: where to write the matching camera.toml.
        progress: called with the number of frames done and the number of all.

    Returns:
        The truth of every plate in every frame.
    """
    truths: list[Truth] = []
    with ClipWriter(path) as clip:
        for done, (image, truth) in enumerate(frames(scenario), start=1):
            clip.write(image, truth.time_s)
            truths += scenario.truths(truth.time_s)
            if progress is not None:
                progress(done, len(scenario.times_s))
    if truth_path is not None:
        truth_path.write_text(json.dumps([as_json(truth) for truth in truths], indent=1), encoding="utf-8")
    if camera_path is not None:
        scenario.camera.save(camera_path)
    return truths


def as_json(truth: Truth) -> dict[str, object]:
    """One plate's truth in one frame with the names that the events use."""
    return {
        "time_s": truth.time_s,
        "vehicle": truth.vehicle,
        "corners_px": truth.corners_px.tolist(),
        "range_m": truth.range_m,
        "distance_m": truth.distance_m,
        "speed_kmh": truth.speed_kmh,
    }
