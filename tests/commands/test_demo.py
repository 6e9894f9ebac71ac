"""The README's first command with the shipped network: the slowest test, and the one that says that it all works.

What the demo does with the catalogue of clips is tested with the true corners in the place of the network's.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import run_gate
from pipeline.commands import clip_table, demo
from pipeline.config import SHIPPED_MODEL
from pipeline.synthetic.clips import DrawnClip
from tests.synthetic.scenarios import PASSING, TWO_CARS
from tests.synthetic.standin import TrueCorners

CLIPS = (DrawnClip("passing", "", lambda: PASSING), DrawnClip("two-cars", "", lambda: TWO_CARS))
SESSION = SimpleNamespace(
    model=SimpleNamespace(path=Path("standin.onnx"), hash="standin"), provider="cpu", max_batch=1
)


def test_demo_reports_one_passage_close_to_the_truth(tmp_path, capsys):
    eight_bits = SHIPPED_MODEL.with_name("plate_corners_int8.onnx")  # as exact, and three times as fast here
    options = ["--speed-kmh", "30", "--provider", "cpu", "--model", str(eight_bits)]
    assert run_gate.main(["demo", "--out", str(tmp_path), *options]) == 0
    printed = capsys.readouterr().out
    assert "one vehicle, one passage" in printed
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    truths = json.loads((tmp_path / "truth.json").read_text())
    end = events[-1]
    truth = truths[-1]
    assert end["kind"] == "passage.end" and end["last_time_s"] == pytest.approx(truth["time_s"], abs=1e-3)
    camera_to_plate_m = truth["range_m"]
    assert abs(end["distance_m"] - truth["distance_m"]) < 0.05 * camera_to_plate_m
    assert end["speed_kmh"] == pytest.approx(truth["speed_kmh"], rel=0.10)
    assert all(
        (tmp_path / name).stat().st_size > 10_000 for name in ("clip.mp4", "annotated.mp4", "report.html")
    )


def test_all_scores_every_clip_and_keeps_its_files(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(clip_table, "CLIPS", CLIPS)
    locator = TrueCorners([PASSING, TWO_CARS])
    monkeypatch.setattr(demo, "open_locator", lambda config: (locator, SESSION))
    assert run_gate.main(["demo", "--all", "--out", str(tmp_path)]) == 0
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert lines["passing"][1] == "1/1" and lines["two-cars"][1] == "2/2" and lines["all"][1] == "3/3"
    assert lines["passing"][2] == str(
        len(PASSING.times_s) - 2
    )  # the first two frames come before the passage
    assert float(lines["all"][3]) < 0.1  # per cent of the range: the corners are the true ones
    for clip in CLIPS:
        names = {path.name for path in (tmp_path / clip.name).iterdir()}
        assert names == {
            "clip.mp4",
            "annotated.mp4",
            "report.html",
            "events.jsonl",
            "truth.json",
            "camera.toml",
        }


def test_all_fails_where_a_car_is_missed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(clip_table, "CLIPS", CLIPS[1:])
    locator = TrueCorners([replace(TWO_CARS, behind=())])
    monkeypatch.setattr(demo, "open_locator", lambda config: (locator, SESSION))
    assert run_gate.main(["demo", "--all", "--out", str(tmp_path)]) == 1
    assert "1/2!" in capsys.readouterr().out


def test_unknown_clip_is_refused_with_the_names_that_there_are(tmp_path, capsys):
    assert run_gate.main(["demo", "--clip", "quiz", "--out", str(tmp_path)]) == 2
    assert "no clip 'quiz'; there are: approach" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--clip", "queue", "--seed", "3"], "have their own"),
        (["--all", "--speed-kmh", "20"], "have their own"),
        (["--speed-kmh", "inf"], "1 to 100 km/h"),
    ],
)
def test_options_that_would_do_nothing_or_harm_are_refused(tmp_path, capsys, options, said):
    assert run_gate.main(["demo", *options, "--out", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err


def test_negative_seed_is_refused(capsys):
    with pytest.raises(SystemExit):
        run_gate.main(["demo", "--seed", "-1"])
    assert "--seed: -1: give a whole number, 0 or more" in capsys.readouterr().err
