"""Picks the kind of source from its address."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.capture.images import ImageFolder
from pipeline.capture.live import LiveSource
from pipeline.capture.rtsp import RtspConnection
from pipeline.capture.source import Source
from pipeline.capture.usb import UsbConnection
from pipeline.capture.video import VideoFile
from pipeline.config import Transport
from pipeline.errors import GateError
from pipeline.frames import DropCounter
from pipeline.redact import redact_address


def make_source(
    camera: str,
    url: str,
    *,
    drops: DropCounter,
    label: str | None = None,
    fps: float = 25.0,
    transport: Transport = "tcp",
    open_timeout_s: float = 10.0,
    read_timeout_s: float = 5.0,
) -> Source:
    """Source for `url`, not yet open.

    Args:
        camera: identifier of the camera, goes into every frame's stamp.
        url: `rtsp://...` or `rtsps://...`, `usb:0`, `/dev/video0` or `/dev/v4l/by-id/...`, an image
            folder, or a recorded file.
        drops: counts frames that cannot be used.
        label: how a camera is named in logs, events and errors; if not given, its address without secrets. A
            recording is named by its path.
        fps: images a second of an image folder.
        transport: how RTSP carries the video.
        open_timeout_s: longest wait for a camera's first frame; must cover the time between two key frames.
        read_timeout_s: longest wait for any later frame.

    Raises:
        GateError: the address is of no known kind, or nothing is there.
    """
    url = url.strip()
    label = label or redact_address(url)
    device = _usb_device(url)
    if device is not None:
        return LiveSource(
            camera,
            label,
            lambda timeline: UsbConnection(device, timeline),
            drops=drops,
            open_timeout_s=open_timeout_s,
            read_timeout_s=read_timeout_s,
        )
    if url.lower().startswith(("rtsp://", "rtsps://")):
        return LiveSource(
            camera,
            label,
            lambda timeline: RtspConnection(
                url,
                timeline,
                transport=transport,
                open_timeout_s=open_timeout_s,
                read_timeout_s=read_timeout_s,
            ),
            drops=drops,
            open_timeout_s=open_timeout_s,
            read_timeout_s=read_timeout_s,
        )
    return _recording(camera, url, label, drops, fps)


def _usb_device(url: str) -> int | str | None:
    """Device number of `usb:N`, path of a device file, None for any other address."""
    number = re.fullmatch(r"usb:([0-9]{1,3})", url, re.IGNORECASE)
    if number:
        return int(number[1])
    return url if re.fullmatch(r"/dev/(video[0-9]{1,3}|v4l/by-(id|path)/[^/]+)", url) else None


def _recording(camera: str, url: str, label: str, drops: DropCounter, fps: float) -> Source:
    path = Path(url)
    if path.is_dir():
        return ImageFolder(camera, path, drops, fps)
    if path.is_file():
        return VideoFile(camera, path, drops)
    known = "rtsp://..., rtsps://..., usb:0, /dev/video0, a video file or a folder of images"
    if "://" in url or url.lower().startswith("usb:"):
        raise GateError(f"{label}: unknown kind of source; give {known}")
    raise GateError(f"{label}: no such file or folder; a source is {known}")
