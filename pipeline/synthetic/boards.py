"""Views of a calibration board by a camera with a known lens: poses, exact corners, and rendered images."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.boards import Board
from calib.camera import Camera, Intrinsics
from calib.paper import Drawing
from calib.views import View

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

_PX_PER_MM = 8.0
_OVERSAMPLING = 2
_WINDOW_MARGIN_PX = 3.0


@dataclass(frozen=True, eq=False)
class BoardPose:
    """Rotation (3, 3) from the board's axes (x right, y down, z away) and the place (3,) of its centre, in metres."""

    rotation: Array
    centre_m: Array

    def points_m(self, board: Board) -> Array:
        """(n, 3) inner corners in the camera frame."""
        middle = np.append(np.array(board.size_m) / 2, 0.0)
        return np.asarray((board.points_m - middle) @ self.rotation.T + self.centre_m)


def board_poses(
    rng: np.random.Generator, board: Board, lens: Intrinsics, count: int, most_tilt_deg: float = 45.0
) -> list[BoardPose]:
    """Poses as a person would hold the board: all over the image, near and far, tilted every way.

    A part of the board may lie outside the image where it is a ChArUco board.
    """
    camera = Camera("board", lens)
    poses: list[BoardPose] = []
    while len(poses) < count:
        tilt = np.radians(rng.uniform(0.3, 1.0) * most_tilt_deg)
        axis = rng.uniform(0, 2 * np.pi)
        lean = cv2.Rodrigues(tilt * np.array([np.cos(axis), np.sin(axis), 0.0]))[0]
        turn = cv2.Rodrigues(np.array([0.0, 0.0, rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.15)]))[0]
        share = rng.uniform(0.35, 0.9)  # of the image's height
        depth = lens.fy * max(board.size_m) / (share * lens.height)
        place_px = rng.uniform((0.1, 0.1), (0.9, 0.9)) * (lens.width, lens.height)
        ray = camera.unproject(place_px)
        pose = BoardPose(np.asarray(lean @ turn, np.float64), depth * np.append(ray, 1.0))
        inside = in_image(camera.project(pose.points_m(board)), lens)
        if inside.mean() > (0.4 if board.kind == "charuco" else 0.999):
            poses.append(pose)
    return poses


def in_image(corners_px: Array, lens: Intrinsics, margin_px: float = 8.0) -> NDArray[np.bool_]:
    """(n,) which of the pixels (n, 2) lie in the image, not at its very edge."""
    low, high = corners_px > margin_px, corners_px < np.array([lens.width, lens.height]) - 1 - margin_px
    return np.asarray((low & high).all(axis=1))


def paper_texture(drawing: Drawing) -> Image:
    """The page as an image (h, w) uint8, 8 pixels a millimetre; pixel (0, 0) covers the first 1/8 mm."""
    width, height = (round(side * _PX_PER_MM) for side in drawing.size_mm)
    page = np.full((height, width), 255, np.uint8)
    for x, y, w, h in drawing.boxes:
        left, top, right, bottom = (round(_PX_PER_MM * edge) for edge in (x, y, x + w, y + h))
        page[top:bottom, left:right] = 0
    return page


