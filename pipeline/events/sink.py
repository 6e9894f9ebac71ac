"""Where events go: the one verb that publisher and journal share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pipeline.events.schema import Event


class EventSink(Protocol):
    """Takes events, in the order of their sequence numbers."""

    def emit(self, event: Event, jpeg: bytes | None = None) -> None:
        """Take one event, and with it the plate's crop where there is one."""


class FanOut:
    """Gives every event to several sinks, in their order. Who made the sinks closes them."""

    def __init__(self, sinks: Sequence[EventSink]) -> None:
        self._sinks = tuple(sinks)

    def emit(self, event: Event, jpeg: bytes | None = None) -> None:
        """Give the event to every sink."""
        for sink in self._sinks:
            sink.emit(event, jpeg)
