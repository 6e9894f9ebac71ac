"""A page for the browser of this machine: a small HTTP server that only 127.0.0.1 reaches.

Requests must name the loopback address as their host, and posts must be JSON, so that a page of another site
that is open in the same browser can neither read nor steer.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from types import TracebackType
from typing import Any, Self

from pipeline.errors import GateError

Answer = tuple[str, bytes]
"""Content type and body."""

_MOST_BYTES = 65536


def page(name: str) -> Answer:
    """A page of `calib/pages`."""
    return "text/html; charset=utf-8", files("calib").joinpath("pages", name).read_bytes()


def as_json(value: Any) -> Answer:
    """A value as JSON."""
    return "application/json", json.dumps(value).encode()


class LoopbackPage:
    """Serves while it is open as a context manager."""

    def __init__(
        self, port: int, reads: Mapping[str, Callable[[], Answer]], posts: Mapping[str, Callable[[Any], None]]
    ) -> None:
        """Starts nothing yet.

        Args:
            port: where to listen; 0 takes a free one.
            reads: what a GET of each path answers.
            posts: what a POST of each path is handed; a ValueError refuses it.

        Raises:
            GateError: the port is taken.
        """
        handler = type("Handler", (_Handler,), {"reads": reads, "posts": posts})
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        except OSError as error:
            raise GateError(
                f"port {port} cannot be opened ({error.strerror}); choose another with --port"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="page", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def invitation(self) -> str:
        """What to tell the user."""
        return (
            f"open http://127.0.0.1:{self.port}/ in a browser on this machine "
            f"(from another one: ssh -L {self.port}:127.0.0.1:{self.port} USER@THIS-MACHINE, then the "
            "same address there)"
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    reads: Mapping[str, Callable[[], Answer]]
    posts: Mapping[str, Callable[[Any], None]]
    timeout = 10

    def handle(self) -> None:
        with suppress(ConnectionError):  # the tab was closed or reloaded while something was on its way
            super().handle()

    def do_GET(self) -> None:
        read = self.reads.get(self.path.partition("?")[0])
        if not self._is_local() or read is None:
            self.send_error(403 if read else 404)
            return
        self._answer(*read())

    def do_POST(self) -> None:
        post = self.posts.get(self.path)
        length = self.headers.get("Content-Length", "")
        if not self._is_local() or post is None:
            self.send_error(403 if post else 404)
        elif (
            self.headers.get_content_type() != "application/json"
            or not length.isdecimal()
            or len(length) > len(str(_MOST_BYTES))  # int() itself refuses thousands of digits
            or int(length) > _MOST_BYTES
        ):
            self.send_error(400)
        else:
            self._take(post, self.rfile.read(int(length)))

    def log_message(self, format: str, *args: Any) -> None:
        """Not on the terminal: the page asks several times a second."""

    def _take(self, post: Callable[[Any], None], body: bytes) -> None:
        try:
            post(json.loads(body))
        except (ValueError, RecursionError) as error:
            self.send_error(400, str(error)[:100].encode("ascii", "replace").decode())
            return
        self._answer(*as_json({}))

    def _is_local(self) -> bool:
        """The browser meant this server, and not a name that was bent to it."""
        port = self.connection.getsockname()[1]
        return self.headers.get("Host") in (f"127.0.0.1:{port}", f"localhost:{port}")

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header(
            "Content-Security-Policy", "default-src 'self' 'unsafe-inline'; img-src 'self' blob: data:"
        )
        self.end_headers()
        self.wfile.write(body)