class BoardCamera:
    """Photographs one printed board with one lens; rays and page are worked out once."""

    def __init__(self, board: Board, drawing: Drawing, lens: Intrinsics) -> None:
        self._board, self._lens = board, lens
        self._area_mm = drawing.board_mm
        self._page = paper_texture(drawing)
        self._rays = _rays(_fine_lens(lens))

    def photograph(
        self,
        rng: np.random.Generator,
        pose: BoardPose,
        *,
        blur_px: float = 0.6,
        smear_px: float = 0.0,
        noise: float = 2.0,
        background: Image | None = None,
    ) -> Image:
        """Image (h, w) uint8: the ray of every fine pixel is followed to the page.

        Args:
            rng: source of the noise.
            pose: where the board is.
            blur_px: sd of the lens blur.
            smear_px: length of a horizontal motion blur.
            noise: sd in grey levels.
            background: (h, w) what is behind the page, an even grey if not given.
        """
        size = self._lens.width, self._lens.height
        behind = np.full((1, 1), 100, np.uint8) if background is None else background
        scene = np.asarray(cv2.resize(behind, size, interpolation=cv2.INTER_LINEAR), np.uint8)
        window = self._page_window(pose)
        scene[window] = self._paper(pose, window, scene[window])
        light = scene.astype(np.float32)
        if smear_px >= 1:
            light = np.asarray(cv2.blur(light, (round(smear_px), 1)), np.float32)
        if blur_px > 0:
            light = np.asarray(cv2.GaussianBlur(light, (0, 0), blur_px), np.float32)
        grainy = light + np.float32(noise) * rng.standard_normal(light.shape, np.float32)
        return np.clip(np.rint(grainy), 0, 255).astype(np.uint8)

    def _page_window(self, pose: BoardPose) -> tuple[slice, slice]:
        """Rows and columns of the image that hold the page: what is around it need not be traced."""
        left, top, width, height = self._area_mm
        side = np.linspace(0, 1, 9)
        page_mm = np.array(self._page.shape[::-1]) / _PX_PER_MM
        x, y = (share.ravel() for share in np.meshgrid(side * page_mm[0], side * page_mm[1]))
        on_board = np.column_stack([(x - left) / width, (y - top) / height]) * self._board.size_m
        points = np.column_stack([on_board - np.array(self._board.size_m) / 2, np.zeros(len(x))])
        pixels = Camera("board", self._lens).project(points @ pose.rotation.T + pose.centre_m)
        size = np.array([self._lens.width, self._lens.height])
        low = np.clip(np.nan_to_num(pixels.min(axis=0)) - _WINDOW_MARGIN_PX, 0, size).astype(int)
        high = np.clip(np.nan_to_num(pixels.max(axis=0), nan=1e6) + _WINDOW_MARGIN_PX, 0, size).astype(int)
        return slice(low[1], high[1]), slice(low[0], high[0])

    def _paper(self, pose: BoardPose, window: tuple[slice, slice], behind: Image) -> Image:
        """The window with the page in it, before blur and noise."""
        k = _OVERSAMPLING
        rays = self._rays[tuple(slice(k * part.start, k * part.stop) for part in window)]
        at = np.float32(_PX_PER_MM) * self._page_mm(pose, rays) - np.float32(0.5)
        step = float(np.median(np.linalg.norm(np.diff(at[::8], axis=1), axis=2)))
        page = cv2.GaussianBlur(self._page, (0, 0), max(0.3, 0.4 * step))
        lit = cv2.convertScaleAbs(page, alpha=0.75, beta=35)
        paint = cv2.resize(behind, (at.shape[1], at.shape[0]), interpolation=cv2.INTER_LINEAR)
        cv2.remap(lit, at[..., 0], at[..., 1], cv2.INTER_LINEAR, paint, cv2.BORDER_TRANSPARENT)
        return np.asarray(cv2.resize(paint, behind.shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)

    def _page_mm(self, pose: BoardPose, rays: NDArray[np.float32]) -> NDArray[np.float32]:
        """Where rays (h, w, 2) meet the page, in millimetres of the page."""
        middle = np.append(np.array(self._board.size_m) / 2, 0.0)
        origin = pose.centre_m - pose.rotation @ middle
        inverse = np.linalg.inv(np.column_stack([pose.rotation[:, 0], pose.rotation[:, 1], origin]))
        left, top, width, height = self._area_mm
        to_mm = np.array([[width, 0, left], [0, height, top], [0, 0, 1]]) @ np.diag(
            [*(1 / np.array(self._board.size_m)), 1]
        )
        points = cv2.perspectiveTransform(rays, to_mm @ inverse)
        return np.asarray(points, np.float32)


def _fine_lens(lens: Intrinsics) -> Intrinsics:
    """The same lens with smaller pixels."""
    k = _OVERSAMPLING
    fine = np.array([lens.fx, lens.fy, lens.cx + 0.5, lens.cy + 0.5]) * k - (0, 0, 0.5, 0.5)
    fx, fy, cx, cy = fine.tolist()
    return Intrinsics(lens.width * k, lens.height * k, fx, fy, cx, cy, lens.distortion)


def _rays(lens: Intrinsics) -> NDArray[np.float32]:
    """(h, w, 2) rays of all pixels."""
    x, y = np.meshgrid(np.arange(lens.width, dtype=np.float64), np.arange(lens.height, dtype=np.float64))
    return Camera("board", lens).unproject(np.stack([x, y], axis=-1)).astype(np.float32)


def noisy_views(
    rng: np.random.Generator,
    board: Board,
    lens: Intrinsics,
    poses: list[BoardPose],
    noise_px: float = 0.08,
    bend_px: float = 0.05,
) -> list[View]:
    """Views without images: exact corners with noise.

    Args:
        rng: source of the noise.
        board, lens, poses: what is seen.
        noise_px: sd of each coordinate, independent.
        bend_px: sd of an error that all corners of a view share with a smooth change over the board, as a
            board that is bent by the hand and a rolling shutter make it.
    """
    camera, views = Camera("board", lens), []
    for number, pose in enumerate(poses):
        pixels = camera.project(pose.points_m(board))
        ids = np.nonzero(in_image(pixels, lens))[0]
        x, y = (2 * board.points_m[ids, :2] / board.size_m - 1).T
        shapes = np.stack([x * y, x**2, y**2], axis=1)
        error = rng.normal(0, noise_px, (len(ids), 2)) + shapes @ rng.normal(0, bend_px, (3, 2))
        size_px = lens.width, lens.height
        views.append(View(f"view {number + 1}", size_px, ids, pixels[ids] + error, (0.6, 0.7)))
    return views
