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
from calib.crossval import calibrate_lens
from calib.detect import BoardFinder, Detection, Image
from calib.judge_lens import GOOD_EDGE_PX, edge_px
from calib.judge_views import judge_coverage, region
from calib.live_text import ADVICE, NAMES, status_line
from calib.loopback import LoopbackPage, as_json, page
from calib.views import ENOUGH_VIEWS, Coverage
from pipeline.capture.capture_thread import CaptureThread
from pipeline.capture.mailbox import Mailbox
from pipeline.capture.make_source import make_source
from pipeline.errors import GateError
from pipeline.frames import DropCounter, Frame
from pipeline.redact import redact

MOST_VIEWS = 2 * ENOUGH_VIEWS  # more add little
LEAST_STEP_S = 0.08  # between frames that are looked at: a board moves slowly
_PICTURE_PX = 960
_COLOURS = {"taken": (60, 200, 60), "like an earlier view": (200, 160, 60)}


def watch(address: str, stopped: threading.Event) -> Iterator[Frame]:
    """Frames of a video, every one, or of a camera, always the newest, until the end or until `stopped`.

    Raises:
        GateError: nothing is there, or a recording cannot be read, be it after some frames.
    """
    drops, ready = DropCounter(), threading.Condition()
    source = make_source("calibration", address, drops=drops)
    box = Mailbox("latest" if source.live else "every", drops, ready)
    failures: list[Exception] = []
    thread = CaptureThread(source, box, on_failure=failures.append)
    thread.start()
    try:
        while not stopped.is_set():
            with ready:
                ready.wait_for(lambda: len(box) or box.closed, timeout=0.5)
                closed = box.closed  # before the last look into it: a frame may come meanwhile
            frame = box.take()
            if frame is not None:
                yield frame
            elif closed:
                break
    finally:
        thread.stop()
    if failures and not stopped.is_set():  # a part of a recording must not pass for the whole
        reason = redact(repr(failures[0]))  # with the kind of error: some have no text
        raise GateError(f"{source.label}: reading failed before the end ({reason})") from failures[0]


class LiveSession:
    """One session of taking views; the page reads it from other threads."""

    def __init__(self, board: Board, say: Callable[[str], None]) -> None:
        """Nothing happens before `run`.

        Args:
            board: what is held up.
            say: gets a line for the terminal whenever something changed.
        """
        self.picker = ViewPicker(BoardFinder(board))
        self._board = board
        self.stopped = threading.Event()
        self._say = say
        self._lock = threading.Lock()
        self._picture: bytes = b""
        self._state: dict[str, object] = {}
        self._last: Answer | None = None
        self._unsure: tuple[str, ...] = ()

    def run(self, frames: Iterator[Frame]) -> None:
        """Take views until the frames end, the lens is known well enough, or the page says stop."""
        epoch, due_s = -1, 0.0
        for frame in frames:
            if frame.stamp.epoch == epoch and frame.stamp.time_s < due_s:
                continue
            epoch, due_s = frame.stamp.epoch, frame.stamp.time_s + LEAST_STEP_S
            answer, found = self.picker.offer(f"{frame.stamp.time_s:.2f} s", frame.image)
            coverage = self.picker.coverage
            enough = answer == "taken" and coverage.complete and self._enough()
            self._publish(frame.image, answer, found, coverage, enough)
            if answer != self._last and not (answer == "moving" and self._last == "no board"):
                self._say(status_line(answer, coverage))
            self._last = answer
            if enough:
                self._say(f"enough: {len(coverage.poses)} views cover the image, sizes and tilts")
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

    def _enough(self) -> bool:
        """Whether a calibration with the views so far knows every direction well; if not, says where it does not."""
        views = self.picker.collection.views
        if len(views) >= MOST_VIEWS:
            return True
        try:
            result = calibrate_lens(views, self._board)
        except GateError as error:
            self._unsure = (str(error),)
            return False
        edge = edge_px(result)
        if edge <= GOOD_EDGE_PX:
            return True
        self._unsure = (
            f"all is covered, but at the {region(result.cross_px)} directions are uncertain by {edge:.2f} px, where "
            f"{GOOD_EDGE_PX:g} px is good: take more views there",
        )
        self._say(self._unsure[0])
        return False

    def _publish(
        self, image: Image, answer: Answer, found: Detection | None, coverage: Coverage, enough: bool
    ) -> None:
        missing = [item.text for item in judge_coverage(coverage)] or self._unsure
        state = {
            "answer": answer,
            "advice": ADVICE[answer],
            "views": len(coverage.poses),
            "wanted": ENOUGH_VIEWS,
            "shares": {NAMES[key]: round(share, 3) for key, share in coverage.shares.items()},
            "counts": coverage.counts.tolist(),
            "complete": enough,
            "missing": list(missing[:2]),
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


def _picture(image: Image, answer: Answer, found: Detection | None) -> bytes:
    """JPEG for the page, with the corners found."""
    scale = min(1.0, _PICTURE_PX / image.shape[1])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for x, y in np.empty((0, 2)) if found is None else found.corners_px * scale:
        cv2.circle(small, (round(x), round(y)), 4, _COLOURS.get(answer, (60, 160, 240)), -1, cv2.LINE_AA)
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])[1])
