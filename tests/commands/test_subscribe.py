"""`subscribe` as a process of its own, with a publisher on loopback."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.events import AwaitingPublisher, EventComposer, describe, encode
from tests.events.builders import make_heartbeat, make_passage

RUN_GATE = Path(__file__).parents[2] / "run_gate.py"
GUARD_S = 60.0


@contextmanager
def subscribing(*options: str) -> Iterator[tuple[AwaitingPublisher, subprocess.Popen[str]]]:
    """A publisher, and the command that has subscribed to it; killed if it hangs."""
    with AwaitingPublisher("tcp://127.0.0.1:*") as publisher:
        command = [sys.executable, str(RUN_GATE), "subscribe", "--endpoint", publisher.endpoint, *options]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdout=pipe, stderr=pipe, text=True, preexec_fn=_hear_ctrl_c
        ) as process:
            guard = threading.Timer(GUARD_S, process.kill)
            guard.start()
            try:
                assert publisher.wait_for_subscriber(GUARD_S)
                yield publisher, process
            finally:
                guard.cancel()
                process.kill()


def _hear_ctrl_c() -> None:
    """Tests that run in the background of a script ignore it, and so would their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def stopped(process: subprocess.Popen[str]) -> tuple[str, list[str]]:
    """What it still says, and its complaints, after Ctrl-C; it has to end well."""
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=GUARD_S)
    assert process.returncode == 0, errors
    return out, errors.splitlines()


def test_events_are_printed_as_they_come_and_losses_told() -> None:
    composer = EventComposer()
    events = [make_passage(composer, kind="new"), make_heartbeat(composer), make_passage(composer)]
    events += [make_passage(composer, kind="end")]
    with subscribing() as (publisher, process):
        publisher.emit(events[0], b"\xff\xd8 a picture")
        assert process.stdout.readline() == describe(events[0]) + "\n"
        publisher.emit(events[3])
        assert process.stdout.readline() == describe(events[3]) + "\n"
        out, errors = stopped(process)
    assert out == ""
    assert errors[0].startswith("waiting for events of all cameras at tcp://127.0.0.1:")
    assert "lost 2 events" in errors


def test_json_of_one_camera_is_that_cameras_events_as_they_were_published() -> None:
    composer = EventComposer()
    others = [make_passage(composer, camera="entry-2") for _ in range(3)]
    wanted = [make_passage(composer, camera="entry-1"), make_heartbeat(composer, camera="entry-1")]
    with subscribing("--json", "--camera", "entry-1") as (publisher, process):
        for event in (others[0], wanted[0], others[2], wanted[1]):
            publisher.emit(event)
        printed = [process.stdout.readline() for _ in wanted]
        out, errors = stopped(process)
    assert printed == [encode(event).decode() + "\n" for event in wanted] and out == ""
    assert errors[0].startswith("waiting for events of entry-1 at tcp://127.0.0.1:")
    assert not any("lost" in line for line in errors)
