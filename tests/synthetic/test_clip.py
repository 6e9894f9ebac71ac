"""Written clips: presentation times, images, truth and camera beside the video."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from calib.camera import Camera
from pipeline.synthetic.approach import Approach
from pipeline.synthetic.clip import write_clip
from pipeline.synthetic.render import frames
from pipeline.synthetic.scene import Scenario, gate_camera


@pytest.mark.parametrize("fps", [12.5, 29.97])
def test_clip_carries_the_times_and_images_of_the_truth(tmp_path: Path, fps: float) -> None:
    approach = Approach(start_m=5.0, end_m=4.0, speed_kmh=10.0)
    scenario = Scenario(camera=gate_camera(320, 240), approach=approach, fps=fps)
    done: list[tuple[int, int]] = []
    truths = write_clip(
        tmp_path / "clip.mp4",
        scenario,
        tmp_path / "truth.json",
        tmp_path / "camera.toml",
        progress=lambda count, total: done.append((count, total)),
    )
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        decoded = list(container.decode(video=0))
    assert [frame.time for frame in decoded] == pytest.approx([truth.time_s for truth in truths], abs=1e-4)
    assert [frame.time for frame in decoded] == pytest.approx(np.arange(len(truths)) / fps, abs=1e-4)
    assert done[-1] == (len(truths), len(truths))

    drawn = next(frames(scenario))[0].astype(float)
    stored = decoded[0].to_ndarray(format="bgr24").astype(float)
    assert np.abs(stored - drawn).mean() < 6

    rows = json.loads((tmp_path / "truth.json").read_text())
    assert [row["time_s"] for row in rows] == [truth.time_s for truth in truths]
    assert np.array(rows[-1]["corners_px"]) == pytest.approx(truths[-1].corners_px)
    assert Camera.load(tmp_path / "camera.toml") == scenario.camera
