"""Views taken by themselves from a video, the page in a real browser, and who may not use it."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from calib.__main__ import main
from calib.camera import Camera, Intrinsics
from calib.click import ClickSession
from calib.collect import ViewPicker
from calib.crossval import calibrate_lens
from calib.detect import BoardFinder
from calib.judge_lens import GOOD_EDGE_PX, edge_px
from calib.live import LiveSession, watch
from calib.loopback import LoopbackPage
from calib.views import ENOUGH_VIEWS
from pipeline.annotate import ClipWriter
from pipeline.capture.video import VideoFile
from pipeline.errors import GateError
from pipeline.frames import Frame, FrameStamp
from pipeline.synthetic.boards import BoardCamera, BoardPose, board_poses, noisy_views
from tests.calib.conftest import BOARD, LENS
from tests.capture.builders import write_video
from tests.capture.rtsp_process import serve

Image = NDArray[np.uint8]
CHROMIUM = shutil.which("chromium")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no browser (apt-get install chromium)")


def dumped(address: str) -> str:
    """The page as the browser shows it after its scripts ran for a moment of its own time."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=600",
        "--disable-extensions",
        "--no-first-run",
        "--dump-dom",
    ]
    return subprocess.run([*command, address], capture_output=True, text=True, timeout=120, check=True).stdout


def clip_frames(board_camera: BoardCamera, poses: list[BoardPose]) -> Iterator[Image]:
    """The board is held still for three frames at each pose, and blurred by motion on the way to the next."""
    rng = np.random.default_rng(0)
    for pose in poses:
        grey = [board_camera.photograph(rng, pose, smear_px=12)]
        grey += [board_camera.photograph(rng, pose) for _ in range(3)]
        yield from (np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8) for image in grey)


def as_frames(images: Iterator[Image]) -> Iterator[Frame]:
    for index, image in enumerate(images):
        yield Frame(FrameStamp("test", index, 1, index * 0.1, "pts"), image)


def test_picker_takes_still_sharp_new_views_only(board_camera: BoardCamera, poses: list[BoardPose]) -> None:
    picker = ViewPicker(BoardFinder(BOARD))
    answers = [picker.offer("x", image)[0] for image in clip_frames(board_camera, [*poses[:3], poses[0]])]
    assert answers[0] in ("no board", "moving")
    assert answers[1:4] == ["moving", "taken", "like an earlier view"]
    assert answers.count("taken") == 3
    assert answers[-1] == "like an earlier view"  # the pose of the beginning again


def test_intrinsics_from_a_video(
    tmp_path: Path, board_camera: BoardCamera, capsys: pytest.CaptureFixture[str]
) -> None:
    poses = board_poses(np.random.default_rng(3), BOARD, LENS, 14)
    with ClipWriter(tmp_path / "board.mp4") as clip:
        for index, image in enumerate(clip_frames(board_camera, poses)):
            clip.write(image, index * 0.1)
    output = tmp_path / "camera.toml"
    arguments = [
        "intrinsics",
        str(tmp_path / "board.mp4"),
        "--board",
        "charuco:7x10:25",
        "--text",
        "-o",
        str(output),
    ]
    assert main(arguments) == 0
    assert abs(Camera.load(output).intrinsics.fx / LENS.fx - 1) < 0.01
    said = capsys.readouterr().err
    assert "taken" in said
    assert "position [" in said
    assert all(re.fullmatch("[.+#]{8}", line) for line in said.splitlines()[-6:])  # the map of the image


def test_session_ends_when_the_lens_is_known_well_enough(board_camera: BoardCamera) -> None:
    """Not at once when image, sizes and tilts are covered, but when a calibration with the views says so."""
    poses = board_poses(np.random.default_rng(3), BOARD, LENS, 30)
    rng, said = np.random.default_rng(0), []
    still = (np.tile(board_camera.photograph(rng, pose)[..., None], 3) for pose in poses for _ in range(2))
    frames = as_frames(still)
    session = LiveSession(BOARD, said.append)
    session.run(frames)
    count = len(session.picker.collection.views)
    assert ENOUGH_VIEWS <= count < 30
    assert said[-1].startswith(f"enough: {count} views")
    assert next(frames, None) is not None
    assert edge_px(calibrate_lens(session.picker.collection.views, BOARD)) <= GOOD_EDGE_PX


