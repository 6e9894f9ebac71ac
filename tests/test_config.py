"""The gate configuration: what a file means, and the one line that a wrong file gives."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pipeline.config import (
    SHIPPED_MODEL,
    CameraConfig,
    EventsConfig,
    GateConfig,
    ModelConfig,
    PassageConfig,
)
from pipeline.config_file import load_config
from pipeline.errors import GateError
from pipeline.post.tracker import TrackSettings

REPOSITORY = Path(__file__).parents[1]
EXAMPLE = REPOSITORY / "deploy" / "examples" / "gate.toml"
DOCUMENT = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
MINIMAL = '[[camera]]\nid = "entry-1"\nsource = "rtsp://10.0.0.5/stream"\n'


def load(folder: Path, text: str) -> GateConfig:
    path = folder / "gate.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def error_of(folder: Path, text: str) -> str:
    with pytest.raises(GateError) as caught:
        load(folder, text)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(folder / "gate.toml"))
    return message.removeprefix(f"{folder / 'gate.toml'}: ")


def test_minimal_file_takes_every_default(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMAL)
    assert config.model.path == SHIPPED_MODEL
    assert (config.model.provider, config.model.allow_fallback, config.model.fp16) == ("auto", False, False)
    assert config.model.batch_sizes == (1, 4)
    assert config.events.endpoint == "tcp://127.0.0.1:5571"
    assert config.cameras == (CameraConfig(id="entry-1", source_template="rtsp://10.0.0.5/stream"),)
    assert config.cameras[0].policy == "latest"


def test_every_key_is_read(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        [model]
        path = "net.onnx"
        provider = "tensorrt"
        allow_fallback = true
        fp16 = true
        batch_sizes = [1, 2, 8]
        batch_deadline_s = 0.05
        engine_cache = "/var/cache/gate"
        cpu_threads = 3
        presence_threshold = 0.8
        second_look = false
        rectified_look = false
        rectified_path = "rectified.onnx"
        edge_look = false
        edge_path = "~/edges.onnx"
        [passage]
        min_hits = 2
        confirm_s = 6
        expiry_s = 8.0
        update_interval_s = 0.5
        [events]
        endpoint = "tcp://0.0.0.0:6000"
        high_water_mark = 10
        heartbeat_s = 1
        journal = "journal.jsonl"
        plate_crops = false
        [[camera]]
        id = "a.b_c-1"
        source = "usb:0"
        calibration = "cameras/a.toml"
        plate_formats = ["eu-520x110"]
        policy = "every"
        open_timeout_s = 3
        read_timeout_s = 2.5
        transport = "udp"
        fps = 12.5
        """,
    )
    model, passage, events, camera = config.model, config.passage, config.events, config.cameras[0]
    assert model.path == tmp_path / "net.onnx"
    assert (model.provider, model.allow_fallback, model.fp16) == ("tensorrt", True, True)
    assert (model.batch_sizes, model.batch_deadline_s) == ((1, 2, 8), 0.05)
    assert (model.engine_cache, model.cpu_threads, model.presence_threshold) == (
        Path("/var/cache/gate"),
        3,
        0.8,
    )
    assert (model.second_look, model.rectified_look, model.edge_look) == (False, False, False)
    assert (model.rectified_path, model.edge_path) == (
        tmp_path / "rectified.onnx",
        Path.home() / "edges.onnx",
    )
    assert (passage.min_hits, passage.confirm_s, passage.expiry_s) == (2, 6.0, 8.0)
    assert passage.update_interval_s == 0.5
    assert (events.endpoint, events.high_water_mark, events.heartbeat_s) == ("tcp://0.0.0.0:6000", 10, 1.0)
    assert (events.journal, events.plate_crops) == (tmp_path / "journal.jsonl", False)
    assert (camera.id, camera.source, camera.policy) == ("a.b_c-1", "usb:0", "every")
    assert (camera.calibration, camera.plate_formats) == (tmp_path / "cameras" / "a.toml", ("eu-520x110",))
    assert (camera.open_timeout_s, camera.read_timeout_s, camera.transport, camera.fps) == (
        3.0,
        2.5,
        "udp",
        12.5,
    )


