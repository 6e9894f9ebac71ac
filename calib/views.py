"""One view of the board and what makes it useful: sharp, still, and unlike the views already there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from calib.boards import Board
from calib.camera import Intrinsics
from calib.detect import Detection, Image

Array = NDArray[np.float64]

SHARP_PX = 2.2  # sd of the blur at edges above which corners wander
SMEARED = 2.0  # ratio of blur between directions that only motion makes
STILL_PX = 0.7  # median motion of the corners from frame to frame
NOVEL = 0.22  # distance in the space of `Pose` from every earlier view
ENOUGH_VIEWS = 20  # for directions within 0.3 px over the image: see docs/calibration.md
GRID = (8, 6)  # cells of the coverage map, columns and rows
_PROFILE_STEPS = 21


@dataclass(frozen=True, eq=False)
class View:
    """A board seen in an image.

    Attributes:
        name: the file's name, or the time in a video.
        size_px: (width, height) of the image.
        ids: (n,) numbers of the corners.
        corners_px: (n, 2).
        blur_px: (smallest, largest) sd of the blur over the directions of the board's edges; NaN if unknown.
    """

    name: str
    size_px: tuple[int, int]
    ids: NDArray[np.intp]
    corners_px: Array
    blur_px: tuple[float, float]

    @property
    def smeared(self) -> bool:
        """Blurred in one direction much more than in another: motion."""
        return self.blur_px[1] > SHARP_PX and self.blur_px[1] > SMEARED * self.blur_px[0]

    @property
    def unsharp(self) -> bool:
        """Blurred at all."""
        return self.blur_px[1] > SHARP_PX


@dataclass(frozen=True)
class Pose:
    """Roughly how the board was held: place and size as shares of the image, tilt in degrees.

    `tilt_x_deg` turns about a vertical axis, `tilt_y_deg` about a horizontal one; a lens is assumed for them.
    """

    x: float
    y: float
    size: float
    tilt_x_deg: float
    tilt_y_deg: float

    def distance(self, other: Pose) -> float:
        """How unlike two poses are; 1 is across the image, or 90 degrees of tilt."""
        return float(
            np.hypot(self.x - other.x, self.y - other.y)
            + abs(np.log(self.size / other.size)) / 2
            + np.hypot(self.tilt_x_deg - other.tilt_x_deg, self.tilt_y_deg - other.tilt_y_deg) / 90
        )


def make_view(name: str, image: Image, board: Board, found: Detection) -> View:
    """View of a detection, with its sharpness measured in the image."""
    grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    size_px = grey.shape[1], grey.shape[0]
    return View(name, size_px, found.ids, found.corners_px, edge_blur_px(grey, board, found))


def rough_lens(size_px: tuple[int, int]) -> Intrinsics:
    """A usual lens (60 degrees across) for an image of that size, as long as nothing better is known."""
    focal = max(size_px) / (2 * np.tan(np.radians(30)))
    return Intrinsics(*size_px, focal, focal, (size_px[0] - 1) / 2, (size_px[1] - 1) / 2)


def rough_normal(view: View, board: Board, lens: Intrinsics) -> Array:
    """(3,) direction of the board's back in the camera frame."""
    points = board.points_m[view.ids]
    _, turn, _ = cv2.solvePnP(
        points, view.corners_px, lens.matrix, np.array(lens.distortion), flags=cv2.SOLVEPNP_IPPE
    )
    return np.asarray(cv2.Rodrigues(turn)[0], np.float64)[:, 2]


def rough_pose(view: View, board: Board, lens: Intrinsics | None = None) -> Pose:
    """How the board was held, under `lens` or a usual one."""
    normal = rough_normal(view, board, lens or rough_lens(view.size_px))
    x, y = view.corners_px.mean(axis=0) / view.size_px
    span = np.ptp(view.corners_px, axis=0)
    share = len(view.ids) / board.corner_count
    size = np.sqrt(float(span[0] * span[1]) / max(share, 0.2) / (view.size_px[0] * view.size_px[1]))
    tilts = np.degrees(np.arctan2(normal[:2], normal[2]))
    return Pose(float(x), float(y), float(size), float(tilts[0]), float(tilts[1]))


