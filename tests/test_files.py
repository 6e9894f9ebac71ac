"""Images that may be broken, and files that must never be half or in the wrong place."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import GateError
from pipeline.files import (
    PartFile,
    make_folder,
    natural_order,
    read_image,
    read_toml,
    refuse_overwriting,
    write_image,
)


def test_part_file_leaves_the_older_file_until_it_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    path.write_text("old")
    whole = PartFile(path, "report")
    whole.part.write_text("new")
    assert path.read_text() == "old"
    whole.finish()
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]
    PartFile(path, "report").discard()
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_part_file_of_a_block_is_removed_after_an_exception(tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    with pytest.raises(RuntimeError), PartFile(path, "report") as whole:
        whole.write(b"half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with PartFile(path, "report") as whole:
        whole.write(b"whole")
    assert path.read_text() == "whole" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", [".", "folder", "/dev/null"])
def test_part_file_never_takes_the_place_of_a_folder_or_a_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(GateError, match="is no regular file; give the name of a file for the video"):
        PartFile(Path(name), "video")
    for missing in (Path("missing") / "out.mp4", Path(300 * "x")):
        with pytest.raises(GateError, match="cannot write the video there"):
            PartFile(missing, "video")


def test_what_is_read_is_not_written_over_and_nothing_is_written_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refuse_overwriting([Path("a.mp4"), None, Path("b.html")], [Path("c.mp4")])
    (tmp_path / "loop").symlink_to("loop")
    refuse_overwriting([Path("loop")], [None])
    same = [
        ([Path("c.mp4")], [tmp_path / "c.mp4"]),
        ([Path("a"), Path("./a")], []),
        ([Path("clip.mp4")], [Path("clip.mp4.part")]),  # a download that is not finished
        ([Path("a.part"), Path("a")], []),
    ]
    for written, read in same:
        with pytest.raises(GateError, match="give another name"):
            refuse_overwriting(written, read)


def test_image_whose_header_asks_for_too_much_memory_is_no_image(tmp_path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    path = tmp_path / "huge.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    assert read_image(path) is None
    path.write_bytes(b"not an image")
    assert read_image(path) is None and read_image(tmp_path / "none.png") is None
    assert np.shape(read_image(Path(__file__).parents[1] / "docs" / "clips.jpg"))[2] == 3


def test_folder_in_the_place_of_a_file_is_refused_in_one_line(tmp_path):
    make_folder(tmp_path / "new" / "folder")
    make_folder(tmp_path / "new")  # is there already
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(GateError, match="cannot make a folder there"):
            make_folder(folder)
    assert (tmp_path / "new" / "folder").is_dir()


def test_images_of_any_name_come_back_as_they_were_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    path = tmp_path / "caf\udce9.png"
    write_image(path, image)
    assert np.array_equal(read_image(path), image)
    assert capfd.readouterr().err == ""  # OpenCV complains of options that a format does not have
    with pytest.raises(GateError, match=r"cannot be written as '\.xyz'"):
        write_image(tmp_path / "image.xyz", image)
    with pytest.raises(GateError, match="cannot write the image there"):
        write_image(tmp_path / "nowhere" / "image.png", image)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"a\.toml: cannot read the board: No such file or directory$"),
        (b"\xff\xfe", "not a text file in UTF-8"),
        (b"a = ", "not valid TOML"),
        (b"a = " + 20_000 * b"[", "nested too deeply"),
    ],
)
def test_toml_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "a.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GateError, match=message):
        read_toml(path, "board")


def test_toml_of_windows_editors_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\n")
    assert read_toml(path, "board") == {"a": 1}


def test_names_are_ordered_as_people_count() -> None:
    names = ["f10.png", "f09.png", "f9.png", "F1.png", "10.png", "a/b 2.png", "a/b 12.png"]
    ordered = ["10.png", "a/b 2.png", "a/b 12.png", "F1.png", "f09.png", "f9.png", "f10.png"]
    assert sorted(names, key=natural_order) == ordered
