"""The commands from end to end: board, intrinsics, mount, check, and the report that each leaves."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calib.__main__ import main
from calib.acceptance import Check
from calib.boards import Board, read_board
from calib.camera import Camera, Mount
from calib.collect import ViewPicker, from_images
from calib.commands.intrinsics import with_timing
from calib.detect import BoardFinder
from calib.record import Record
from calib.targets import UPRIGHT
from pipeline.files import write_image
from pipeline.synthetic.boards import BoardCamera, BoardPose
from tests.calib.conftest import BOARD, LENS
from tests.calib.seen import passage_update, plate_px

TRUTH = Camera("entry-1", LENS, Mount(1.8, 9.0, 0.6, 2.0))
PHOTOS = Path("/usr/share/doc/opencv-doc/examples/data")  # Debian's opencv-doc


class Page(HTMLParser):
    """Checks that elements close in order, and gathers addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for key, value in attributes if key in ("src", "href")]
        if tag not in ("meta", "br", "img", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def located(folder: Path, name: str, distances_m: tuple[float, ...]) -> Path:
    """What `run_gate.py locate --json` says about plates at these distances."""
    rng, lines = np.random.default_rng(0), []
    for distance in distances_m:
        pixels = plate_px(TRUTH, (0.1, distance, 0.5)) + rng.normal(0, 0.5, (4, 2))
        lines.append(
            json.dumps(
                {"file": f"shots/d{100 * distance:.0f}.jpg", "presence": 0.99, "corners_px": pixels.tolist(),
                 "image_size_px": [TRUTH.intrinsics.width, TRUTH.intrinsics.height],
                 "corner_cov_px2": [[[0.25, 0.0], [0.0, 0.25]]] * 4, "ms": 1.0}
            )
        )  # fmt: skip
    (folder / name).write_text("\n".join(lines))
    return folder / name


@pytest.fixture(scope="module")
def from_photographs(tmp_path_factory: pytest.TempPathFactory, photographs: list[NDArray[np.uint8]]) -> Path:
    """A folder with entry-1.toml, its record and its report, from `intrinsics`."""
    folder = tmp_path_factory.mktemp("calibrated")
    (folder / "photos").mkdir()
    for number, image in enumerate(photographs):
        write_image(folder / "photos" / f"{number:02d}\udce9.png", image)  # a name may be no UTF-8
    arguments = ["intrinsics", str(folder / "photos"), "--board", "charuco:7x10:25"]
    assert main([*arguments, "-o", str(folder / "entry-1.toml")]) == 0
    return folder


def test_intrinsics_of_a_camera_writes_its_password_nowhere(
    from_photographs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nor a word from the environment. The photographs' views stand for those that the camera would have given."""
    opened: list[str] = []

    def views_of_photographs(address: str, board: Board, port: int | None, tell: object) -> ViewPicker:
        opened.append(address)
        picker = ViewPicker(BoardFinder(board))
        photographs = sorted((from_photographs / "photos").iterdir())
        picker.collection = from_images(photographs, BoardFinder(board))
        return picker

    monkeypatch.setenv("TOKEN", "hunter2")
    monkeypatch.setattr("calib.commands.intrinsics.take_views", views_of_photographs)
    arguments = ["intrinsics", "rtsp://gate:open-sesame@10.0.0.5/${TOKEN}/live", "--board", "charuco:7x10:25"]
    assert main([*arguments, "-o", str(tmp_path / "entry-1.toml")]) == 0
    assert opened == ["rtsp://gate:open-sesame@10.0.0.5/hunter2/live"]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 3  # the camera file, its record and its report
    said = "".join(capsys.readouterr()) + "".join(path.read_text(encoding="utf-8") for path in files)
    assert "open-sesame" not in said and "hunter2" not in said
    assert "rtsp://***@10.0.0.5/${TOKEN}/live" in said


@pytest.fixture
def calibrated(from_photographs: Path, tmp_path: Path) -> Path:
    """The camera file in a folder of the test's own."""
    for file in from_photographs.glob("entry-1.*"):
        shutil.copy(file, tmp_path)
    return tmp_path / "entry-1.toml"


def test_from_board_to_acceptance(
    calibrated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    camera = Camera.load(calibrated)
    assert camera.camera_id == "entry-1"
    assert camera.mount is None
    assert abs(camera.intrinsics.fx / LENS.fx - 1) < 0.003

    main(["mount", "--template"])
    template = capsys.readouterr().out
    measured = tmp_path / "measured.toml"
    measured.write_text(
        template[template.index("# What was measured") :].replace("clicks_px = []", "distance_m = 2.0")
    )
    corners = located(tmp_path, "corners.jsonl", (3.0, 5.0, 8.0))
    assert main(["mount", str(calibrated), str(measured), "--corners", str(corners)]) == 0
    camera = Camera.load(calibrated)
    assert camera.mount is not None
    assert camera.mount.height_m == pytest.approx(1.8, abs=0.05)
    assert camera.mount.pitch_deg == pytest.approx(9.0, abs=0.4)
    assert camera.mount.stop_line_m == 2.0
    assert "d500.jpg" in capsys.readouterr().out

    at_4 = located(tmp_path, "at4.jsonl", (4.0,))
    assert main(["check", str(calibrated), str(at_4), "--at", "4.00"]) == 0
    assert "The calibration holds here" in capsys.readouterr().out
    assert main(["check", str(calibrated), str(at_4), "--at", "2.00", "--from", "stop-line"]) == 0
    assert "at 2.00 m from the stop line the camera says" in capsys.readouterr().out
    assert main(["check", str(calibrated), str(at_4), "--at", "4.60"]) == 1
    assert "does not agree" in capsys.readouterr().out

    record = Record.load(calibrated)
    assert [check.verdict for check in record.checks] == ["agrees", "agrees", "disagrees"]
    assert [check.stop_line_m for check in record.checks] == [None, 2.0, None]
    report = calibrated.with_suffix(".report.html").read_text(encoding="utf-8")
    page = Page(report)
    assert page.addresses == []  # nothing is fetched from anywhere
    for heading in ("Verdict", "Expected errors", "Lens", "Mount", "Acceptance: tape-measure checks"):
        assert f"<h2>{heading}</h2>" in report
    assert "does not agree" in report
    # The stop line was said to be known to 2 cm (standard deviation), which counts only where the tape begins there.
    from_camera, from_line, _ = record.checks
    assert from_line.tape_sd_m == pytest.approx(np.hypot(0.01, camera.uncertainty.stop_line_m))
    assert from_camera.tape_sd_m == 0.01

    assert main(["mount", str(calibrated), str(measured), "--corners", str(corners)]) == 0
    report = calibrated.with_suffix(".report.html").read_text(encoding="utf-8")
    verdicts, _, history = report.partition("<h2>Acceptance: tape-measure checks</h2>")
    assert (
        "Tape check:" not in verdicts and "python -m calib check" in verdicts
    )  # they were made with the old mount
    assert history.count("<tr>") == 1 + 3
    assert not re.search(r"\bnan\b|\binf\b", report)


def test_report_without_mount_says_what_is_next(calibrated: Path) -> None:
    report = calibrated.with_suffix(".report.html").read_text(encoding="utf-8")
    assert "python -m calib mount" in report
    Page(report)


def test_check_from_a_stop_line_that_there_is_none_is_refused(
    calibrated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    camera = Camera.load(calibrated)
    replace(camera, mount=TRUTH.mount).save(calibrated)
    command = ["check", str(calibrated), str(located(tmp_path, "at4.jsonl", (4.0,))), "--at", "4.00"]
    assert main([*command, "--from", "stop-line"]) == 2
    assert "has no stop line; run mount with [stop_line]" in capsys.readouterr().err
    at_0 = replace(camera.uncertainty, stop_line_m=0.01)  # right below the camera
    replace(camera, mount=TRUTH.mount, uncertainty=at_0).save(calibrated)
    assert main([*command, "--from", "stop-line"]) == 0


def test_check_with_a_board_on_a_stand(calibrated: Path, tmp_path: Path, board_camera: BoardCamera) -> None:
    camera = replace(Camera.load(calibrated), mount=Mount(0.4, 10.0, 0.0, 0.0))
    camera.save(calibrated)
    there = replace(camera, intrinsics=LENS)
    assert camera.mount is not None
    pose = BoardPose(camera.mount.camera_from_road @ UPRIGHT, there.camera_from_road([0.05, 0.8, 0.125]))
    cv2.imwrite(str(tmp_path / "board.png"), board_camera.photograph(np.random.default_rng(0), pose))
    arguments = ["check", str(calibrated), str(tmp_path / "board.png"), "--board", "charuco:7x10:25"]
    assert main([*arguments, "--at", "0.8"]) == 0
    assert Record.load(calibrated).checks[-1].estimated_m == pytest.approx(0.8, abs=0.01)
    assert BOARD.describe() in Record.load(calibrated).checks[-1].what


def events_of(truth: Camera, path: Path, distances_m: Iterable[float]) -> None:
    """Events of one vehicle whose plate passes 0.5 m above the road, 10 cm to the right of the camera."""
    rng, lines = np.random.default_rng(4), []
    for seq, distance in enumerate(distances_m, start=1):
        pixels = plate_px(truth, (0.1, distance, 0.5)) + rng.normal(0, 0.3, (4, 2))
        lines.append(passage_update(truth, "gate", seq, "car", pixels, sd_px=0.3))
    path.write_text("".join(lines))


def test_mount_from_boards_passages_and_clicks_together(
    calibrated: Path, tmp_path: Path, board_camera: BoardCamera, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = Camera("truth", LENS, Mount(0.5, 12.0, 0.5, 2.0))
    assert truth.mount is not None
    lines = []
    for distance in (0.75, 0.9):
        centre = truth.camera_from_road([0.05, distance, 0.02 + BOARD.size_m[1] / 2])
        pose = BoardPose(truth.mount.camera_from_road @ UPRIGHT, centre)
        name = f"b{100 * distance:.0f}.png"
        cv2.imwrite(str(tmp_path / name), board_camera.photograph(np.random.default_rng(0), pose))
        lines.append(
            f'[[board_at]]\nimage = "{name}"\nplaced = "standing"\ndistance_m = {distance}\nheight_m = 0.02'
        )
    events_of(truth, tmp_path / "events.jsonl", np.arange(9.0, 2.5, -0.5))
    lines.append('[passages]\nfile = "events.jsonl"\nplate_height_m = 0.5\nheight_sd_m = 0.05')
    clicks = truth.project(truth.camera_from_road([[-0.8, 2.5, 0.0], [0.7, 2.5, 0.0]]))
    lines.append(f'[stop_line]\nclicks_px = {clicks.tolist()}\n[plate]\nformat = "us-305x152"')
    measured = tmp_path / "measured.toml"
    measured.write_text("\n".join(lines))
    assert main(["mount", str(calibrated), str(measured), "--board", "charuco:7x10:25"]) == 0
    said, camera = capsys.readouterr().out, Camera.load(calibrated)
    assert re.search(r"b75\.png +0\.750 m .* cm ±", said)
    assert re.search(r"b90\.png +0\.900 m .* cm ±", said)
    assert camera.mount is not None
    assert camera.mount.height_m == pytest.approx(0.5, abs=0.02)
    assert camera.mount.pitch_deg == pytest.approx(12.0, abs=0.5)
    assert camera.mount.lane_yaw_deg == pytest.approx(2.0, abs=0.7)
    assert camera.mount.stop_line_m == pytest.approx(2.5, abs=0.1)
    assert "states for a us-305x152 plate" in calibrated.with_suffix(".report.html").read_text()


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        ('[[board_at]]\nimage = "blank.png"\nplaced = "lying"\ndistance_m = 1.0', "no charuco"),
        ('[[board_at]]\nimage = "small.png"\nplaced = "lying"\ndistance_m = 1.0', "the image is 320x240"),
        ('[[board_at]]\nimage = "none.png"\nplaced = "lying"\ndistance_m = 1.0', "not a readable image"),
        ('[[board_at]]\nimage = "blank.png"\nplaced = "lying"', "give distance_m or range_m"),
        ('[[plate_at]]\nimage = "d300.jpg"\ndistance_m = 3.0\nrange_m = 3.1', "and not both"),
        ('[passages]\nfile = "idle.jsonl"', "no passage in images of"),
        ('[passages]\nfile = "deep.jsonl"', "deep.jsonl: line 1: not a JSON object (nested too deeply)"),
        ("[camera]\nheight_m = 1.3", "no plate or board to go by"),
    ],
)
def test_measurements_that_cannot_be_used_are_named(
    calibrated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], measured: str, said: str
) -> None:
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((600, 800), 90, np.uint8))
    cv2.imwrite(str(tmp_path / "small.png"), np.full((240, 320), 90, np.uint8))
    (tmp_path / "idle.jsonl").write_text('{"kind": "heartbeat", "camera": "gate", "seq": 1}\n')
    (tmp_path / "deep.jsonl").write_text("[" * 100_000)
    (tmp_path / "measured.toml").write_text(measured)
    corners = located(tmp_path, "corners.jsonl", (3.0,))
    files = [str(calibrated), str(tmp_path / "measured.toml")]
    assert main(["mount", *files, "--corners", str(corners), "--board", "charuco:7x10:25"]) == 2
    assert said in capsys.readouterr().err
    assert Camera.load(calibrated).mount is None


def test_images_of_another_size_than_the_cameras_are_refused(
    calibrated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "measured.toml").write_text('[[plate_at]]\nimage = "d300.jpg"\ndistance_m = 3.0\n')
    cv2.imwrite(str(tmp_path / "small.png"), np.full((240, 320), 90, np.uint8))
    corners = located(tmp_path, "corners.jsonl", (3.0,))
    command = ["mount", str(calibrated), str(tmp_path / "measured.toml"), "--corners", str(corners)]
    assert main([*command, "--click", str(tmp_path / "small.png")]) == 2
    assert "the image is 320x240" in capsys.readouterr().err
    corners.write_text(corners.read_text().replace(f"[{LENS.width}, {LENS.height}]", "[320, 240]"))
    assert main(command) == 2
    assert "the image is 320x240" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "square_mm"), [("199.2", 24.9), ("", None), ("24.9", "one square")])
