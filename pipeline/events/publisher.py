"""Publishes events over ZeroMQ to whoever subscribes, and never waits for anyone."""

from __future__ import annotations

import errno
import logging
import math
import socket
import time
from functools import cached_property
from typing import Self

import zmq

from pipeline.errors import GateError
from pipeline.events.codec import encode
from pipeline.events.schema import Event
from pipeline.events.wire import MAX_JPEG_BYTES, is_local, topic_of
from pipeline.names import DEFAULT_ENDPOINT, check_endpoint

_log = logging.getLogger(__name__)

_MAX_SUBSCRIPTION_BYTES = 1024  # of what subscribers send, which are topic prefixes


class EventPublisher:
    """A publishing socket, bound from construction to `close`. Used by one thread.

    A subscriber that reads too slowly loses events once `high_water_mark` of them wait for it, and sees the
    loss as a gap in `seq`; neither the pipeline nor other subscribers notice.
    """

    _KIND = zmq.PUB  # keeps nothing of what subscribers send

    def __init__(
        self, endpoint: str = DEFAULT_ENDPOINT, *, high_water_mark: int = 1000, linger_s: float = 1.0
    ) -> None:
        """Bind `endpoint`; a port of `*` takes any free one, see `endpoint`.

        Args:
            endpoint: `tcp://host:port` or `ipc://path`. Nothing is encrypted, so the default is loopback.
            high_water_mark: events that may wait for one subscriber.
            linger_s: how long `close` may take to send what still waits.

        Raises:
            GateError: the endpoint is malformed, in use, or not on this machine.
        """
        check_endpoint(endpoint)
        self._context = zmq.Context()
        self._socket = self._context.socket(self._KIND)
        # Options that are set after bind have no effect.
        self._socket.set(zmq.SNDHWM, high_water_mark)
        self._socket.set(zmq.LINGER, round(1000 * linger_s))
        self._socket.set(zmq.MAXMSGSIZE, _MAX_SUBSCRIPTION_BYTES)
        try:
            if _is_served(endpoint):
                raise zmq.ZMQError(zmq.EADDRINUSE)
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise GateError(_bind_failure(endpoint, error)) from error
        if not is_local(endpoint):
            _log.warning("events leave this machine unencrypted at %s", self.endpoint)

    @property
    def endpoint(self) -> str:
        """The endpoint in effect, with the real port."""
        return self._socket.get_string(zmq.LAST_ENDPOINT)

    def emit(self, event: Event, jpeg: bytes | None = None) -> None:
        """Send one event, and the plate's crop as a second payload where there is one. Does not wait."""
        if jpeg is not None and len(jpeg) > MAX_JPEG_BYTES:
            raise ValueError(f"crop of {len(jpeg)} bytes; {MAX_JPEG_BYTES} are allowed")
        message = [topic_of(event), encode(event)]
        self._socket.send_multipart(message if jpeg is None else [*message, jpeg])

    def close(self) -> None:
        """Send what waits, for at most `linger_s`, and free the port. May be called again."""
        self._socket.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AwaitingPublisher(EventPublisher):
    """A publisher that can wait for its subscriber, as a demo does.

    What is sent to it stays in memory until it waits again: it is not for a gate.
    """

    _KIND = zmq.XPUB  # PUB that also tells which topics are subscribed to

    def wait_for_subscriber(self, timeout_s: float) -> bool:
        """Wait until someone subscribes to something; False when nobody did in time."""
        deadline_s = time.monotonic() + timeout_s
        self._read_notes()
        while not self._topics and (left_s := deadline_s - time.monotonic()) > 0:
            self._socket.poll(math.ceil(1000 * left_s))
            self._read_notes()
        return bool(self._topics)

    @cached_property
    def _topics(self) -> set[bytes]:
        """Those that are subscribed to."""
        return set()

    def _read_notes(self) -> None:
        """Read what subscribers sent: 1 or 0 for the first subscription to a topic and the last one's end."""
        while self._socket.poll(0):
            note = self._socket.recv()
            if note[:1] == b"\x01":
                self._topics.add(note[1:])
            elif note[:1] == b"\x00":
                self._topics.discard(note[1:])


def _is_served(endpoint: str) -> bool:
    """Whether somebody listens at an ipc endpoint: binding it would take its subscribers away without an error."""
    path = endpoint.removeprefix("ipc://")
    if path == endpoint:
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            answer = probe.connect_ex("\0" + path[1:] if path.startswith("@") else path)
        except OSError:  # no such path can be; `bind` says why
            return False
    return answer in (0, errno.EAGAIN, errno.EACCES)  # the last two: it is busy, or somebody else's


def _bind_failure(endpoint: str, error: zmq.ZMQError) -> str:
    if error.errno == zmq.EADDRINUSE:
        return f"event endpoint {endpoint} is in use: stop the other program or choose another port"
    reason = zmq.strerror(error.errno or 0)
    place = "a shorter path" if error.errno == errno.ENAMETOOLONG else "an address of this machine"
    return f"event endpoint {endpoint} cannot be bound ({reason}): use {place}"