def test_recording_beside_the_file_is_found_from_any_working_directory(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    config = load(tmp_path, '[[camera]]\nid = "a"\nsource = "clip.mp4"\n')
    assert config.cameras[0].source == str(tmp_path / "clip.mp4")


@pytest.mark.parametrize(
    ("source", "opened"),
    [
        ("~/clip.mp4", str(Path.home() / "clip.mp4")),
        ("${REC}/clip.mp4", "{folder}/recordings/clip.mp4"),
        ("${DISK}/clip.mp4", "/mnt/disk/clip.mp4"),
        ("missing.mp4", "{folder}/missing.mp4"),
        ("${CAMERA}", "rtsp://10.0.0.5/live"),
        ("usb:0", "usb:0"),
        ("/dev/video0", "/dev/video0"),
    ],
)
def test_a_recording_is_looked_for_as_every_other_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, opened: str
) -> None:
    monkeypatch.setenv("REC", "recordings")
    monkeypatch.setenv("DISK", "/mnt/disk")
    monkeypatch.setenv("CAMERA", "rtsp://10.0.0.5/live")
    config = load(tmp_path, f'[[camera]]\nid = "a"\nsource = "{source}"\n')
    assert config.cameras[0].source == opened.format(folder=tmp_path)
    assert ("${" in source) == ("${" in config.cameras[0].source_label)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "camera: no camera is configured"),
        (MINIMAL + "polcy = 'every'", "camera[0].polcy: unknown key; did you mean 'policy'?"),
        ("[modle]", "modle: unknown key; did you mean 'model'?"),
        ("[events]\nqqq = 1", "events.qqq: unknown key; known keys: endpoint, high_water_mark"),
        (
            "[model]\nprovider = 'gpu'",
            "model.provider: Invalid enum value 'gpu'; expected one of 'auto', 'tensorrt'",
        ),
        ("[model]\nfp16 = 1", "model.fp16: Expected `bool`, got `int`"),
        ("[model]\npath = 3", "model.path: Expected a path"),
        ("[model]\npath = 'a\\u0000b'".replace("'", '"'), "model.path: Expected a path"),
        ("[model]\npath = ''", "model.path: Expected a path"),
        ("[model]\nbatch_sizes = [4, 1]", "model.batch_sizes: give at least one size"),
        ("[model]\nbatch_sizes = []", "model.batch_sizes: give at least one size"),
        ("[model]\npresence_threshold = 1.5", "model.presence_threshold: Expected `float` <= 1.0"),
        ("[events]\nheartbeat_s = nan", "events.heartbeat_s: Expected `float` >= 0.1"),
        (
            "[events]\nendpoint = 'tcp://0.0.0.0'",
            "events.endpoint: event endpoint 'tcp://0.0.0.0': use tcp://host:port",
        ),
        ("[events]\nendpoint = 'tcp://127.0.0.1:70000'", "events.endpoint: event endpoint"),
        ("[events]\nendpoint = '5571'", "events.endpoint: event endpoint '5571': use tcp://host:port"),
        ("[camera]\nid = 'a'", "camera: Expected `array`, got `object`; write [[camera]]"),
        (MINIMAL + MINIMAL, "camera[1].id: 'entry-1' is used twice"),
        (
            MINIMAL.replace("entry-1", "entry 1"),
            "camera[0].id: camera id 'entry 1': use 1 to 64 letters, digits",
        ),
        (
            MINIMAL.replace("entry-1", "gate/1"),
            "camera[0].id: camera id 'gate/1': use 1 to 64 letters, digits",
        ),
        (MINIMAL.replace("entry-1", ".."), "camera[0].id: camera id '..': use 1 to 64 letters, digits"),
        (MINIMAL.replace("entry-1", 65 * "a"), "camera[0].id: camera id 'aaaa"),
        (MINIMAL + "calibration = '~nosuchuser/x'", "~nosuchuser/x: there is no such user"),
        ("x = " + 5000 * "[", "not valid TOML"),
        ("[[camera]]\nid = 'a'", "camera[0]: Object missing required field `source`"),
        ("[[camera]]\nid = 'a'\nsource = ' '", "camera[0].source: is empty"),
        ("[model\n", "not valid TOML"),
    ],
)
def test_wrong_file_gives_one_line_with_the_key(tmp_path: Path, text: str, expected: str) -> None:
    assert error_of(tmp_path, text).startswith(expected)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GateError, match=r"nowhere\.toml: cannot read the configuration: No such file"):
        load_config(tmp_path / "nowhere.toml")


def test_binary_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_bytes(b"id = '\xff\xfe'")
    with pytest.raises(GateError, match=r"gate\.toml: not a text file in UTF-8"):
        load_config(path)


