from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import av
import pytest

import run_gate
from pipeline.commands.recordings import Listener
from tests.capture.builders import write_video
from tests.commands.conftest import Drive
from tests.inference.test_session import without_gpu

FIRST_TWO_LOOKS = "--no-rectified-look"  # the others take most of the time


def replay(clips, model, *options) -> int:
    return run_gate.main(["replay", *map(str, clips), "--model", str(model), *map(str, options)])


def events_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_replay_gives_one_passage_with_distance_and_speed(
    drive_clip, camera_file, stand_in_model, tmp_path, capsys
):
    out = tmp_path / "events.jsonl"
    assert replay([drive_clip], stand_in_model, "--camera", camera_file, "--events", out) == 0
    events = events_of(out)
    assert [event["kind"] for event in events].count("passage.new") == 1
    end = events[-1]
    assert end["kind"] == "passage.end" and end["camera"] == "entry-1" and end["quality"] == "ok"
    drive = Drive()
    assert end["distance_m"] == pytest.approx(drive.distance_m(end["last_time_s"]) - 1.0, rel=0.02)
    assert end["speed_kmh"] == pytest.approx(3.6 * drive.speed_mps, rel=0.03)
    assert end["motion"] == "approaching" and end["plate_format"]["name"] == "eu-520x110"
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert "90 frames, 1 passages, dropped: none" in capsys.readouterr().out


def test_replay_twice_gives_identical_bytes(drive_clip, camera_file, stand_in_model, tmp_path):
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    for out in (first, second):
        assert replay([drive_clip], stand_in_model, "--camera", camera_file, "--events", out) == 0
    assert first.read_bytes() == second.read_bytes()


def test_replay_without_a_camera_file_guesses_nothing(drive_clip, stand_in_model, tmp_path):
    out = tmp_path / "events.jsonl"
    assert replay([drive_clip], stand_in_model, FIRST_TWO_LOOKS, "--events", out) == 0
    for event in events_of(out):
        assert event["distance_m"] is event["speed_kmh"] is event["range_m"] is None
        assert event["quality"] == "uncalibrated"


def test_replay_of_two_videos_gives_a_passage_each_in_epochs_of_their_own(
    drive_clip, camera_file, stand_in_model, tmp_path
):
    out = tmp_path / "events.jsonl"
    options = (FIRST_TWO_LOOKS, "--camera", camera_file, "--events", out)
    assert replay([drive_clip, drive_clip], stand_in_model, *options) == 0
    ends = [event for event in events_of(out) if event["kind"] == "passage.end"]
    assert [end["epoch"] for end in ends] == [1, 2]
    assert len({end["passage"] for end in ends}) == 2
    assert ends[0]["speed_kmh"] == ends[1]["speed_kmh"]


def test_annotated_clip_has_every_frame_at_its_time(drive_clip, stand_in_model, tmp_path):
    out = tmp_path / "annotated.mp4"
    assert replay([drive_clip], stand_in_model, FIRST_TWO_LOOKS, "--annotate", out) == 0

    def times(path):
        with av.open(str(path)) as container:
            return [round(float(frame.pts * frame.time_base), 4) for frame in container.decode(video=0)]

    assert times(out) == times(drive_clip)


