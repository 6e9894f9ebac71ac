"""Recorded video files, dated by their presentation timestamps (variable frame rate included)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

from pipeline.capture.decoding import bgr_image, decode_packet, presentation_time_s
from pipeline.capture.recording import Recording
from pipeline.capture.timeline import Timeline
from pipeline.errors import GateError
from pipeline.frames import DropCounter, DropReason, Frame

log = logging.getLogger(__name__)

_JUMP_S = 1.0  # frames out of order are much closer


class VideoFile(Recording):
    """The first video stream of a file; a file that breaks off gives what could be decoded of it."""

    def __init__(self, camera: str, path: Path, drops: DropCounter) -> None:
        super().__init__(camera, str(path), drops)
        self._path = path
        self._container: av.container.InputContainer | None = None
        self._frame_count: int | None = None

    def close(self) -> None:
        """Closes the file."""
        super().close()
        if self._container is not None:
            self._container.close()
            self._container = None

    @property
    def frame_count_hint(self) -> int | None:
        """What the file's header says, or its duration times its average rate; None before it was opened."""
        return self._frame_count

    def _start(self, timeline: Timeline) -> Iterator[Frame]:
        self._container = _open_container(self._path)
        self._frame_count = _frame_count(self._container)
        return self._decode(self._container, timeline)

    def _decode(self, container: av.container.InputContainer, timeline: Timeline) -> Iterator[Frame]:
        stream = container.streams.video[0]
        # Frame threads would be faster, but at a damaged end they lose good frames without an error.
        stream.thread_type = "SLICE"
        last_s: Fraction | None = None
        for packet in self._demux(container, stream, timeline):
            for decoded in decode_packet(packet, timeline):
                time_s = presentation_time_s(decoded)
                self._tell_of_jump(last_s, time_s)
                last_s = time_s
                stamp = timeline.stamp(time_s, "pts")
                if stamp is not None:
                    yield Frame(stamp, bgr_image(decoded))

    def _tell_of_jump(self, last_s: Fraction | None, time_s: Fraction | None) -> None:
        """A recording whose times begin anew was put together of several."""
        if last_s is not None and time_s is not None and last_s - time_s > _JUMP_S:
            log.warning(
                "%s: its times jump back by %.1f s; frames are left out until the old time is reached: split the file "
                "there, or give it new times (ffmpeg -fflags +genpts)",
                self._path,
                float(last_s - time_s),
            )

    def _demux(
        self, container: av.container.InputContainer, stream: av.VideoStream, timeline: Timeline
    ) -> Iterator[av.Packet]:
        try:
            yield from container.demux(stream)
        except av.FFmpegError as error:
            log.warning("%s: reading stopped before the end: %s", self._path, error.strerror)
            timeline.skip(DropReason.UNDECODABLE)
            flush = av.Packet()  # an empty packet makes the decoder give out the frames that it still holds
            flush.stream = stream
            yield flush


def _frame_count(container: av.container.InputContainer) -> int | None:
    stream = container.streams.video[0]
    if stream.frames:
        return stream.frames
    if container.duration is None or stream.average_rate is None:
        return None
    return round(container.duration / av.time_base * stream.average_rate)


def _open_container(path: Path) -> av.container.InputContainer:
    """Opens `path` and checks that it holds a video stream that can be decoded."""
    try:
        # "file:" so that a colon in a file's name is not taken for a protocol.
        container = av.open(f"file:{path}")
    except av.FFmpegError as error:
        raise GateError(
            f"{path}: cannot be read as video ({error.strerror}); check that the file is a complete recording"
        ) from error
    if not container.streams.video or container.streams.video[0].codec_context is None:
        container.close()
        raise GateError(f"{path}: holds no video stream that can be decoded; give a recorded video")
    return container
