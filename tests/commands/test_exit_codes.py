"""What the shell is told when a command ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import run_gate
from pipeline.commands import demo, subscribe
from tests.commands.test_demo import CLIPS
from tests.synthetic.scenarios import PASSING
from tests.synthetic.standin import see

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["run_gate.py", "replay", "nowhere.mp4"],
        ["-m", "calib", "check", "none.toml", "x.jsonl", "--at", "4"],
    ],
    ids=["run_gate", "calib"],
)
def test_bad_input_ends_the_process_with_2(arguments: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ") and len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(("command", "code"), [(["locate", "x.png"], 141), (["subscribe"], 0)])
def test_reader_that_went_away_is_no_error_of_a_subscriber_alone(
    command: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> int:
        raise BrokenPipeError

    if command == ["subscribe"]:
        monkeypatch.setattr(subscribe.EventSubscriber, "receive", broken)
    else:
        monkeypatch.setattr(run_gate.COMMANDS[command[0]], "execute", broken)
    with (tmp_path / "out.txt").open("w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert run_gate.main(command) == code
        out.write("lost")
    assert (tmp_path / "out.txt").read_text() == ""  # what is still printed goes nowhere


def test_characters_that_the_terminal_lacks_are_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_gate.COMMANDS["check"], "execute", lambda args: print("Вход") or 0)
    with (tmp_path / "out.txt").open("w", encoding="ascii") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert run_gate.main(["check"]) == 0
    assert (tmp_path / "out.txt").read_text() == "\\u0412\\u0445\\u043e\\u0434\n"


@pytest.mark.parametrize(("passages", "code"), [(1, 0), (0, 1)])
def test_demo_fails_where_a_vehicle_was_not_reported(
    passages: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is drawn; the events are those of the true corners, or none."""
    monkeypatch.setattr(demo, "clip_named", lambda name: CLIPS[0])
    monkeypatch.setattr(demo, "draw_clip", lambda folder, scenario: None)
    monkeypatch.setattr(demo, "run_pipeline", lambda args, scenario: see(PASSING) if passages else [])
    assert run_gate.main(["demo", "--clip", "passing", "--out", str(tmp_path)]) == code
