"""The README's first command with the shipped network: the slowest test, and the one that says that it all works."""

from __future__ import annotations

import json

import pytest

import run_gate


def test_demo_reports_one_passage_close_to_the_truth(tmp_path, capsys):
    assert run_gate.main(["demo", "--out", str(tmp_path), "--provider", "cpu"]) == 0
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
    assert all((tmp_path / name).stat().st_size > 10_000 for name in ("clip.mp4", "annotated.mp4"))
