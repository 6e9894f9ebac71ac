from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import run_gate
from pipeline.capture import make_source
from pipeline.commands import run
from pipeline.commands.check import journal
from pipeline.commands.check_machine import Finding, pace
from pipeline.config import CameraConfig, GateConfig, ModelConfig, PassageConfig
from tests.commands.test_run import write_config


def test_check_of_a_gate_that_can_run(drive_clip, stand_in_model, camera_file, tmp_path, capsys):
    config = write_config(tmp_path, str(drive_clip), stand_in_model, camera_file, 0)
    config.write_text(config.read_text().replace("127.0.0.1:0", "127.0.0.1:*"))
    assert run_gate.main(["check", "--config", str(config)]) == 0
    printed = capsys.readouterr().out
    assert "the gate can run" in printed and "640x480" in printed and "with mount" in printed
    assert "provider cpu" in printed and "ms an image" in printed and "sha256" in printed


def test_check_names_a_camera_that_does_not_answer(stand_in_model, camera_file, tmp_path, capsys):
    config = write_config(tmp_path, "rtsp://gate:geheim@127.0.0.1:9/none", stand_in_model, camera_file, 0)
    config.write_text(config.read_text().replace("127.0.0.1:0", "127.0.0.1:*"))
    assert run_gate.main(["check", "--config", str(config)]) == 1
    printed = capsys.readouterr().out
    assert "FAIL  camera entry-1" in printed and "geheim" not in printed


def test_check_of_a_camera_that_answers_shows_no_password(
    drive_clip, stand_in_model, camera_file, tmp_path, capsys, monkeypatch
):
    """A recording is read in the place of the camera; what is shown is the camera's address."""

    def recording(camera, url, *, drops, **_):
        assert "geheim" in url
        return make_source(camera, str(drive_clip), drops=drops)

    monkeypatch.setattr(run, "make_source", recording)
    config = write_config(tmp_path, "rtsp://gate:geheim@10.0.0.5/live", stand_in_model, camera_file, 0)
    config.write_text(config.read_text().replace("127.0.0.1:0", "127.0.0.1:*"))
    assert run_gate.main(["check", "--config", str(config)]) == 0
    printed = capsys.readouterr()
    assert "rtsp://***@10.0.0.5/live: 640x480" in printed.out
    assert "geheim" not in printed.out + printed.err


def test_check_names_a_camera_file_for_another_image_size(
    drive_clip, stand_in_model, camera_file, tmp_path, capsys
):
    other = tmp_path / "other.toml"
    other.write_text(camera_file.read_text().replace("width = 640", "width = 1280"))
    config = write_config(tmp_path, str(drive_clip), stand_in_model, other, 0)
    config.write_text(config.read_text().replace("127.0.0.1:0", "127.0.0.1:*"))
    assert run_gate.main(["check", "--config", str(config)]) == 1
    assert "FAIL  camera entry-1 calibration" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("provider", "cameras", "missing"),
    [("cuda", 4, None), ("cpu", 1, "no speeds"), ("cpu", 4, "no passages"), ("auto", 4, None)],
)
def test_check_tells_what_a_slow_provider_costs(provider, cameras, missing):
    """An image takes 0.6 s on this CPU: one camera's vehicles are followed; of four cameras in turn, none is."""
    times = [Finding("ok", "provider cuda", "", 10.0), Finding("ok", "provider cpu", "", 600.0)]
    config = gate(ModelConfig(provider=provider, second_look=False), live=cameras)
    (finding,) = pace([Finding("ok", "model", ""), *times], config)
    assert finding.verdict == ("ok" if missing is None else "--")
    assert missing is None or missing in finding.detail


def test_check_knows_what_the_configuration_asks_of_a_passage():
    """Four cameras in turn at 0.6 s an image: seen every 2.4 s, vehicles are passages if such gaps are allowed."""
    slow = [Finding("ok", "provider cpu", "", 600.0)]
    patient = msgspec.structs.replace(
        gate(ModelConfig(second_look=False), live=4), passage=PassageConfig(confirm_s=6, expiry_s=8)
    )
    (finding,) = pace(slow, patient)
    assert "no speeds" in finding.detail
    hasty = msgspec.structs.replace(patient, passage=PassageConfig(confirm_s=6))
    (finding,) = pace(slow, hasty)
    assert finding.verdict == "--" and "many passages" in finding.detail and "expiry_s" in finding.detail


def test_check_knows_that_a_passage_may_begin_with_one_image():
    slow = [Finding("ok", "provider cpu", "", 3000.0)]
    eager = msgspec.structs.replace(
        gate(ModelConfig(second_look=False), live=1), passage=PassageConfig(min_hits=1, expiry_s=8)
    )
    (finding,) = pace(slow, eager)
    assert "no passages" not in finding.detail and "no speeds" in finding.detail


def test_check_names_a_journal_that_cannot_be_written(tmp_path):
    assert journal(tmp_path / "events.jsonl").verdict == "ok"
    assert not list(tmp_path.iterdir())  # and leaves nothing behind
    (tmp_path / "notes.txt").write_text("no events")
    places = [tmp_path, tmp_path / "missing" / "events.jsonl", tmp_path / "notes.txt", Path("/dev/null")]
    assert [journal(place).verdict for place in places] == ["FAIL"] * 4


def test_check_says_nothing_of_the_pace_of_recordings():
    assert not list(pace([Finding("ok", "provider cpu", "", 5000.0)], gate(ModelConfig(), live=0)))


def gate(model, live):
    """A gate with some live cameras and a recording."""
    cameras = [{"id": f"entry-{number}", "source": "usb:0"} for number in range(live)]
    cameras.append({"id": "recorded", "source": "entry.mp4", "policy": "every"})
    return GateConfig(model=model, cameras=msgspec.convert(cameras, tuple[CameraConfig, ...]))