def test_password_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRY_1_PASSWORD", "hunter2")
    config = load(tmp_path, MINIMAL.replace("10.0.0.5", "admin:${ENTRY_1_PASSWORD}@10.0.0.5"))
    assert config.cameras[0].source == "rtsp://admin:hunter2@10.0.0.5/stream"
    assert "hunter2" not in repr(config)


def test_missing_environment_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENTRY_1_PASSWORD", raising=False)
    message = error_of(tmp_path, MINIMAL.replace("10.0.0.5", "admin:${ENTRY_1_PASSWORD}@10.0.0.5"))
    assert message == "camera[0].source: environment variable ENTRY_1_PASSWORD is not set"


@pytest.mark.parametrize("name", ["ENTRY-1_PASSWORD", "1ST", "", "A B"])
def test_what_cannot_be_an_environment_variable_is_not_sent_as_a_password(tmp_path: Path, name: str) -> None:
    message = error_of(tmp_path, MINIMAL.replace("10.0.0.5", f"admin:${{{name}}}@10.0.0.5"))
    assert message.startswith("camera[0].source: holds a ${...} that is no name of an environment variable")


def test_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())
    assert load_config(path).cameras[0].id == "entry-1"


@pytest.mark.parametrize(
    "source",
    [
        "rtsp://admin:hunter2@10.0.0.5:554/stream",
        "rtsp://admin:p@ss/hunter2@10.0.0.5:554/stream",
        "http://10.0.0.5/video.cgi?user=admin&pwd=hunter2",
        "rtsp:/admin:hunter2@10.0.0.5/stream",
    ],
)
def test_password_written_in_the_file_is_never_shown(tmp_path: Path, source: str) -> None:
    config = load(tmp_path, f'[[camera]]\nid = "a"\nsource = "{source}"\n')
    assert config.cameras[0].source.endswith(source)
    assert "hunter2" not in repr(config)
    assert "hunter2" not in str(config.cameras[0])
    assert "10.0.0.5" in config.cameras[0].source_label


def test_password_is_not_in_the_error_about_its_camera(tmp_path: Path) -> None:
    text = '[[camera]]\nid = "a b"\nsource = "rtsp://admin:hunter2@h/s"\n'
    assert "hunter2" not in error_of(tmp_path, text)


@pytest.mark.parametrize("source", ["usb:0", "/dev/video0", "/rec/clip?.mp4", "rtsp://10.0.0.5:554/stream"])
def test_source_without_secrets_is_shown_as_it_is(tmp_path: Path, source: str) -> None:
    config = load(tmp_path, f'[[camera]]\nid = "a"\nsource = "{source}"\n')
    assert config.cameras[0].source_label == source


def test_shipped_example_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRY_1_PASSWORD", "secret")
    config = load_config(EXAMPLE)
    assert config.cameras[0].calibration == EXAMPLE.parent / "camera.toml"
    assert config.cameras[0].calibration.is_file()


def test_passages_of_a_recording_are_made_as_those_of_a_gate_that_says_nothing_of_them() -> None:
    default = TrackSettings()
    for name, value in msgspec.structs.asdict(PassageConfig()).items():
        assert getattr(default, name) == value


@pytest.mark.parametrize("table", [ModelConfig, PassageConfig, EventsConfig, CameraConfig])
def test_every_key_is_documented_with_its_default(table: type[msgspec.Struct]) -> None:
    rows = {
        row.split("|")[1].strip(): row.split("|")[2].strip() for row in DOCUMENT.splitlines() if "|" in row
    }
    for field in msgspec.structs.fields(table):
        documented = rows[f"`{field.encode_name}`"]
        default = field.default
        if isinstance(default, bool | str | int | float | tuple):
            written = documented.strip("`")
            wanted = list(default) if isinstance(default, tuple) else default
            assert msgspec.toml.decode(f"value = {written}".encode()) == {"value": wanted}
        elif isinstance(default, Path):
            assert default.name in documented


def test_documented_full_example_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRY_1_PASSWORD", "secret")
    example = DOCUMENT.rpartition("```toml\n")[2].partition("```")[0]
    config = load(tmp_path, example)
    written = msgspec.toml.decode(example.encode())
    assert [camera.id for camera in config.cameras] == ["entry-1", "exit-1", "rehearsal"]
    assert set(written["model"]) == set(ModelConfig.__struct_fields__)
    assert set(written["passage"]) == set(PassageConfig.__struct_fields__)
    assert set(written["events"]) == set(EventsConfig.__struct_fields__)
