from __future__ import annotations

import random
import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from pipeline.capture import make_source
from pipeline.errors import GateError
from pipeline.frames import DropCounter, Frame
from tests.capture.builders import read_all, write_video


def _irregular_times_ms(count: int, start_ms: int = 0) -> list[int]:
    """Gaps of 7 to 400 ms, as of a camera that drops frames in the dark."""
    rng = random.Random(7)
    times_ms = [start_ms]
    while len(times_ms) < count:
        times_ms.append(times_ms[-1] + rng.randint(7, 400))
    return times_ms


def _read(path: Path) -> tuple[list[Frame], dict[str, int]]:
    drops = DropCounter()
    return read_all(make_source("entry", str(path), drops=drops)), drops.snapshot()


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_read_gives_the_times_of_a_variable_rate_file(tmp_path: Path, suffix: str) -> None:
    times_ms = _irregular_times_ms(40)
    frames, drops = _read(write_video(tmp_path / f"vfr.{suffix}", times_ms))
    assert [frame.stamp.time_s for frame in frames] == pytest.approx([t / 1000 for t in times_ms], abs=1e-9)
    assert [frame.stamp.index for frame in frames] == list(range(40))
    assert {(frame.stamp.time_source, frame.stamp.epoch, frame.stamp.utc_s) for frame in frames} == {
        ("pts", 1, None)
    }
    assert drops == {}


def test_read_starts_at_zero_when_the_recording_does_not(tmp_path: Path) -> None:
    frames, _ = _read(write_video(tmp_path / "late.mkv", [5000, 5040, 5100]))
    assert [frame.stamp.time_s for frame in frames] == pytest.approx([0.0, 0.04, 0.1], abs=1e-9)


def test_read_gives_upright_bgr_images_in_the_order_of_presentation(tmp_path: Path) -> None:
    frames, _ = _read(write_video(tmp_path / "grey.mkv", range(0, 800, 40), size_px=(64, 48)))
    assert {(frame.image.shape, frame.image.dtype.name) for frame in frames} == {((48, 64, 3), "uint8")}
    levels = [float(frame.image.mean()) for frame in frames]
    assert levels == pytest.approx([8 * index + 20 for index in range(20)], abs=4)


def test_read_twice_gives_the_same_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "twice.mp4", _irregular_times_ms(20))
    (first, _), (second, _) = _read(path), _read(path)
    assert [frame.stamp for frame in first] == [frame.stamp for frame in second]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, second, strict=True))


def test_open_again_starts_a_new_epoch(tmp_path: Path) -> None:
    source = make_source("entry", str(write_video(tmp_path / "a.mkv", [0, 40, 80])), drops=DropCounter())
    read_all(source)
    assert {(frame.stamp.epoch, frame.stamp.index) for frame in read_all(source)} == {(2, 0), (2, 1), (2, 2)}


def test_read_of_a_truncated_file_gives_the_intact_part_and_counts_the_damage(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", range(0, 2000, 40), options={"movflags": "faststart"})
    data = whole.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) - 300])
    frames, drops = _read(cut)
    assert 0 < len(frames) < 50
    assert drops == {"undecodable": 1}


@pytest.mark.parametrize(
    "content", [b"", b"not a video\n" * 50, random.Random(3).randbytes(5000)], ids=["empty", "text", "noise"]
)
def test_open_of_a_broken_file_says_so_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(GateError, match=r"broken\.mp4: cannot be read as video") as caught:
        make_source("entry", str(path), drops=DropCounter()).open()
    assert "\n" not in str(caught.value)


def test_open_of_a_file_without_frames_is_an_error(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", [0, 40, 80], options={"movflags": "faststart"}).read_bytes()
    path = tmp_path / "header.mp4"
    path.write_bytes(whole[: whole.index(b"mdat") + 4])
    with pytest.raises(GateError, match=r"header\.mp4: not one frame"):
        make_source("entry", str(path), drops=DropCounter()).open()


def test_open_of_a_sound_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    with pytest.raises(GateError, match="holds no video stream"):
        make_source("entry", str(path), drops=DropCounter()).open()


def test_open_takes_a_colon_in_a_name_for_a_colon(tmp_path: Path) -> None:
    frames, _ = _read(write_video(tmp_path / "a.mkv", [0, 40]).rename(tmp_path / "2024-01-01 10:00.mkv"))
    assert len(frames) == 2


def test_frame_count_hint_is_the_number_of_frames(tmp_path: Path) -> None:
    source = make_source(
        "entry", str(write_video(tmp_path / "a.mp4", range(0, 1000, 40))), drops=DropCounter()
    )
    assert source.frame_count_hint is None
    with source:
        assert source.frame_count_hint == 25


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is needed to write a rotated file")
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_read_turns_a_rotated_recording_upright_like_ffmpeg(tmp_path: Path, degrees: int) -> None:
    plain, rotated = tmp_path / "plain.mp4", tmp_path / "rotated.mp4"
    _ffmpeg("-f", "lavfi", "-i", "testsrc=size=96x64:rate=25:duration=0.2", "-pix_fmt", "yuv420p", str(plain))
    _ffmpeg("-i", str(plain), "-c", "copy", "-metadata:s:v:0", f"rotate={degrees}", str(rotated))
    expected = _ffmpeg("-i", str(rotated), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "bgr24", "-")
    frames, _ = _read(rotated)
    width, height = (64, 96) if degrees != 180 else (96, 64)
    assert frames[0].size_px == (width, height)
    upright = np.frombuffer(expected, np.uint8).reshape(height, width, 3)
    assert np.abs(frames[0].image.astype(int) - upright).mean() < 4


def _ffmpeg(*arguments: str) -> bytes:
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def test_times_that_begin_anew_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two recordings that were put into one file: the second one's times are those of the first."""
    part = write_video(tmp_path / "part.ts", range(0, 2000, 100))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(2 * part.read_bytes())
    frames, drops = _read(joined)
    assert len(frames) == 20 and drops == {"bad_time": 20}
    assert [record.getMessage() for record in caplog.records if "jump back by" in record.getMessage()]


def test_recording_without_times_says_how_to_give_it_some(tmp_path: Path) -> None:
    path = write_video(tmp_path / "raw.h264", range(0, 400, 40))
    with pytest.raises(GateError, match="it carries no times: give it some with ffmpeg"):
        _read(path)


def test_label_of_a_file_whose_name_is_no_utf8_can_be_written_anywhere(tmp_path: Path) -> None:
    path = write_video(tmp_path / "S\udcfcd.mkv", range(0, 200, 40))
    source = make_source("entry", str(path), drops=DropCounter())
    assert source.label.encode().endswith(b"S\\udcfcd.mkv")
    assert len(read_all(source)) == 5
