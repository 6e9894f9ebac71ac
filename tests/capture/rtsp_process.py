"""Starts, freezes, kills and brings back the RTSP test server as a process of its own."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SYSTEM_PYTHON = Path("/usr/bin/python3")
SCRIPT = Path(__file__).with_name("rtsp_server.py")
BINDINGS_MISSING = 3


class RtspServer:
    """One server process; `start` after `kill` takes the same port again."""

    def __init__(self, *arguments: str) -> None:
        self.url = ""
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        port = self.url.split(":")[-1].split("/")[0] or "0"
        command = [str(SYSTEM_PYTHON), str(SCRIPT), "--port", port, *self._arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            self._explain(self._process)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def freeze(self) -> None:
        """The process keeps its connections and its port but does nothing any more."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _explain(self, process: subprocess.Popen[str]) -> None:
        _, errors = process.communicate()
        if process.returncode == BINDINGS_MISSING:
            pytest.skip(errors.strip())
        pytest.fail(f"the RTSP server did not start: {errors}")


def serve(*arguments: str) -> Iterator[RtspServer]:
    """For fixtures: runs a server with the given options of the script, and skips the test where that cannot work."""
    if not SYSTEM_PYTHON.exists():
        pytest.skip(f"{SYSTEM_PYTHON} with GStreamer's RTSP server is needed")
    server = RtspServer(*arguments)
    server.start()
    try:
        yield server
    finally:
        server.kill()
