"""Write a rendered clip as an H.264 video with its truth and its camera beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av

from pipeline.synthetic.render import frames
from pipeline.synthetic.scene import Scenario, Truth

_CLOCK_HZ = 90_000


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
        truth_path: where to write the truth, a JSON list with one object a frame.
        camera_path: where to write the matching camera.toml.
        progress: called with the number of frames done and the number of all.

    Returns:
        The truth of every frame.
    """
    lens = scenario.camera.intrinsics
    truths: list[Truth] = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(scenario.fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = lens.width, lens.height, "yuv420p"
        stream.time_base = Fraction(1, _CLOCK_HZ)
        stream.codec_context.time_base = stream.time_base
        stream.options = {"crf": "21", "preset": "veryfast", "threads": "1"}
        for image, truth in frames(scenario):
            picture = av.VideoFrame.from_ndarray(image, format="bgr24")
            picture.pts, picture.time_base = round(truth.time_s * _CLOCK_HZ), stream.time_base
            container.mux(stream.encode(picture))
            truths.append(truth)
            if progress is not None:
                progress(len(truths), len(scenario.times_s))
        container.mux(stream.encode(None))
    if truth_path is not None:
        truth_path.write_text(json.dumps([as_json(truth) for truth in truths], indent=1), encoding="utf-8")
    if camera_path is not None:
        scenario.camera.save(camera_path)
    return truths


def as_json(truth: Truth) -> dict[str, object]:
    """One frame's truth with the names that the events use."""
    return {
        "time_s": truth.time_s,
        "corners_px": truth.corners_px.tolist(),
        "range_m": truth.range_m,
        "distance_m": truth.distance_m,
        "speed_kmh": truth.speed_kmh,
    }
