"""What the decoder gives out damaged, or not at all, is counted and goes no further."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import av
import pytest

from pipeline.capture.decoding import decode_packet
from pipeline.capture.timeline import Timeline
from pipeline.frames import DropCounter

INTACT, DAMAGED = SimpleNamespace(is_corrupt=False), SimpleNamespace(is_corrupt=True)


class FakePacket:
    """A packet whose decoding is known beforehand."""

    def __init__(self, *frames: Any, error: Exception | None = None) -> None:
        self._frames, self._error = frames, error

    def decode(self) -> list[Any]:
        if self._error is not None:
            raise self._error
        return list(self._frames)


@pytest.mark.parametrize(
    ("packet", "intact", "dropped"),
    [
        (FakePacket(), 0, {}),
        (FakePacket(INTACT, INTACT), 2, {}),
        (FakePacket(INTACT, DAMAGED, INTACT), 2, {"undecodable": 1}),
        (FakePacket(error=av.InvalidDataError(1, "damaged")), 0, {"undecodable": 1}),
    ],
    ids=["none", "intact", "one damaged", "not decodable"],
)
def test_only_intact_frames_come_out_of_a_packet(packet: Any, intact: int, dropped: dict[str, int]) -> None:
    drops = DropCounter()
    frames = list(decode_packet(packet, Timeline("entry", 1, drops)))
    assert frames == [INTACT] * intact
    assert drops.snapshot() == dropped