def test_board_command_asks_for_eight_squares(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    square_mm: float | str | None,
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    code = main(["board", str(tmp_path / "board.pdf")])
    if isinstance(square_mm, str):
        assert code == 2 and square_mm in capsys.readouterr().err
    else:
        assert code == 0 and read_board(str(tmp_path / "board.toml")).square_mm == square_mm


def test_board_command_takes_ctrl_d_as_measured_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ctrl_d(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", ctrl_d)
    assert main(["board", str(tmp_path / "board.pdf")]) == 0
    assert read_board(str(tmp_path / "board.toml")).square_mm is None


def test_board_command_remembers_the_measured_size(tmp_path: Path) -> None:
    print_file = tmp_path / "board.pdf"
    assert main(["board", str(print_file), "--paper", "a3"]) == 0
    assert print_file.read_bytes().startswith(b"%PDF-1.4")
    assert read_board(str(tmp_path / "board.toml")).square_mm is None
    assert main(["board", str(print_file), "--paper", "a3", "--measured-mm", "35.9"]) == 0
    assert read_board(str(tmp_path / "board.toml")).square_mm == 35.9


def test_small_squares_on_large_paper_are_measured_with_the_options_that_drew_them(tmp_path: Path) -> None:
    command = ["board", str(tmp_path / "board.pdf"), "--paper", "a3", "--square-mm", "25"]
    assert main(command) == 0
    assert main([*command, "--measured-mm", "24.9"]) == 0
    assert read_board(str(tmp_path / "board.toml")).square_mm == 24.9


@pytest.mark.parametrize(
    ("options", "written", "described"),
    [
        (
            ["--kind", "chessboard", "--squares", "6x9", "--paper", "a3"],
            "",
            "chessboard, 6x9 squares of 35.9 mm",
        ),
        (
            ["--paper", "a3"],
            'dictionary = "5X5_100"\nmarker_share = 0.8\n',
            "charuco, 7x10 squares of 35.9 mm",
        ),
    ],
)
def test_measured_size_changes_nothing_else_of_the_board(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], written: str, described: str
) -> None:
    toml = tmp_path / "big.toml"
    assert main(["board", str(tmp_path / "big.pdf"), *options]) == 0
    if written:
        kept = [
            line for line in toml.read_text().splitlines() if not line.startswith(("dictionary", "marker"))
        ]
        toml.write_text("\n".join([*kept, written]))
    before = read_board(str(toml))
    said = capsys.readouterr().out
    advised = re.search(r"python -m calib (board \S+ --measured-mm) MM", said)
    assert advised is not None
    assert main([*advised[1].split(), "35.9"]) == 0
    assert read_board(str(toml)) == replace(before, square_mm=35.9)
    assert capsys.readouterr().out == f"wrote {toml}: {described}\n"  # and no doubt: 36 mm were drawn


@pytest.mark.parametrize(
    ("measured_mm", "said"),
    [
        ("24.9", "24.9 mm is far from the 36 mm of a square as drawn; give the side of one square"),
        ("287.2", "that is the length of eight squares: one is 35.9 mm"),
        ("nan", "a square of nan mm cannot be"),
    ],
)
def test_measured_size_that_no_printer_makes_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], measured_mm: str, said: str
) -> None:
    command = ["board", str(tmp_path / "board.pdf")]
    assert main([*command, "--paper", "a3"]) == 0
    before = (tmp_path / "board.toml").read_bytes()
    assert main([*command, "--measured-mm", measured_mm]) == 2
    assert said in capsys.readouterr().err
    assert (tmp_path / "board.toml").read_bytes() == before


