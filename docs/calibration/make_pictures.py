"""Makes the pictures of docs/calibration.md: runs the tools on a drawn gate and photographs their pages.

python docs/calibration/make_pictures.py        (from the repository's root; needs chromium)
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.__main__ import main
from calib.boards import Board
from calib.camera import Camera
from calib.click import ClickSession
from calib.live import LiveSession
from calib.measured import TEMPLATE
from calib.paper import draw_board, write
from pipeline.frames import Frame, FrameStamp
from pipeline.synthetic.approach import Approach
from pipeline.synthetic.boards import BoardCamera, BoardPose, board_poses
from pipeline.synthetic.render import frames
from pipeline.synthetic.scene import Scenario, gate_camera
from pipeline.synthetic.vehicle import PLATE_CENTRE_Z_M

Image = NDArray[np.uint8]

HERE = Path(__file__).parent.resolve()
BOARD = Board("charuco", 7, 10, 24.9)
TAPED_M, CHECKED_M = (3.0, 5.0, 8.0), 4.0
DISTANCES_M = (*TAPED_M, CHECKED_M)
STOP_LINE_M = 3.0


def shoot(address: str, name: str, width: int, height: int, top: int = 0) -> None:
    """Photograph a page and keep the part below `top`, in few colours to keep the file small."""
    with tempfile.TemporaryDirectory() as folder:
        png = Path(folder) / "page.png"
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        options = [
            f"--window-size={width},{top + height}",
            "--virtual-time-budget=800",
            f"--screenshot={png}",
        ]
        subprocess.run([*command, *options, address], check=True, capture_output=True, timeout=180)
        page = cv2.imread(str(png))[top:]
    cv2.imwrite(str(HERE / name), page, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    few_colours = "split[a][b];[a]palettegen=128[p];[b][p]paletteuse=dither=none"
    command = ["ffmpeg", "-v", "error", "-y", "-i", name, "-vf", few_colours, "-f", "image2", "-c:v", "png"]
    subprocess.run([*command, f"small-{name}"], check=True, cwd=HERE)
    (HERE / f"small-{name}").replace(HERE / name)


def gate_images(folder: Path, camera: Camera) -> None:
    """A car at each distance, drawn, as dNNN.jpg; and what the shipped network finds in them."""
    for distance in DISTANCES_M:
        approach = Approach(start_m=distance + 0.001, end_m=distance, speed_kmh=1.0)
        image, _ = next(iter(frames(Scenario(approach=approach, camera=camera, seed=4))))
        cv2.imwrite(str(folder / f"d{100 * distance:.0f}.jpg"), with_stop_line(image, camera))
    locate(folder, "corners.jsonl", TAPED_M)
    locate(folder, "at4m.jsonl", (CHECKED_M,))


def with_stop_line(image: Image, camera: Camera) -> Image:
    """A white line across the lane, its far edge at `STOP_LINE_M`."""
    corners_m = [(x, STOP_LINE_M - y, 0.0) for x, y in ((-1.1, 0.0), (1.1, 0.0), (1.1, 0.25), (-1.1, 0.25))]
    corners_px = camera.project(camera.camera_from_road(corners_m))
    painted = cv2.fillPoly(
        image.copy(), [np.rint(16 * corners_px).astype(np.int32)], (215, 220, 220), cv2.LINE_AA, 4
    )
    return np.asarray(cv2.addWeighted(painted, 0.8, image, 0.2, 0), np.uint8)


def locate(folder: Path, output: str, distances_m: Sequence[float]) -> None:
    """`run_gate.py locate --json d300.jpg ... > output`."""
    names = [f"d{100 * distance:.0f}.jpg" for distance in distances_m]
    command = [sys.executable, str(HERE.parents[1] / "run_gate.py"), "locate", "--json", *names]
    with (folder / output).open("w") as lines:
        subprocess.run(command, cwd=folder, stdout=lines, check=True)


def session_frames(camera: BoardCamera, poses: list[BoardPose], background: Image) -> list[Frame]:
    """The board held still at each pose for two frames."""
    rng, found = np.random.default_rng(2), []
    for pose in poses:
        for _ in range(2):
            grey = camera.photograph(rng, pose, noise=0.7, background=background)
            stamp = FrameStamp("entry-1", len(found), 1, 0.1 * len(found), "pts")
            found.append(Frame(stamp, np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)))
    return found


def make(folder: Path) -> None:
    """All pictures, with the intermediate files in `folder`."""
    truth = gate_camera()
    gate_images(folder, truth)
    road = cv2.imread(str(folder / "d800.jpg"), cv2.IMREAD_GRAYSCALE)
    write(draw_board(BOARD, "a4"), folder / "board.svg")
    shoot(f"file://{folder}/board.svg", "board.png", 794, 1123)

    camera = BoardCamera(BOARD, draw_board(BOARD, "a4"), truth.intrinsics)
    poses = board_poses(np.random.default_rng(5), BOARD, truth.intrinsics, 20)
    shots = session_frames(camera, poses, np.asarray(road, np.uint8))
    live = LiveSession(BOARD, print)
    live.run(iter(shots[:14]))
    with live.page(0) as page:
        shoot(f"http://127.0.0.1:{page.port}/", "live.png", 1120, 700)

    (folder / "photos").mkdir()
    for number, shot in enumerate(shots[::2]):
        cv2.imwrite(str(folder / "photos" / f"view{number + 1:02d}.png"), shot.image)
    board = ["--board", f"charuco:7x10:{BOARD.square_mm}"]
    main(["intrinsics", "photos", *board, "-o", "entry-1.toml"])
    report = f"file://{folder}/entry-1.report.html"
    shoot(report, "report-lens.png", 1120, 1280, top=810)

    with ClickSession(folder / "d500.jpg", Camera.load(Path("entry-1.toml"))).page(0) as page:
        shoot(f"http://127.0.0.1:{page.port}/", "click.png", 760, 680)
    stop_line = (
        truth.project(truth.camera_from_road([[-0.7, STOP_LINE_M, 0.0], [0.7, STOP_LINE_M, 0.0]]))
        .round(1)
        .tolist()
    )
    text = TEMPLATE.replace("centre_height_m = 0.50", f"centre_height_m = {PLATE_CENTRE_Z_M}")
    (folder / "measured.toml").write_text(text.replace("clicks_px = []", f"clicks_px = {stop_line}"))
    main(["mount", "entry-1.toml", "measured.toml", "--corners", "corners.jsonl"])
    main(["check", "entry-1.toml", "at4m.jsonl", "--at", "4.00"])
    shoot(report, "report-top.png", 1120, 900)
    shoot(report, "report-mount.png", 1120, 760, top=2690)

    few = [f"photos/view0{number}.png" for number in range(1, 9)]
    main(["intrinsics", *few, *board, "-o", "few.toml"])
    shoot(f"file://{folder}/few.report.html", "report-improve.png", 1120, 420)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)  # so that the report shows short paths
        make(Path(scratch))
