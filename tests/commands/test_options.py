"""Options reach what they are meant for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import pytest

import run_gate
from pipeline.commands import replay
from pipeline.commands.options import add_model_options, model_config
from pipeline.config import ModelConfig
from pipeline.events import read_journal
from pipeline.post.plate_formats import formats_named
from pipeline.post.tracker import TrackSettings
from tests.commands.conftest import Drive


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ([], {}),
        (["--model", "net.onnx"], {"path": Path("net.onnx")}),
        (["--provider", "cuda"], {"provider": "cuda"}),
        (["--allow-fallback"], {"allow_fallback": True}),
        (["--no-second-look"], {"second_look": False}),
        (["--no-rectified-look"], {"rectified_look": False}),
        (["--no-edge-look"], {"edge_look": False}),
    ],
)
def test_model_options_change_what_they_name_and_nothing_else(
    options: list[str], changes: dict[str, Any]
) -> None:
    parser = argparse.ArgumentParser()
    add_model_options(parser)
    assert model_config(parser.parse_args(options)) == ModelConfig(**changes)


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ([], TrackSettings()),
        (["--presence-threshold", "0.7"], TrackSettings(presence_threshold=0.7)),
        (
            ["--plate-formats", "us-305x152,eu-520x110", "--presence-threshold", "0.2"],
            TrackSettings(presence_threshold=0.2, formats=formats_named(["us-305x152", "eu-520x110"])),
        ),
    ],
)
def test_replay_tracks_as_its_options_say(
    options: list[str],
    settings: TrackSettings,
    drive_clip: Path,
    stand_in_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = gates_of_replay([*options, str(drive_clip)], stand_in_model, monkeypatch)
    [(lanes, _)] = made
    assert [lane.tracking for lane in lanes] == [settings]


@pytest.mark.parametrize("options", [[], ["--realtime"]])
def test_replay_keeps_the_recordings_pace_if_asked(
    options: list[str], drive_clip: Path, stand_in_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(_, settings)] = gates_of_replay([str(drive_clip), *options], stand_in_model, monkeypatch)
    assert settings.realtime == bool(options)


def gates_of_replay(
    options: list[str], model: Path, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[Any, Any]]:
    """Lanes and settings of the gates that a replay makes; none of them runs."""
    made = []

    class Recorder:
        """In the place of the gate."""

        def __init__(self, lanes, locator, composer, sink, settings, *listeners) -> None:
            made.append((lanes, settings))

        def run(self) -> bool:
            return True

        def stop(self) -> None:
            pass

    monkeypatch.setattr(replay, "Gate", Recorder)
    looks = ["--no-second-look", "--no-rectified-look"]
    assert run_gate.main(["replay", *options, *looks, "--model", str(model)]) == 0
    return made


def test_replay_shows_images_at_the_rate_it_is_given(stand_in_model: Path, tmp_path: Path) -> None:
    images, out = tmp_path / "images", tmp_path / "events.jsonl"
    images.mkdir()
    for index in range(6):
        cv2.imwrite(str(images / f"{index}.png"), Drive().image(0.1 * index))
    options = ["--fps", "10", "--events", str(out), "--model", str(stand_in_model), "--no-rectified-look"]
    assert run_gate.main(["replay", str(images), *options]) == 0
    end = list(read_journal(out))[-1]
    assert (end.kind, end.frames, end.first_time_s, end.last_time_s) == ("passage.end", 6, 0.0, 0.5)


def test_replay_publishes_what_it_writes(
    drive_clip: Path, stand_in_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = []

    class Publisher:
        """A publisher that keeps what it is given."""

        def __init__(self, endpoint: str) -> None:
            published.append(endpoint)

        def __enter__(self):
            return self

        def __exit__(self, *_) -> None:
            pass

        def emit(self, event, jpeg=None) -> None:
            assert jpeg
            published.append(event)

    monkeypatch.setattr(replay, "EventPublisher", Publisher)
    out = tmp_path / "events.jsonl"
    options = ["--publish", "tcp://127.0.0.1:6001", "--events", str(out), "--model", str(stand_in_model)]
    assert run_gate.main(["replay", str(drive_clip), *options, "--no-rectified-look"]) == 0
    assert published == ["tcp://127.0.0.1:6001", *read_journal(out)]
    assert len(published) > 2
