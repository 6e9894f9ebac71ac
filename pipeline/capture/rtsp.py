"""RTSP cameras through FFmpeg (PyAV), over TCP unless told otherwise."""

from __future__ import annotations

import struct
import time
from collections import deque
from collections.abc import Iterator

import av

from pipeline.capture.decoding import bgr_image, decode_packet, presentation_time_s
from pipeline.capture.live import Connection
from pipeline.capture.source import SourceLost
from pipeline.capture.timeline import Timeline
from pipeline.config import Transport
from pipeline.frames import Frame, FrameStamp


class RtspConnection(Connection):
    """One RTSP session.

    Times are the camera's RTP timestamps, which every RTP stream has; the moment of arrival, which jitters with
    the network, is never put in their place. (FFmpeg gives the first frame of a session no time; it is dropped as
    `bad_time`.) From the first RTCP sender report on, which ties the timestamps to the camera's wall clock,
    frames are marked `rtcp` and carry the camera's UTC. Before it, or without reports, they are marked `pts`
    and carry the host's UTC at their arrival.
    """

    def __init__(
        self,
        url: str,
        timeline: Timeline,
        *,
        transport: Transport,
        open_timeout_s: float,
        read_timeout_s: float,
    ) -> None:
        self._url = url
        self._timeline = timeline
        self._transport = transport
        self._timeouts_s = (open_timeout_s, read_timeout_s)
        self._container: av.container.InputContainer | None = None
        self._packets: Iterator[av.Packet] = iter(())
        self._ready: deque[Frame] = deque()
        self._wall_clock_seen = False
        self._utc_offset_s: float | None = None

    def open(self) -> None:
        """Connects, without waiting for a frame."""
        options = {
            "rtsp_transport": self._transport,
            # With a second stream FFmpeg would move all times when the first sender report arrives.
            "allowed_media_types": "video",
            # Do not hold back frames to guess a frame rate that nobody asks for.
            "fpsprobesize": "0",
        }
        try:
            self._container = av.open(self._url, options=options, timeout=self._timeouts_s)
        except av.FFmpegError as error:
            raise _lost(error) from None
        if not self._container.streams.video:
            raise SourceLost("the camera offers no video")
        stream = self._container.streams.video[0]
        if stream.codec_context is None:
            raise SourceLost("no decoder for the camera's video format")
        stream.thread_type = "SLICE"  # frame threads would hold back a frame for each thread
        stream.codec_context.flags |= av.codec.context.Flags.low_delay
        self._packets = self._container.demux(stream)

    def read(self) -> Frame | None:
        """Decodes one packet, unless frames of the last one are left."""
        if not self._ready:
            try:
                packet = next(self._packets)
            except StopIteration:
                raise SourceLost("the camera ended the stream") from None
            except av.FFmpegError as error:
                raise _lost(error) from None
            self._note_wall_clock(packet)
            self._decode(packet)
        return self._ready.popleft() if self._ready else None

    def close(self) -> None:
        """Ends the session (the camera is told by TEARDOWN)."""
        self._packets = iter(())
        if self._container is not None:
            self._container.close()
            self._container = None

    def _decode(self, packet: av.Packet) -> None:
        for decoded in decode_packet(packet, self._timeline):
            stamp = self._stamp(decoded)
            if stamp is not None:
                self._ready.append(Frame(stamp, bgr_image(decoded)))

    def _stamp(self, decoded: av.VideoFrame) -> FrameStamp | None:
        time_s = presentation_time_s(decoded)
        if time_s is None or self._utc_offset_s is None:
            return self._timeline.stamp(time_s, "pts", time.time())
        return self._timeline.stamp(time_s, "rtcp", float(time_s) + self._utc_offset_s)

    def _note_wall_clock(self, packet: av.Packet) -> None:
        """Keeps the difference between the camera's wall clock and its presentation times.

        FFmpeg works out every packet's wall-clock time from the latest sender report, so that the difference
        follows the drift between the camera's clocks (`start_time_realtime` knows only the first report). It
        comes as libavutil's AVProducerReferenceTime: microseconds since 1970 (int64), flags (int).
        """
        if packet.pts is None or not packet.has_sidedata("prft"):
            return
        if not self._wall_clock_seen:  # FFmpeg's parser gives the first one to the packet before its own
            self._wall_clock_seen = True
            return
        wall_clock_us, _flags = struct.unpack_from("=qi", bytes(packet.get_sidedata("prft")))
        if wall_clock_us > 0:  # a camera without a clock reports 1900
            self._utc_offset_s = wall_clock_us / 1e6 - float(packet.pts * packet.time_base)


def _lost(error: av.FFmpegError) -> SourceLost:
    """The reason in FFmpeg's words; its own text would hold the address with the password."""
    if isinstance(error, av.error.ExitError):
        return SourceLost("the camera did not answer in time")
    return SourceLost(error.strerror or type(error).__name__)
