"""The gate as a process of its own, with real sockets and a real RTSP server."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import run_gate
from pipeline.commands import check_machine
from pipeline.commands.run import make_lane
from pipeline.config_file import load_config
from pipeline.events import CameraEvent, EventSubscriber, Heartbeat, PassageEvent, read_journal
from tests.capture.rtsp_process import serve
from tests.commands.conftest import Drive

ROOT = Path(__file__).parents[2]
FIRST_LOOK_ONLY = (
    "second_look = false\nrectified_look = false\nedge_look = false"  # keeps up on a busy machine
)


@pytest.fixture
def camera(tmp_path_factory):
    """An RTSP camera that shows the board drive up again and again."""
    clip = Drive(frames=40).write(tmp_path_factory.mktemp("rtsp") / "drive.mp4", empty_frames=60)
    yield from serve("--file", str(clip), "--user", "gate", "--password", "open-sesame")


def write_config(
    folder: Path, source: str, model: Path, camera_file: Path, port: int, looks: str = ""
) -> Path:
    path = folder / "gate.toml"
    path.write_text(f"""
[model]
path = "{model}"
provider = "cpu"
{looks}
[events]
endpoint = "tcp://127.0.0.1:{port}"
heartbeat_s = 0.5
journal = "events.jsonl"
[[camera]]
id = "entry-1"
source = "{source}"
calibration = "{camera_file}"
open_timeout_s = 5.0
read_timeout_s = 2.0
""")
    return path


@pytest.fixture
def free_port():
    """A port that stays this test's own: bound, so that nobody else is given it, but open to the gate's socket."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def wait_for(subscriber, wanted, timeout_s=120):
    """Events up to the first one that `wanted` accepts."""
    events, deadline_s = [], time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        received = subscriber.receive(timeout_s=1)
        if received is not None:
            events.append(received)
            if wanted(received.event):
                return events
    raise AssertionError(f"did not come within {timeout_s} s; got {[r.event.kind for r in events]}")


def test_run_and_subscribe_through_a_server_restart(camera, stand_in_model, camera_file, tmp_path, free_port):
    source = (
        camera.url.replace("rtsp://", "rtsp://gate:open-sesame@") if "@" not in camera.url else camera.url
    )
    config = write_config(tmp_path, source, stand_in_model, camera_file, free_port, FIRST_LOOK_ONLY)
    command = [sys.executable, str(ROOT / "run_gate.py"), "run", "--config", str(config)]

    def measured(event):
        return event.kind == "passage.end" and event.speed_kmh is not None

    with (
        EventSubscriber(f"tcp://127.0.0.1:{free_port}") as subscriber,
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as gate,
    ):
        try:
            before = wait_for(subscriber, measured)
            camera.kill()
            between = wait_for(subscriber, lambda event: event.kind == "camera.offline")
            camera.start()
            after = wait_for(subscriber, lambda event: event.kind == "passage.end" and event.epoch >= 2)
            gate.send_signal(signal.SIGTERM)
            gate.wait(timeout=20)
        finally:
            gate.kill()
        errors = gate.stderr.read()
    assert gate.returncode == 0, errors
    events = [received.event for received in (*before, *between, *after)]
    ends = [event for event in events if event.kind == "passage.end"]
    speeds_kmh = [end.speed_kmh for end in ends if end.speed_kmh is not None]
    assert speeds_kmh == pytest.approx([14.4] * len(speeds_kmh), rel=0.15)
    assert any(end.distance_m is not None for end in ends)
    assert any(isinstance(event, Heartbeat) and event.provider == "cpu" for event in events)
    assert subscriber.lost == 0 and subscriber.malformed == 0
    crops = [received.jpeg for received in before if isinstance(received.event, PassageEvent)]
    assert any(crop and crop.startswith(b"\xff\xd8") for crop in crops)
    journal = list(read_journal(tmp_path / "events.jsonl"))
    kinds = [event.kind for event in journal if isinstance(event, CameraEvent)]
    assert kinds[:3] == ["camera.online", "camera.offline", "camera.online"]
    states = [event for event in journal if isinstance(event, CameraEvent)]
    assert [event.image_size_px for event in states[:3]] == [(640, 480), None, (640, 480)]
    text = errors + (tmp_path / "events.jsonl").read_text()
    assert "open-sesame" not in text and "Traceback" not in text


