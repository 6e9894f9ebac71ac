"""Taking views from moving pictures while somebody moves the board, with advice on a page and on the terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import cv2
import numpy as np

from calib.boards import Board
from calib.collect import Answer, ViewPicker
from calib.detect import BoardFinder, Detection, Image
from calib.findings import judge_coverage
from calib.loopback import LoopbackPage, as_json, page
from calib.views import Coverage
from pipeline.capture.capture_thread import CaptureThread
from pipeline.capture.mailbox import Mailbox
from pipeline.capture.make_source import make_source
from pipeline.frames import DropCounter, Frame

LEAST_STEP_S = 0.08  # between frames that are looked at: a board moves slowly
_PICTURE_PX = 960
_ADVICE = {
    "no board": "show the board",
    "blurred": "too blurred: hold still, add light, focus",
    "moving": "hold the board still for a moment",
    "like an earlier view": "move on: tilt it, or show it elsewhere",
    "taken": "taken",
}
_NAMES = {
    "views": "number",
    "position": "position",
    "size": "size",
    "tilt_x": "tilt left/right",
    "tilt_y": "tilt up/down",
}
_COLOURS = {"taken": (60, 200, 60), "like an earlier view": (200, 160, 60)}


def watch(address: str, stopped: threading.Event) -> Iterator[Frame]:
    """Frames of a video, every one, or of a camera, always the newest, until the end or until `stopped`.

    Raises:
        GateError: nothing is there, or a recording cannot be read.
    """
    drops, ready = DropCounter(), threading.Condition()
    source = make_source("calibration", address, drops=drops)
    box = Mailbox("latest" if source.live else "every", drops, ready)
    thread = CaptureThread(source, box)
    thread.start()
    try:
        while not stopped.is_set():
            with ready:
                ready.wait_for(lambda: len(box) or box.closed, timeout=0.5)
            frame = box.take()
            if frame is not None:
                yield frame
            elif box.closed:
                return
    finally:
        thread.stop()


class LiveSession:
    """One session of taking views; the page reads it from other threads."""

    def __init__(self, board: Board, say: Callable[[str], None]) -> None:
        """Nothing happens before `run`.

        Args:
            board: what is held up.
            say: gets a line for the terminal whenever something changed.
        """
        self.picker = ViewPicker(BoardFinder(board))
        self.stopped = threading.Event()
        self._say = say
        self._lock = threading.Lock()
        self._picture: bytes = b""
        self._state: dict[str, object] = {}
        self._last: Answer | None = None

    def run(self, frames: Iterator[Frame]) -> None:
        """Take views until the frames end, the coverage is complete, or the page says stop."""
        due_s = -1.0
        for frame in frames:
            if frame.stamp.time_s < due_s:
                continue
            due_s = frame.stamp.time_s + LEAST_STEP_S
            answer, found = self.picker.offer(f"{frame.stamp.time_s:.2f} s", frame.image)
            coverage = self.picker.coverage
            self._publish(frame.image, answer, found, coverage)
            if answer != self._last and not (answer == "moving" and self._last == "no board"):
                self._say(status_line(answer, coverage))
            self._last = answer
            if answer == "taken" and coverage.complete:
                self._say("enough: the image, sizes and tilts are covered")
                return

    def page(self, port: int) -> LoopbackPage:
        """The page that shows this session."""
        reads = {
            "/": lambda: page("live.html"),
            "/state.json": lambda: as_json(self._read()[0]),
            "/picture.jpg": lambda: ("image/jpeg", self._read()[1]),
        }
        return LoopbackPage(port, reads, {"/stop": lambda _: self.stopped.set()})

    def _read(self) -> tuple[dict[str, object], bytes]:
        with self._lock:
            return self._state, self._picture

    def _publish(self, image: Image, answer: Answer, found: Detection | None, coverage: Coverage) -> None:
        missing = [item.text for item in judge_coverage(coverage) if item.level == "improve"]
        state = {
            "answer": answer,
            "advice": _ADVICE[answer],
            "views": len(coverage.poses),
            "shares": {_NAMES[key]: round(share, 3) for key, share in coverage.shares.items()},
            "counts": coverage.counts.tolist(),
            "complete": coverage.complete,
            "missing": missing[:2],
        }
        picture = _picture(image, answer, found)
        with self._lock:
            self._state, self._picture = state, picture


def take_views(address: str, board: Board, port: int | None, say: Callable[[str], None]) -> ViewPicker:
    """Views from a video or a camera.

    Args:
        address: what `make_source` takes.
        board: what is held up.
        port: of the page, 0 for any free one; None shows no page.
        say: gets lines for the terminal.

    Raises:
        GateError: the source or the port cannot be opened.
    """
    session = LiveSession(board, say)
    with ExitStack() as stack:
        if port is not None:
            say(stack.enter_context(session.page(port)).invitation)
        try:
            session.run(watch(address, session.stopped))
        except KeyboardInterrupt:
            say("stopped")
        if port is not None:
            time.sleep(1.0)  # lets the page show the last state
    return session.picker


def status_line(answer: Answer, coverage: Coverage) -> str:
    """One line for the terminal."""
    bars = "  ".join(
        f"{_NAMES[key]} {_bar(share)}" for key, share in coverage.shares.items() if key != "views"
    )
    return f"{len(coverage.poses):2d} views  {bars}  {_ADVICE[answer]}"


def coverage_map(coverage: Coverage) -> str:
    """The image's cells for a terminal: `.` no corner, `+` a few, `#` ten or more."""
    return "\n".join(
        "".join("." if count == 0 else "#" if count >= 10 else "+" for count in row)
        for row in coverage.counts
    )


def _bar(share: float) -> str:
    full = round(8 * share)
    return "[" + "#" * full + "-" * (8 - full) + "]"


def _picture(image: Image, answer: Answer, found: Detection | None) -> bytes:
    """JPEG for the page, with the corners found."""
    scale = min(1.0, _PICTURE_PX / image.shape[1])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for x, y in np.empty((0, 2)) if found is None else found.corners_px * scale:
        cv2.circle(small, (round(x), round(y)), 4, _COLOURS.get(answer, (60, 160, 240)), -1, cv2.LINE_AA)
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])[1])
