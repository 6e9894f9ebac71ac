from __future__ import annotations

import run_gate
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


def test_check_names_a_camera_file_for_another_image_size(
    drive_clip, stand_in_model, camera_file, tmp_path, capsys
):
    other = tmp_path / "other.toml"
    other.write_text(camera_file.read_text().replace("width = 640", "width = 1280"))
    config = write_config(tmp_path, str(drive_clip), stand_in_model, other, 0)
    config.write_text(config.read_text().replace("127.0.0.1:0", "127.0.0.1:*"))
    assert run_gate.main(["check", "--config", str(config)]) == 1
    assert "FAIL  camera entry-1 calibration" in capsys.readouterr().out
