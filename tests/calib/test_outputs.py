"""What the commands write: places are tried before the work, and a file under its name is whole."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from calib.__main__ import main
from calib.boards import Board
from calib.camera import Camera
from calib.commands import intrinsics
from calib.paper import draw_board, write
from calib.record import Record
from calib.report import write_report
from pipeline.errors import GateError
from pipeline.post.plate_formats import EUROPE
from tests.calib.conftest import BOARD, LENS

CAMERA = Camera("entry-1", LENS)

WRITERS: dict[str, Callable[[Path], object]] = {
    "entry-1.toml": lambda folder: CAMERA.save(folder / "entry-1.toml"),
    "entry-1.calibration.json": lambda folder: Record().save(folder / "entry-1.toml"),
    "entry-1.report.html": lambda folder: write_report(CAMERA, Record(), folder / "entry-1.toml", EUROPE[0]),
    "board.toml": lambda folder: Board().save(folder / "board.toml"),
    "board.pdf": lambda folder: write(draw_board(BOARD, "a4"), folder / "board.pdf"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_file_before_and_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def no_space(path: Path, data: bytes | str, **_: object) -> int:
        if data:
            with path.open("wb") as file:
                file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        path.touch()
        return 0

    (tmp_path / name).write_text("as before")
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", no_space)
        full.setattr(Path, "write_text", no_space)
        with pytest.raises(GateError, match=f"{name}: cannot write .*No space left"):
            WRITERS[name](tmp_path)
    assert (tmp_path / name).read_text() == "as before"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    WRITERS[name](tmp_path)
    assert (tmp_path / name).read_bytes() != b"as before"


@pytest.mark.parametrize("name", WRITERS)
def test_a_missing_folder_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(GateError, match=f"{name}: cannot write .*No such file"):
        WRITERS[name](tmp_path / "none")


@pytest.mark.parametrize("taken", ["", "entry-1.report.html", "entry-1.calibration.json"])
def test_intrinsics_finds_a_place_that_takes_no_file_before_any_view_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], taken: str
) -> None:
    monkeypatch.setattr(intrinsics, "take_views", lambda *_: pytest.fail("views were taken"))
    folder = tmp_path / "new"
    if taken:
        (folder / taken).mkdir(parents=True)
    command = ["intrinsics", "rtsp://127.0.0.1:1/live", "--board", "charuco:7x10:25", "--text"]
    assert main([*command, "-o", str(folder / "entry-1.toml")]) == 2
    error = capsys.readouterr().err
    assert str(folder / (taken or "entry-1.toml")) in error
    assert len(error.splitlines()) == 1
    assert [path.name for path in tmp_path.rglob("*.part")] == []


def test_source_of_intrinsics_takes_its_password_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    opened: list[str] = []

    def take_views(address: str, *_: object) -> None:
        opened.append(address)
        raise GateError("no such camera")

    monkeypatch.setattr(intrinsics, "take_views", take_views)
    source = "rtsp://gate:${TEST_CAMERA_PASSWORD}@192.0.2.10/stream1"
    command = ["intrinsics", source, "--board", "charuco:7x10:25", "-o", str(tmp_path / "entry-1.toml")]
    assert main(command) == 2
    assert "TEST_CAMERA_PASSWORD is not set" in capsys.readouterr().err
    monkeypatch.setenv("TEST_CAMERA_PASSWORD", "hunter2")
    assert main(command) == 2
    assert opened == ["rtsp://gate:hunter2@192.0.2.10/stream1"]