def test_report_shows_the_passage_and_is_the_same_every_time(
    drive_clip, camera_file, stand_in_model, tmp_path
):
    events, first, second = tmp_path / "events.jsonl", tmp_path / "1.html", tmp_path / "2.html"
    camera = tmp_path / "caf\udce9.toml"  # the name of a file may be no UTF-8
    camera.write_bytes(camera_file.read_bytes())
    for out in (first, second):
        options = (FIRST_TWO_LOOKS, "--camera", camera, "--events", events, "--report", out)
        assert replay([drive_clip], stand_in_model, *options) == 0
    end = events_of(events)[-1]
    page = first.read_text()
    shown = [
        [float(number) for number in found]
        for found in re.findall(r"([\d.]+) m \(([\d.]+) to ([\d.]+)\)", page)
    ]
    published = pytest.approx(
        [end["distance_m"], *end["distance_ci95_m"]], abs=0.0056
    )  # two and three decimals
    assert published in shown
    assert (
        end["passage"] in page
        and r"caf\udce9.toml" in page
        and "90 frames, 1 passage." in page
        and "data:image/jpeg;base64," in page
    )
    assert page == second.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["replay", "nowhere.mp4"], "nowhere.mp4: no such file"),
        (["replay", "{junk}"], "junk.mp4: cannot be read as video"),
        (["replay", "rtsp://user:geheim@127.0.0.1/x"], "not a recording"),
        (["replay", "{clip}", "--camera", "{junk}"], "junk.mp4"),
        (["replay", "{clip}", "--camera", "{other_camera}"], "640"),
        (["replay", "{clip}", "--model", "{junk}"], "junk.mp4: not an ONNX model"),
        pytest.param(
            ["replay", "{clip}", "--provider", "cuda"], "provider 'cuda' cannot run here", marks=without_gpu
        ),
        (["replay", "{clip}", "--events", "{junk}/out.jsonl"], "cannot write the events"),
        (["replay", "{clip}", "--annotate", "{junk}/out.mp4"], "cannot write the video"),
        (["replay", "{clip}", "--annotate", "{empty}"], "is no regular file"),
        (["replay", "{clip}", "--report", "."], "is no regular file"),
        (["replay", "{clip}", "--annotate", "{clip}"], "give another name"),
        (
            ["replay", "{clip}", "--camera", "{other_camera}", "--report", "{other_camera}"],
            "give another name",
        ),
        (["replay", "{clip}", "--events", "{junk}.x", "--report", "{junk}.x"], "give another name"),
        (["replay", "{clip}", "--camera", "{odd_camera}"], "odd.toml: camera_id: camera id 'Einfahrt Nord'"),
        (["replay", "{clip}", "--report", "{junk}/out.html"], "cannot write the report"),
        (["replay", "{clip}", "--plate-formats", "eu-1x1"], "eu-1x1"),
        (["replay", "{empty}"], "no images here"),
        (["locate", "nowhere.jpg"], "nowhere.jpg: no such file"),
        (["locate", "{photo}", "--annotate", "{folder}"], "photo.jpg: is read or written"),
        (["locate", "{photo}", "{photo}", "--annotate", "{empty}"], "photo.jpg: is read or written"),
        (["run", "--config", "nowhere.toml"], "nowhere.toml: cannot read"),
        (["run", "--config", "{junk}"], "junk.mp4"),
        (["check", "--config", "nowhere.toml"], "nowhere.toml: cannot read"),
        (["subscribe", "--endpoint", "nonsense"], "nonsense"),
        (["subscribe", "--camera", "a/b"], "a/b"),
    ],
)
def test_bad_input_gives_one_clear_line_and_exit_code_2(
    arguments, message, drive_clip, camera_file, stand_in_model, tmp_path, capsys
):
    junk, other_camera, empty = tmp_path / "junk.mp4", tmp_path / "other.toml", tmp_path / "empty"
    junk.write_bytes(b"this is neither a video nor a model nor a camera file")
    other_camera.write_text(camera_file.read_text().replace("width = 640", "width = 1280"))
    empty.mkdir()
    photo, odd_camera = tmp_path / "photo.jpg", tmp_path / "odd.toml"
    photo.write_bytes(b"never opened")
    text = camera_file.read_text()
    camera_id = next(line for line in text.splitlines() if line.startswith("camera_id"))
    odd_camera.write_text(text.replace(camera_id, 'camera_id = "Einfahrt Nord"'))
    places = {"clip": drive_clip, "junk": junk, "other_camera": other_camera, "empty": empty}
    places |= {"folder": tmp_path, "photo": photo, "odd_camera": odd_camera}
    filled = [argument.format(**places) for argument in arguments]
    if arguments[0] in ("replay", "locate") and "--model" not in filled:
        filled += ["--model", str(stand_in_model)]
    assert run_gate.main(filled) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0] and "geheim" not in errors[0]


def test_failed_replay_leaves_an_older_event_file_as_it_was(
    drive_clip, camera_file, stand_in_model, tmp_path
):
    out, other_camera = tmp_path / "events.jsonl", tmp_path / "other.toml"
    out.write_text("older\n")
    other_camera.write_text(camera_file.read_text().replace("width = 640", "width = 1280"))
    assert replay([drive_clip], stand_in_model, "--camera", other_camera, "--events", out) == 2
    assert out.read_text() == "older\n"


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_replay_keeps_its_part_and_exits_with_130(
    stop, drive_clip, stand_in_model, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(Listener, "see_frame", lambda self, observation: signal.raise_signal(stop))
    out = tmp_path / "events.jsonl"
    assert replay([drive_clip], stand_in_model, "--events", out) == 130
    assert "interrupted; the events up to here are in the .part file" in capsys.readouterr().err
    assert not out.exists() and (tmp_path / "events.jsonl.part").exists()


@pytest.mark.parametrize("broken", ["empty", "other size"])
def test_recording_that_cannot_be_replayed_is_named_before_the_others_are_run(
    broken, drive_clip, camera_file, stand_in_model, tmp_path, capsys, monkeypatch
):
    seen = []
    monkeypatch.setattr(Listener, "see_frame", lambda self, observation: seen.append(observation))
    bad = (
        write_video(tmp_path / "bad.mp4", range(0, 400, 40))
        if broken == "other size"
        else tmp_path / "bad.mp4"
    )
    bad.touch()
    assert replay([drive_clip, bad], stand_in_model, "--camera", camera_file) == 2
    assert f"error: {bad}: " in capsys.readouterr().err
    assert seen == []