def test_session_goes_on_where_directions_are_uncertain(
    board_camera: BoardCamera, poses: list[BoardPose]
) -> None:
    """Noisy corners: all is covered by the first new view, but the session says where more are needed."""
    rng, said = np.random.default_rng(3), []
    session = LiveSession(BOARD, said.append)
    noisy = noisy_views(rng, BOARD, LENS, board_poses(rng, BOARD, LENS, 24), noise_px=0.5)
    session.picker.collection.views.extend(noisy)
    shot = np.tile(board_camera.photograph(rng, poses[5])[..., None], 3)
    session.run(as_frames(iter([shot, shot])))
    assert len(session.picker.collection.views) == 25
    assert any("directions are uncertain by" in line for line in said)
    assert not any(line.startswith("enough") for line in said)


def test_views_are_taken_from_an_rtsp_camera(
    tmp_path: Path, board_camera: BoardCamera, poses: list[BoardPose]
) -> None:
    """A drawn board that is moved in front of a real RTSP server's camera, which shows it again and again."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is needed to serve a file")
    rng = np.random.default_rng(0)
    with ClipWriter(tmp_path / "board.mp4") as clip:
        for number, pose in enumerate(poses[:4]):
            shot = np.tile(board_camera.photograph(rng, pose, noise=1.0)[..., None], 3)
            for frame in range(8):
                clip.write(shot, 0.8 * number + 0.1 * frame)
    session = LiveSession(BOARD, lambda line: None)

    def until_three(frames: Iterator[Frame]) -> Iterator[Frame]:
        for frame in frames:
            yield frame
            if len(session.picker.collection.views) == 3:
                session.stopped.set()

    for server in serve("--file", str(tmp_path / "board.mp4")):
        session.run(until_three(watch(server.url, session.stopped)))
    views = session.picker.collection.views
    assert len(views) == 3
    assert {view.size_px for view in views} == {(LENS.width, LENS.height)}
    truths = [Camera("c", LENS).project(pose.points_m(BOARD)) for pose in poses[:4]]
    for view in views:
        errors = [np.abs(view.corners_px - truth[view.ids]).max() for truth in truths]
        assert min(errors) < 1.5  # the stream is compressed


def test_a_recording_whose_reading_fails_does_not_pass_for_one_that_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = VideoFile.read

    def read_two(video: VideoFile) -> Frame | None:
        frame = read(video)
        if frame is not None and frame.stamp.index == 2:
            raise MemoryError("no memory for a frame")
        return frame

    monkeypatch.setattr(VideoFile, "read", read_two)
    path = write_video(tmp_path / "board.mkv", range(0, 400, 40))
    with pytest.raises(GateError) as told:
        list(watch(str(path), threading.Event()))
    assert str(told.value).startswith(f"{path}: ")
    assert "MemoryError('no memory for a frame')" in str(told.value)


@needs_browser
def test_live_page_shows_what_is_missing(board_camera: BoardCamera, poses: list[BoardPose]) -> None:
    session = LiveSession(BOARD, lambda line: None)
    session.run(as_frames(clip_frames(board_camera, poses[:3])))
    with session.page(0) as page:
        shown = dumped(f"http://127.0.0.1:{page.port}/")
    assert '<span id="views">3</span>' in shown
    assert "move on: tilt it, or show it elsewhere" in shown
    assert "tilt left/right" in shown
    assert shown.count('class="none"') > 10
    assert "hold the board there too" in shown


def test_stop_on_the_page_ends_the_session(board_camera: BoardCamera, poses: list[BoardPose]) -> None:
    session = LiveSession(BOARD, lambda line: None)
    with session.page(0) as page:
        assert post(page.port, "/stop", {}) == 200
    assert session.stopped.is_set()


@needs_browser
def test_click_page_shows_the_image_at_its_size(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "road.png"), np.full((480, 640, 3), 90, np.uint8))
    session = ClickSession(
        tmp_path / "road.png", Camera("road", Intrinsics(640, 480, 500.0, 500.0, 319.5, 239.5))
    )
    with session.page(0) as page:
        shown = dumped(f"http://127.0.0.1:{page.port}/")
    assert 'viewBox="0 0 640 480"' in shown
    assert 'href="/image.jpg"' in shown


def test_clicks_arrive(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "road.png"), np.full((480, 640, 3), 90, np.uint8))
    session = ClickSession(
        tmp_path / "road.png", Camera("road", Intrinsics(640, 480, 500.0, 500.0, 319.5, 239.5))
    )
    got: list[object] = []
    waiter = threading.Thread(target=lambda: got.append(session.wait()), daemon=True)
    waiter.start()
    with session.page(0) as page:
        assert post(page.port, "/clicks", [[10, 400]]) == 400  # one point is no line
        assert post(page.port, "/clicks", [[10, 400], [700, 400]]) == 400  # outside
        assert post(page.port, "/clicks", {"x": 1}) == 400
        assert post(page.port, "/clicks", [[10**400, 400], [600, 410]]) == 400  # no float is so large
        assert post(page.port, "/clicks", [[10, 400], [600.5, 410]]) == 200
        waiter.join(10)
    assert got == [((10.0, 400.0), (600.5, 410.0))]


def post(port: int, path: str, value: object, **headers: str) -> int:
    return post_text(port, path, json.dumps(value), **headers)


def post_text(port: int, path: str, text: str, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", path, text, {"Content-Type": "application/json", **headers})
    status = connection.getresponse().status
    connection.close()
    return status


def test_page_listens_on_one_address_of_this_machine_only() -> None:
    """127.0.0.2 is this machine, too: what listened on all addresses would answer there."""
    with LiveSession(BOARD, lambda line: None).page(0) as page:
        socket.create_connection(("127.0.0.1", page.port), timeout=10).close()
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.2", page.port), timeout=10)


def test_page_refuses_other_sites_and_strange_requests() -> None:
    session = LiveSession(BOARD, lambda line: None)
    with session.page(0) as page:
        assert post(page.port, "/stop", {}, Host="gate.example") == 403
        assert post(page.port, "/stop", {}, **{"Content-Type": "text/plain"}) == 400
        assert post(page.port, "/stop", "x" * 70000) == 400
        assert post_text(page.port, "/stop", "[" * 60000) == 400
        assert post_text(page.port, "/stop", "", **{"Content-Length": "9" * 5000}) == 400
        assert post(page.port, "/nothing", {}) == 404
        assert not session.stopped.is_set()
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
        connection.request("GET", "/state.json", headers={"Host": "gate.example"})
        assert connection.getresponse().status == 403
        assert page.invitation.startswith(f"open http://127.0.0.1:{page.port}/")


def test_a_tab_that_is_closed_while_a_picture_loads_leaves_nothing_on_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answering: list[threading.Thread] = []

    def picture() -> tuple[str, bytes]:
        answering.append(threading.current_thread())
        return "image/jpeg", bytes(20_000_000)  # more than the buffers of the sockets hold

    with LoopbackPage(0, {"/picture.jpg": picture}, {}) as page:
        with socket.create_connection(("127.0.0.1", page.port), timeout=10) as tab:
            tab.sendall(f"GET /picture.jpg HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n\r\n".encode())
            assert tab.recv(4) == b"HTTP"
        answering[0].join(10)
        assert not answering[0].is_alive()
    assert capsys.readouterr().err == ""
