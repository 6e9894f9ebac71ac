"""Decoding with PyAV, shared by RTSP cameras and recorded files."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.capture.timeline import Timeline
from pipeline.frames import DropReason


def decode_packet(packet: av.Packet, timeline: Timeline) -> Iterator[av.VideoFrame]:
    """Intact frames that the decoder gives out after `packet`: none, one or several.

    What it cannot decode, or decodes with damage, is counted as `undecodable`.
    """
    try:
        frames = packet.decode()
    except av.FFmpegError:
        timeline.skip(DropReason.UNDECODABLE)
        return
    for frame in frames:
        if frame.is_corrupt:
            timeline.skip(DropReason.UNDECODABLE)
        else:
            yield frame


def presentation_time_s(frame: av.VideoFrame) -> Fraction | None:
    """Exact presentation time in seconds, None if the frame has none."""
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base


def bgr_image(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 BGR, turned upright as the file's display matrix says (in quarter turns)."""
    image = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    quarter_turns = round(frame.rotation / 90)
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if quarter_turns else image
