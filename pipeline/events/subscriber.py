"""The client: receives events as typed objects, says what was lost, and survives a gate that restarts."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Self

import zmq

from pipeline.errors import GateError
from pipeline.events.codec import MAX_EVENT_BYTES, MalformedEventError, decode, decode_header
from pipeline.events.schema import EVENT_TYPES, Event, EventHeader
from pipeline.events.wire import MAX_JPEG_BYTES, topic_of, topic_prefix
from pipeline.names import DEFAULT_ENDPOINT, check_camera_id, check_endpoint

_log = logging.getLogger(__name__)

_JPEG_START = b"\xff\xd8"


@dataclass(frozen=True)
class Received:
    """One event as it arrived; `jpeg` is the rectified crop of the plate, where one was sent."""

    topic: str
    event: Event
    jpeg: bytes | None


class EventSubscriber:
    """Iterates over the events of a gate for ever; `receive` waits with a time-out. Used by one thread.

    ZeroMQ connects, and connects again after a restart, by itself, so that the gate need not run yet. It does so
    from within `receive`: keep calling it.

    Attributes:
        lost: events that were published and never arrived, by the gaps in the cameras' sequence numbers.
            Events before the first received one do not count, nor do those lost while the gate restarted.
        malformed: messages that were no valid events; each is logged and skipped.
        unknown: events of kinds that this version does not know; skipped.
    """

    def __init__(
        self,
        endpoint: str = DEFAULT_ENDPOINT,
        *,
        camera: str | None = None,
        kinds: Collection[str] | None = None,
    ) -> None:
        """Subscribe at `endpoint` to one camera or all, to the given kinds of events or all.

        Raises:
            GateError: the endpoint, the camera id or a kind is not valid.
        """
        check_endpoint(endpoint)
        if re.fullmatch(r"tcp://(\*:.*|.*:(\*|0+))", endpoint):
            raise GateError(
                f"event endpoint {endpoint!r}: give the gate's own address and port to subscribe there"
            )
        if camera is not None:
            check_camera_id(camera)
        self._kinds = _check_kinds(kinds)
        self._last_seq: dict[str, int] = {}
        self.lost = self.malformed = self.unknown = 0
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.MAXMSGSIZE, max(MAX_EVENT_BYTES, MAX_JPEG_BYTES))
        # Notice within seconds a gate that vanished without closing its connection.
        self._socket.set(zmq.HEARTBEAT_IVL, 2000)
        self._socket.set(zmq.HEARTBEAT_TIMEOUT, 6000)
        self._socket.set(zmq.RECONNECT_IVL, 100)
        self._socket.set(zmq.RECONNECT_IVL_MAX, 2000)
        # All kinds are received, wanted or not: the sequence number counts them all.
        self._socket.subscribe(topic_prefix(camera))
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise GateError(f"cannot subscribe at {endpoint}: {zmq.strerror(error.errno or 0)}") from error

    def receive(self, timeout_s: float | None = None) -> Received | None:
        """The next event; None when `timeout_s` passed without one (None: wait for ever)."""
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        while self._socket.poll(_milliseconds_until(deadline_s)):
            received = self._accept(self._socket.recv_multipart())
            if received is not None:
                return received
            if deadline_s is not None and time.monotonic() >= deadline_s:
                break
        return None

    def __iter__(self) -> Iterator[Received]:
        while True:
            received = self.receive()
            if received is not None:
                yield received

    def close(self) -> None:
        """Disconnect. May be called again."""
        self._socket.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self, message: list[bytes]) -> Received | None:
        """The event in `message` if it is a valid one of a wanted kind; counts all others."""
        try:
            topic, data, jpeg = _parts(message)
            header = decode_header(data)
            if topic != topic_of(header):
                raise MalformedEventError(
                    f"topic {topic[:100]!r} does not fit {header.kind} of {header.camera}"
                )
            self._count_lost(header)
            if header.kind not in EVENT_TYPES:
                self.unknown += 1
                return None
            event = decode(data)
        except MalformedEventError as error:
            self.malformed += 1
            _log.warning("malformed message %d skipped: %s", self.malformed, error)
            return None
        return Received(topic.decode(), event, jpeg) if header.kind in self._kinds else None

    def _count_lost(self, header: EventHeader) -> None:
        """Count the events between this camera's last one and `header`; a falling number means a restart."""
        last = self._last_seq.get(header.camera)
        if last is not None and header.seq > last + 1:
            self.lost += header.seq - last - 1
            _log.warning("%d events of camera %s were lost", header.seq - last - 1, header.camera)
        self._last_seq[header.camera] = header.seq


def _parts(message: list[bytes]) -> tuple[bytes, bytes, bytes | None]:
    if len(message) == 2:
        return message[0], message[1], None
    if len(message) != 3:
        raise MalformedEventError(f"message of {len(message)} parts; 2 or 3 are expected")
    if not message[2].startswith(_JPEG_START):
        raise MalformedEventError("the third part is no JPEG")
    return message[0], message[1], message[2]


def _check_kinds(kinds: Collection[str] | None) -> frozenset[str]:
    if kinds is None:
        return frozenset(EVENT_TYPES)
    unknown = sorted(set(kinds) - set(EVENT_TYPES))
    if unknown:
        raise GateError(f"unknown event kind {unknown[0]!r}: choose from {', '.join(EVENT_TYPES)}")
    return frozenset(kinds)


def _milliseconds_until(deadline_s: float | None) -> int | None:
    return None if deadline_s is None else max(0, math.ceil(1000 * (deadline_s - time.monotonic())))
