"""Clicks on an image, for the stop line: a page shows it, and hands the pixels over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from calib.camera import Camera
from calib.loopback import LoopbackPage, as_json, page

Clicks = tuple[tuple[float, float], ...]

_MOST_CLICKS = 20


class ClickSession:
    """Waits for clicks on one image."""

    def __init__(self, path: Path, camera: Camera) -> None:
        """Reads the image.

        Raises:
            GateError: it is not one, or not of the size that the camera file was made for.
        """
        image = camera.read_image(path)
        self.size_px = image.shape[1], image.shape[0]
        self._jpeg = bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1])
        self._done = threading.Event()
        self._clicks: Clicks = ()

    def page(self, port: int) -> LoopbackPage:
        """The page to click on."""
        reads = {
            "/": lambda: page("click.html"),
            "/size.json": lambda: as_json(self.size_px),
            "/image.jpg": lambda: ("image/jpeg", self._jpeg),
        }
        return LoopbackPage(port, reads, {"/clicks": self._take})

    def wait(self) -> Clicks:
        """The clicks, in pixels of the image, as soon as the page has sent them."""
        self._done.wait()
        return self._clicks

    def _take(self, sent: Any) -> None:
        width, height = self.size_px
        try:
            clicks = tuple((float(x), float(y)) for x, y in sent)
        except (TypeError, OverflowError) as error:
            raise ValueError("expected a list of points in the image") from error
        if not 2 <= len(clicks) <= _MOST_CLICKS:
            raise ValueError("two points at least")
        if not all(-0.5 <= x <= width and -0.5 <= y <= height for x, y in clicks):
            raise ValueError("a point is outside the image")
        self._clicks = clicks
        self._done.set()


def ask_clicks(path: Path, camera: Camera, port: int, say: Callable[[str], None]) -> Clicks:
    """Show the image on a page and wait until somebody has clicked on the stop line and saved."""
    session = ClickSession(path, camera)
    with session.page(port) as shown:
        say(f"to click on the stop line, {shown.invitation}")
        return session.wait()
