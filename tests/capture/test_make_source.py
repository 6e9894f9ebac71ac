from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.capture import make_source
from pipeline.errors import GateError
from pipeline.frames import DropCounter


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("rtsp://admin:s3cret@10.0.0.5/live", "rtsp://***@10.0.0.5/live"),
        ("rtsps://10.0.0.5/live", "rtsps://10.0.0.5/live"),
        ("usb:0", "usb:0"),
        ("USB:0", "USB:0"),
        (" rtsp://10.0.0.5/live ", "rtsp://10.0.0.5/live"),
        ("/dev/video3", "/dev/video3"),
        ("/dev/v4l/by-id/usb-046d_C920-video-index0", "/dev/v4l/by-id/usb-046d_C920-video-index0"),
    ],
)
def test_make_source_of_a_camera_is_live_and_not_opened(url: str, label: str) -> None:
    source = make_source("entry", url, drops=DropCounter())
    assert (source.live, source.label, source.camera, source.epoch) == (True, label, "entry", 0)
    assert source.frame_count_hint is None


def test_make_source_of_a_file_or_folder_is_not_live(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.touch()
    assert not make_source("entry", str(path), drops=DropCounter()).live
    assert not make_source("entry", str(tmp_path), drops=DropCounter()).live


@pytest.mark.parametrize(
    "url", ["http://admin:s3cret@10.0.0.5/video", "usb:front", "usb:", "ftp://10.0.0.5/x"]
)
def test_make_source_of_an_unknown_kind_names_the_known_ones(url: str) -> None:
    with pytest.raises(GateError, match="unknown kind of source; give rtsp://") as caught:
        make_source("entry", url, drops=DropCounter())
    assert "s3cret" not in str(caught.value)


def test_make_source_of_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GateError, match=r"absent\.mp4: no such file or folder; a source is rtsp://"):
        make_source("entry", str(tmp_path / "absent.mp4"), drops=DropCounter())