@pytest.mark.parametrize(
    "option",
    [["--kind", "charuco"], ["--squares", "7x10"], ["--square-mm", "25"], ["--paper", "a4"]],
    ids=lambda option: option[0],
)
def test_measured_size_of_another_board_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    command = ["board", str(tmp_path / "big.pdf")]
    assert main([*command, "--kind", "chessboard", "--squares", "6x9", "--paper", "a3"]) == 0
    before = (tmp_path / "big.toml").read_bytes()
    assert main([*command, *option, "--measured-mm", "35.9"]) == 2
    error = capsys.readouterr().err
    assert option[0] in error and "chessboard, 6x9 squares of 36 mm" in error
    assert (tmp_path / "big.toml").read_bytes() == before


def test_intrinsics_again_keeps_the_timing_written_by_hand(calibrated: Path) -> None:
    camera = Camera.load(calibrated)
    lens, uncertainty = camera.intrinsics, camera.uncertainty
    by_hand = replace(
        camera, intrinsics=replace(lens, row_time_s=3e-5), uncertainty=replace(uncertainty, time_s=0.004)
    )
    again, lost = with_timing(camera, by_hand)
    assert again.intrinsics == by_hand.intrinsics
    assert again.uncertainty == by_hand.uncertainty
    assert not lost
    assert with_timing(camera, None) == (camera, [])


