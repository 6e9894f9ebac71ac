"""What `run` makes of a configuration: every key off its default, and a recorder in the place of each part."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import run_gate
from pipeline.capture import make_source
from pipeline.commands import check_machine, run
from pipeline.config import GateConfig
from pipeline.config_file import load_config
from pipeline.frames import DropCounter
from pipeline.gate import Settings
from pipeline.post.plate_formats import formats_named
from pipeline.post.tracker import TrackSettings

SESSION = SimpleNamespace(provider="tensorrt", max_batch=8, model=SimpleNamespace(sha256="ab" * 32))


class Recorder:
    """Called, or entered and left, in the place of a part of the gate; keeps what it was made with."""

    endpoint = "tcp://127.0.0.1:0"

    def __init__(self) -> None:
        self.arguments: tuple[Any, ...] = ()
        self.options: dict[str, Any] = {}

    def __call__(self, *arguments: Any, **options: Any) -> Recorder:
        self.arguments, self.options = arguments, options
        return self

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self) -> bool:
        return True

    def stop(self) -> None:
        pass


@pytest.fixture
def config_file(camera_file: Path, tmp_path: Path) -> Path:
    path = tmp_path / "gate.toml"
    path.write_text(f"""
[model]
path = "net.onnx"
provider = "cpu"
batch_deadline_s = 0.07
presence_threshold = 0.8
second_look = false
[passage]
min_hits = 5
confirm_s = 2.5
expiry_s = 3.5
update_interval_s = 0.4
[events]
endpoint = "tcp://127.0.0.1:6001"
high_water_mark = 77
heartbeat_s = 9.0
journal = "events.jsonl"
plate_crops = false
[[camera]]
id = "exit-2"
source = "rtsp://10.0.0.5/live"
calibration = "{camera_file}"
plate_formats = ["us-305x152"]
policy = "every"
open_timeout_s = 11.0
read_timeout_s = 6.0
transport = "udp"
fps = 12.5
""")
    return path


@pytest.fixture
def config(config_file: Path) -> GateConfig:
    return load_config(config_file)


def test_lane_has_the_cameras_calibration_policy_and_tracking(config: GateConfig) -> None:
    lane = run.make_lane(config.cameras[0], config)
    assert (lane.camera, lane.policy) == ("exit-2", "every")
    assert lane.calibration is not None and lane.calibration.camera_id == "entry-1"
    assert lane.tracking == TrackSettings(
        presence_threshold=0.8,
        min_hits=5,
        confirm_s=2.5,
        expiry_s=3.5,
        update_interval_s=0.4,
        formats=formats_named(["us-305x152"]),
    )


def test_source_is_made_as_the_camera_says(config: GateConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Recorder()
    monkeypatch.setattr(run, "make_source", made)
    lane = run.make_lane(config.cameras[0], config)
    assert made.arguments == ("exit-2", "rtsp://10.0.0.5/live")
    assert made.options == {
        "drops": lane.drops,
        "label": "rtsp://10.0.0.5/live",
        "fps": 12.5,
        "transport": "udp",
        "open_timeout_s": 11.0,
        "read_timeout_s": 6.0,
    }


def test_rtsp_source_waits_and_connects_as_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    connection, live = Recorder(), Recorder()
    module = importlib.import_module("pipeline.capture.make_source")
    monkeypatch.setattr(module, "RtspConnection", connection)
    monkeypatch.setattr(module, "LiveSource", live)
    waits = {"open_timeout_s": 11.0, "read_timeout_s": 6.0}
    make_source("exit-2", "rtsp://10.0.0.5/live", drops=DropCounter(), transport="udp", **waits)
    connect = live.arguments[2]
    connect("a timeline")
    assert live.options.items() >= waits.items()
    assert connection.arguments == ("rtsp://10.0.0.5/live", "a timeline")
    assert connection.options == {"transport": "udp", **waits}


def test_gate_and_its_sinks_are_made_as_the_file_says(
    config: GateConfig, config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {name: Recorder() for name in ("EventPublisher", "EventJournal", "FanOut", "Gate")}
    for name, recorder in made.items():
        monkeypatch.setattr(run, name, recorder)
    opened = []
    monkeypatch.setattr(run, "open_locator", lambda model: opened.append(model) or ("a locator", SESSION))
    monkeypatch.setattr(check_machine, "milliseconds_an_image", lambda session: 1.0)
    assert run_gate.main(["run", "--config", str(config_file)]) == 0

    assert opened == [config.model]
    assert made["EventPublisher"].arguments == ("tcp://127.0.0.1:6001",)
    assert made["EventPublisher"].options == {"high_water_mark": 77}
    assert made["EventJournal"].arguments == (tmp_path / "events.jsonl",)
    assert made["FanOut"].arguments == ([made["EventPublisher"], made["EventJournal"]],)
    lanes, locator, _, sink, settings = made["Gate"].arguments
    assert ([lane.camera for lane in lanes], locator, sink) == (["exit-2"], "a locator", made["FanOut"])
    assert settings == Settings(
        batch_deadline_s=0.07,
        max_batch=8,
        heartbeat_s=9.0,
        plate_crops=False,
        provider="tensorrt",
        model_sha256="ab" * 32,
    )