def hang_up_by_default() -> None:
    """Tests that run under nohup ignore the end of the terminal, and so would their children."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_stops_a_gate_that_waits_for_a_dead_camera(
    stop, stand_in_model, camera_file, tmp_path, free_port
):
    config = write_config(tmp_path, "rtsp://127.0.0.1:9/none", stand_in_model, camera_file, free_port)
    command = [sys.executable, str(ROOT / "run_gate.py"), "run", "--config", str(config)]
    with (
        EventSubscriber(f"tcp://127.0.0.1:{free_port}") as subscriber,
        subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, preexec_fn=hang_up_by_default
        ) as gate,
    ):
        try:
            wait_for(subscriber, lambda event: event.kind == "heartbeat")
            gate.send_signal(stop)
            gate.wait(timeout=20)
        finally:
            gate.kill()
        errors = gate.stderr.read()
    assert gate.returncode == 0, errors
    assert "Traceback" not in errors


def test_port_in_use_is_one_clear_line(stand_in_model, camera_file, tmp_path, free_port, capsys):
    import zmq

    config = write_config(tmp_path, "rtsp://127.0.0.1:9/none", stand_in_model, camera_file, free_port)
    with zmq.Context() as context, context.socket(zmq.PUB) as other:
        other.bind(f"tcp://127.0.0.1:{free_port}")
        assert run_gate.main(["run", "--config", str(config)]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "in use" in errors[0]


def test_recording_as_a_source_ends_the_run(drive_clip, stand_in_model, camera_file, tmp_path, free_port):
    config = write_config(tmp_path, str(drive_clip), stand_in_model, camera_file, free_port, FIRST_LOOK_ONLY)
    config.write_text(config.read_text() + 'policy = "every"\n')
    assert run_gate.main(["run", "--config", str(config)]) == 0
    kinds = [event.kind for event in read_journal(tmp_path / "events.jsonl")]
    assert kinds.count("passage.new") == kinds.count("passage.end") == 1


@pytest.mark.parametrize("source", ["rtsp://10.0.0.5/${TOKEN}/live", "rtsp://10.0.0.5/live?p=${TOKEN}"])
def test_a_secret_from_the_environment_is_never_shown(tmp_path, monkeypatch, source):
    """Wherever it stands in the address: what is shown is the address as it stands in the configuration."""
    monkeypatch.setenv("TOKEN", "hunter2")
    path = tmp_path / "gate.toml"
    path.write_text(f'[[camera]]\nid = "a"\nsource = "{source}"\n')
    config = load_config(path)
    lane = make_lane(config.cameras[0], config)
    assert lane.source.label == source


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('source = "nowhere.mp4"', "nowhere.mp4: no such file or folder"),
        (
            'source = "usb:0"\ncalibration = "nowhere.toml"',
            "nowhere.toml: cannot read the camera file: No such file",
        ),
        ('source = "usb:0"\nplate_formats = ["eu-1x1"]', "plate_formats: unknown format 'eu-1x1'"),
    ],
)
def test_what_a_camera_lacks_is_told_with_file_and_camera(line, message, tmp_path, capsys):
    path = tmp_path / "gate.toml"
    path.write_text(f'[[camera]]\nid = "a"\nsource = "usb:1"\n[[camera]]\nid = "exit-2"\n{line}\n')
    assert run_gate.main(["run", "--config", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {path}: camera exit-2: ") and message in error and "Errno" not in error


def test_network_too_slow_for_passages_is_told_once(
    drive_clip, stand_in_model, camera_file, tmp_path, free_port, monkeypatch, caplog
):
    monkeypatch.setattr(check_machine, "milliseconds_an_image", lambda session: 4000.0)
    config = write_config(tmp_path, str(drive_clip), stand_in_model, camera_file, free_port)
    with caplog.at_level(logging.WARNING):
        assert run_gate.main(["run", "--config", str(config)]) == 0
    told = [record.getMessage() for record in caplog.records if "passages" in record.getMessage()]
    assert len(told) == 1 and told[0].startswith("one image in ") and "use a GPU" in told[0]
