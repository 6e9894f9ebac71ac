"""A white board that comes nearer, filmed by a calibrated camera, for the stand-in network: fast and exactly known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.annotate import ClipWriter
from tests.tiny_model import write_tiny_model

WIDTH_PX, HEIGHT_PX, FOCAL_PX = 640, 480, 800.0
SIZE_M = (0.52, 0.11)

CAMERA_TOML = f"""
format = 1
camera_id = "entry-1"
[intrinsics]
width = {WIDTH_PX}
height = {HEIGHT_PX}
fx = {FOCAL_PX}
fy = {FOCAL_PX}
cx = 319.5
cy = 239.5
distortion = [0.0, 0.0, 0.0, 0.0, 0.0]
[mount]
height_m = 0.5
pitch_deg = 0.0
roll_deg = 0.0
lane_yaw_deg = 0.0
stop_line_m = 1.0
"""


@dataclass(frozen=True)
class Drive:
    """A board driven straight at a camera at the height of its own centre: distance = start - speed * time."""

    start_m: float = 8.0
    speed_mps: float = 4.0
    frames: int = 30
    fps: float = 25.0

    def distance_m(self, time_s: float) -> float:
        return self.start_m - self.speed_mps * time_s

    def image(self, time_s: float) -> np.ndarray:
        """The board as a white rectangle whose edges lie exactly where pinhole projection puts them."""
        scale = FOCAL_PX / self.distance_m(time_s)
        half = np.array(SIZE_M) / 2 * scale
        low, high = np.array([319.5, 239.5]) - half, np.array([319.5, 239.5]) + half
        columns = np.clip(np.arange(WIDTH_PX) + 0.5 - low[0], 0, 1) * np.clip(
            high[0] - np.arange(WIDTH_PX) + 0.5, 0, 1
        )
        rows = np.clip(np.arange(HEIGHT_PX) + 0.5 - low[1], 0, 1) * np.clip(
            high[1] - np.arange(HEIGHT_PX) + 0.5, 0, 1
        )
        grey = 128 + 127 * np.outer(rows, columns)
        return np.repeat(np.round(grey).astype(np.uint8)[:, :, None], 3, axis=2)

    def write(self, path: Path, empty_frames: int = 60) -> Path:
        """The clip, with an empty road afterwards."""
        with ClipWriter(path) as clip:
            for index in range(self.frames + empty_frames):
                time_s = index / self.fps
                empty = np.full((HEIGHT_PX, WIDTH_PX, 3), 60, np.uint8)
                clip.write(self.image(time_s) if index < self.frames else empty, time_s)
        return path


@pytest.fixture(scope="session")
def stand_in_model(tmp_path_factory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "stand_in.onnx", "height", "width")


@pytest.fixture(scope="session")
def drive_clip(tmp_path_factory) -> Path:
    return Drive().write(tmp_path_factory.mktemp("clips") / "drive.mp4")


@pytest.fixture(scope="session")
def camera_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("camera") / "camera.toml"
    path.write_text(CAMERA_TOML)
    return path


@pytest.fixture(scope="session")
def board_image(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("images") / "board.png"
    cv2.imwrite(str(path), Drive().image(1.0))
    return path