def motion_px(before: Detection, now: Detection) -> float:
    """Median motion of the corners that both hold; infinite if they share none."""
    _, first, second = np.intersect1d(before.ids, now.ids, return_indices=True)
    if len(first) == 0:
        return float("inf")
    return float(np.median(np.linalg.norm(before.corners_px[first] - now.corners_px[second], axis=1)))


def edge_blur_px(grey: Image, board: Board, found: Detection) -> tuple[float, float]:
    """Smallest and largest sd of the blur across the edges between neighbouring corners.

    A Gaussian-blurred step of height h has the greatest slope h / (sd sqrt(2 pi)); both are read off the
    profile across the middle of each edge. Edges are grouped by the board's two directions.
    """
    places = dict(zip(found.ids.tolist(), found.corners_px, strict=True))
    columns = board.corner_grid[0]
    spreads = [
        _blur_across(
            grey, [(places[i], places[i + step]) for i in places if i + step in places and not wraps(i)]
        )
        for step, wraps in ((1, lambda i: i % columns == columns - 1), (columns, lambda i: False))
    ]
    return (float(min(spreads)), float(max(spreads)))


def _blur_across(grey: Image, edges: Sequence[tuple[Array, Array]]) -> float:
    """Median blur of the edges, each (start, end); NaN if there are none."""
    if not edges:
        return float("nan")
    start, end = np.array([edge[0] for edge in edges]), np.array([edge[1] for edge in edges])
    along = end - start
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    reach = 0.35 * np.linspace(-1, 1, _PROFILE_STEPS)
    points = (start + 0.5 * along)[:, None] + reach[None, :, None] * across[:, None]
    at = points.astype(np.float32)
    profiles = cv2.remap(grey.astype(np.float32), at[..., 0], at[..., 1], cv2.INTER_LINEAR).astype(np.float64)
    step_px = np.linalg.norm(across, axis=1) * (reach[1] - reach[0])
    near = slice(_PROFILE_STEPS // 2 - 4, _PROFILE_STEPS // 2 + 5)
    slope = np.abs(np.diff(profiles[:, near], axis=1)).max(axis=1) / step_px
    height = np.ptp(profiles, axis=1)
    return float(np.median(height / np.maximum(slope, 1e-6)) / np.sqrt(2 * np.pi))


@dataclass(frozen=True, eq=False)
class Coverage:
    """What a set of views covers: corners a cell of the image, and the poses."""

    counts: NDArray[np.int64]
    poses: tuple[Pose, ...]

    @classmethod
    def of(cls, views: Sequence[View], board: Board, lens: Intrinsics | None = None) -> Coverage:
        """Count the corners of all views in a grid of `GRID` cells, (rows, columns)."""
        counts = np.zeros(GRID[::-1], np.int64)
        for view in views:
            cells = (view.corners_px + 0.5) / view.size_px * GRID
            column, row = np.clip(cells.astype(int), 0, np.array(GRID) - 1).T
            np.add.at(counts, (row, column), 1)
        return cls(counts, tuple(rough_pose(view, board, lens) for view in views))

    @cached_property
    def shares(self) -> dict[str, float]:
        """How complete each need is, 0 to 1: views, position, size, tilt_x, tilt_y."""
        if not self.poses:
            return dict.fromkeys(("views", "position", "size", "tilt_x", "tilt_y"), 0.0)
        sizes = [pose.size for pose in self.poses]
        leans = {
            "tilt_x": np.array([pose.tilt_x_deg for pose in self.poses]),
            "tilt_y": np.array([pose.tilt_y_deg for pose in self.poses]),
        }
        wanted = {
            "views": len(self.poses) / ENOUGH_VIEWS,
            "position": float(np.mean(self.counts > 0)) / 0.85,
            "size": np.log(max(sizes) / min(sizes)) / np.log(1.6),
        }
        wanted |= {
            name: (np.clip(max(deg), 0, 25) - np.clip(min(deg), -25, 0)) / 50 for name, deg in leans.items()
        }
        return {name: float(min(1.0, share)) for name, share in wanted.items()}

    @property
    def complete(self) -> bool:
        """Nothing more is needed."""
        return min(self.shares.values()) >= 0.999
