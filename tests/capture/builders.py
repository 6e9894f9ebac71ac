"""Small recordings and frames for the capture tests; no test needs a file from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from pipeline.capture import Source
from pipeline.frames import Frame, FrameStamp

MILLISECOND = Fraction(1, 1000)


def frame(index: int, size_px: tuple[int, int] = (4, 2)) -> Frame:
    """Frame number `index` of a camera at 25 frames a second."""
    width, height = size_px
    stamp = FrameStamp("test", index, epoch=1, time_s=index / 25, time_source="pts")
    return Frame(stamp, np.zeros((height, width, 3), np.uint8))


def write_video(
    path: Path,
    times_ms: Sequence[int],
    *,
    size_px: tuple[int, int] = (64, 48),
    options: dict[str, str] | None = None,
) -> Path:
    """Writes an H.264 file; frame i is shown at times_ms[i] and is uniformly grey, (8 * i + 20) modulo 256."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "2"})
        stream.width, stream.height = size_px
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = MILLISECOND
        for index, time_ms in enumerate(times_ms):
            image = np.full((size_px[1], size_px[0], 3), (8 * index + 20) % 256, np.uint8)
            picture = av.VideoFrame.from_ndarray(image, format="bgr24")
            picture.pts, picture.time_base = time_ms, MILLISECOND
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def read_all(source: Source) -> list[Frame]:
    """All frames of a recording."""
    with source:
        return list(iter(source.read, None))
