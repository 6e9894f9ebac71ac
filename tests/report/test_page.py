"""The page: complete in a real browser without any network, and without anybody's password."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path

import pytest

from pipeline.post.plate_formats import EUROPE
from pipeline.post.tracker import PassageTracker, TrackSettings
from pipeline.report.passage import estimate_text
from pipeline.report.record import Recorder
from pipeline.report.write import Circumstances, Replayed, report_page
from tests.report.recorded import recorded
from tests.synthetic.scenarios import PASSING, TWO_CARS

CHROMIUM = shutil.which("chromium")
RAN_WITH = Circumstances("camera.toml", "plate_corners.onnx, 0123456789ab, on cpu", 0.5)
ASK = """<script>
const boxes = [...document.querySelectorAll("svg")].map(svg => svg.getBoundingClientRect());
document.title = JSON.stringify({
  images: [...document.images].map(image => image.complete && image.naturalWidth),
  svg_images: document.querySelectorAll("svg image").length,
  charts: boxes.filter(box => box.width > 300 && box.height > 100).length,
  loaded: performance.getEntriesByType("resource").map(entry => entry.name.slice(0, 5)),
  wider: document.documentElement.scrollWidth - window.innerWidth,
  targets: [...document.querySelectorAll("a")].filter(a => !document.querySelector(a.getAttribute("href"))).length,
});
</script></body>"""


@pytest.fixture(scope="module")
def queue() -> tuple[str, Recorder]:
    recorder, truths = recorded(TWO_CARS)
    return report_page([Replayed("queue.mp4", len(truths), {"bad_time": 2}, recorder)], RAN_WITH), recorder


@pytest.mark.skipif(CHROMIUM is None, reason="no browser (apt-get install chromium)")
def test_browser_shows_every_picture_and_loads_nothing(queue: tuple[str, Recorder], tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(queue[0].replace("</body>", ASK), encoding="utf-8")
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
    ]
    command += ["--disable-component-update", "--disable-sync", "--virtual-time-budget=2000", "--dump-dom"]
    shown = subprocess.run([*command, file.as_uri()], capture_output=True, text=True, timeout=180, check=True)
    title = re.search(r"<title>(.*?)</title>", shown.stdout, re.S)
    assert title is not None
    answer = json.loads(unescape(title.group(1)))
    assert answer["images"] == [
        432,
        432,
    ]  # a plate of 520 mm from the front, with its margin, for each passage
    assert answer["svg_images"] == 2
    assert answer["charts"] == 2 * (1 + 4)
    assert set(answer["loaded"]) <= {"data:"}
    assert answer["wider"] <= 0
    assert answer["targets"] == 0


def test_page_names_nothing_outside_itself(queue: tuple[str, Recorder]) -> None:
    text = queue[0].replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|<script|<link|url\(|@import", text)
    sources = re.findall(r'(?:src|href)="([^"]{0,23})', text)
    assert sources
    assert all(source.startswith(("data:image/jpeg;base64,", "#")) for source in sources)


def test_page_says_what_was_published(queue: tuple[str, Recorder]) -> None:
    text, recorder = queue
    assert "26 frames, 2 passages" in text
    assert "2 bad_time" in text
    for passage in recorder.passages:
        assert passage.summary is not None
        motion = passage.summary.motion
        assert (
            text.count(escape(estimate_text(motion.distance_m, "m", 2))) == 2
        )  # in the overview and in the passage
        assert text.count(escape(estimate_text(motion.speed_kmh, "km/h", 1))) == 2
        assert f"eu-520x110, probability {motion.plate_format_probability:.3f}" in text
        assert f'id="{passage.name}"' in text
    assert "too_few_frames: too few frames for a speed" in text


def test_names_are_escaped_and_passwords_left_out() -> None:
    recorder, truths = recorded(PASSING)
    name = 'rtsp://gate:geheim@10.0.0.5/<img src="x">&token=geheim'
    ran_with = Circumstances("<i>camera</i>.toml", "http://user:geheim@models/x.onnx", 0.5)
    text = report_page([Replayed(name, len(truths), {}, recorder)], ran_with)
    assert "geheim" not in text
    assert '<img src="x">' not in text
    assert "<i>" not in text
    assert "&lt;i&gt;camera&lt;/i&gt;.toml" in text


def test_replay_without_vehicle_or_camera_file_has_a_page_too() -> None:
    recorder = Recorder(PassageTracker("replay", None, TrackSettings()), None, EUROPE)
    text = report_page([Replayed("empty.mp4", 90, {}, recorder)], Circumstances(None, "none", 0.5))
    assert "No vehicle was seen" in text
    assert "no camera file: no distance, no speed" in text
