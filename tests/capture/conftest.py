"""Real RTSP servers on loopback for the capture tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.capture.builders import write_video
from tests.capture.rtsp_process import RtspServer, serve


@pytest.fixture
def rtsp_server() -> Iterator[RtspServer]:
    """A camera that shows a test pattern, 160x120 px at 25 frames a second."""
    yield from serve()


@pytest.fixture
def locked_rtsp_server() -> Iterator[RtspServer]:
    """The same behind the user name `gate` and the password `open-sesame`."""
    yield from serve("--user", "gate", "--password", "open-sesame")


@pytest.fixture
def looping_rtsp_server(tmp_path: Path) -> Iterator[RtspServer]:
    """A camera that shows a recording of 12 frames again and again."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is needed to serve a file")
    clip = write_video(tmp_path / "clip.mp4", range(0, 480, 40))
    yield from serve("--file", str(clip))