def test_intrinsics_again_keeps_name_and_row_time_and_the_checks_as_earlier_ones(
    from_photographs: Path, calibrated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    camera = Camera.load(calibrated)
    lens = replace(camera.intrinsics, row_time_s=3e-5)
    replace(camera, camera_id="gate-7", intrinsics=lens).save(calibrated)
    earlier = Check("2026-01-31", "eu-520x110", "d400.jpg", 4.0, 0.01, 4.6, 0.02)
    Record.load(calibrated).with_check(earlier).save(calibrated)
    arguments = ["intrinsics", str(from_photographs / "photos"), "--board", "charuco:7x10:25"]
    assert main([*arguments, "-o", str(calibrated)]) == 0
    assert "the mount has to be measured again" in capsys.readouterr().err
    assert Camera.load(calibrated).intrinsics.row_time_s == 3e-5
    assert Camera.load(calibrated).camera_id == "gate-7"
    record = Record.load(calibrated)
    assert record.checks == (earlier,)
    assert record.current_checks == ()
    verdicts, _, history = (
        calibrated.with_suffix(".report.html").read_text().partition("tape-measure checks</h2>")
    )
    assert "Tape check:" not in verdicts and "d400.jpg" in history
    newer = record.with_check(replace(earlier, estimated_m=4.0))
    assert [check.verdict for check in newer.current_checks] == ["agrees"]


def test_row_time_of_images_of_another_size_is_left_out_and_said(calibrated: Path) -> None:
    camera = Camera.load(calibrated)
    larger = replace(camera.intrinsics, width=1600, height=1200, row_time_s=3e-5)
    by_hand = replace(camera, intrinsics=larger, uncertainty=replace(camera.uncertainty, time_s=0.004))
    again, [lost] = with_timing(camera, by_hand)
    assert again.intrinsics == camera.intrinsics
    assert again.uncertainty.time_s == 0.004
    assert "3e-05" in lost.text and "1600x1200" in lost.text
    untold = replace(by_hand, intrinsics=replace(larger, row_time_s=0.0))
    assert with_timing(camera, untold)[1] == []


@pytest.mark.parametrize("command", ["board", "intrinsics", "mount", "check"])
def test_help_teaches(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    said = capsys.readouterr().out
    assert "python -m calib" in said
    assert len(said.splitlines()) > 15


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["intrinsics", "none.mp4", "--board", "charuco:7x10:25", "--text"], "no such file"),
        (["intrinsics", "a.png", "b.mp4", "--board", "charuco:7x10:25"], "give one video"),
        (["intrinsics", "a.png", "--board", "charuco:7x10:25"], "a.png: no such file"),
        (["mount", "none.toml", "measured.toml"], "cannot read the camera file"),
        (["mount", "none.toml"], "--template"),
        (["check", "none.toml", "x.jsonl", "--at", "4"], "cannot read the camera file"),
        (["intrinsics", "a.mp4", "--board", "charuco:7x10:25", "-o", "."], "give the name of a file"),
        (["intrinsics", "a.mp4", "--board", "charuco:7x10:25", "-o", ""], "give the name of a file"),
        (["board", "."], "give the name of a file"),
        (["board", ""], "give the name of a file"),
        (["board", "board.png"], ".pdf or .svg"),
        (["board", "board.pdf", "--squares", "9by6"], "columns x rows"),
    ],
)
def test_wrong_input_is_one_line(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["mount", "camera.toml", "measured.toml", "--click", "road.jpg"],
        ["intrinsics", "board.mp4", "--board", "charuco:7x10:25"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_port_that_is_none_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--port", "99999"])
    assert stop.value.code == 2
    assert "whole number from 0 to 65535" in capsys.readouterr().err


def test_plate_that_was_not_found_is_named(
    calibrated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is one whose corners the network gives without believing in them."""
    (tmp_path / "measured.toml").write_text('[[plate_at]]\nimage = "d700.jpg"\ndistance_m = 7.0\n')
    corners = located(tmp_path, "corners.jsonl", (3.0,))
    noise = corners.read_text().replace("d300", "d700").replace('"presence": 0.99', '"presence": 0.1')
    corners.write_text(corners.read_text() + "\n" + noise)
    assert main(["mount", str(calibrated), str(tmp_path / "measured.toml"), "--corners", str(corners)]) == 2
    assert "no corners for d700.jpg" in capsys.readouterr().err


def test_images_of_one_name_in_two_folders_are_refused(
    calibrated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    near = located(tmp_path, "at3.jsonl", (3.0,)).read_text()
    far = located(tmp_path, "at5.jsonl", (5.0,)).read_text()
    lines = [near.replace("shots/d300", "at3/still"), far.replace("shots/d500", "at5/still")]
    corners, measured = tmp_path / "corners.jsonl", tmp_path / "measured.toml"
    command = ["mount", str(calibrated), str(measured), "--corners", str(corners)]
    places = [f'[[plate_at]]\nimage = "at{metres}/still.jpg"\ndistance_m = {metres}.0\n' for metres in (3, 5)]

    corners.write_text("\n".join(lines))
    measured.write_text(places[0])
    assert main(command) == 2
    assert "two images are named still.jpg" in capsys.readouterr().err

    corners.write_text("\n".join([lines[0], lines[0]]))  # the same image twice does no harm
    measured.write_text("".join(places))
    assert main(command) == 2
    assert "two [[plate_at]] name the image still.jpg" in capsys.readouterr().err
    measured.write_text(places[0])
    assert main(command) == 0


def test_mount_says_that_a_stop_line_is_gone(
    calibrated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clicks are for one run; the line that is printed can be copied into the measurements as it is."""
    clicks = TRUTH.project(TRUTH.camera_from_road([[-0.8, 3.5, 0.0], [0.7, 3.5, 0.0]])).round(2)
    monkeypatch.setattr("calib.commands.mount.ask_clicks", lambda *_: tuple(map(tuple, clicks.tolist())))
    measured, corners = tmp_path / "measured.toml", located(tmp_path, "corners.jsonl", (3.0, 5.0, 8.0))
    places = [f'[[plate_at]]\nimage = "d{metres}00.jpg"\ndistance_m = {metres}.0\n' for metres in (3, 5, 8)]
    measured.write_text("".join(places))
    command = ["mount", str(calibrated), str(measured), "--corners", str(corners)]
    assert main([*command, "--click", "d500.jpg"]) == 0
    clicked, copied = Camera.load(calibrated).mount, capsys.readouterr().err.splitlines()[-1]
    assert clicked is not None and clicked.stop_line_m == pytest.approx(3.5, abs=0.1)

    assert main(command) == 0
    assert f"had a stop line at {clicked.stop_line_m:.3f} m and has none now" in capsys.readouterr().out
    assert main(command) == 0
    assert "has none now" not in capsys.readouterr().out

    measured.write_text("".join([*places, "[stop_line]\n", copied]))
    assert main(command) == 0
    again = Camera.load(calibrated).mount
    assert again is not None and again.stop_line_m == pytest.approx(clicked.stop_line_m, abs=0.01)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plates_at = 3", "plates_at: unknown key"),
        ('[[plate_at]]\nimage = "a"\ndistnace_m = 3.0', "plate_at.distnace_m: unknown key"),
        ('[[plate_at]]\nimage = "a"\ndistance_m = -3.0', "plate_at"),
        (
            "[stop_line]\nclicks_px = [[1, 2], [3, 4]]\ndistance_m = 2.0",
            "stop_line: give clicks_px or distance_m",
        ),
        ("[plate", "not valid TOML"),
    ],
)
def test_wrong_measurements_file_names_the_key(
    calibrated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    (tmp_path / "measured.toml").write_text(line)
    assert main(["mount", str(calibrated), str(tmp_path / "measured.toml")]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="no real chessboard photographs (apt-get install opencv-doc)")
@pytest.mark.parametrize(
    ("side", "focal_px", "centre_px"), [("left", 533, (342, 234)), ("right", 537, (327, 249))]
)
def test_real_photographs(tmp_path: Path, side: str, focal_px: float, centre_px: tuple[float, float]) -> None:
    """OpenCV's samples; the numbers are those that OpenCV's own calibration of them gives, within a few pixels."""
    images = sorted(str(path) for path in PHOTOS.glob(f"{side}[0-9][0-9].jpg"))
    assert len(images) == 13
    output = tmp_path / f"{side}.toml"
    assert main(["intrinsics", *images, "--board", "chessboard:10x7:25", "-o", str(output)]) == 0
    lens = Camera.load(output).intrinsics
    assert abs(lens.fx - focal_px) < 4
    assert np.hypot(lens.cx - centre_px[0], lens.cy - centre_px[1]) < 4
    record = Record.load(output).lens
    assert record is not None
    assert record.rms_px < 0.3
    assert "uncertain_edge" in {
        item.code for item in record.findings
    }  # the corners of these images were left out
