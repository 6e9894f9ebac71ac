"""A plate as a camera sees it, and the event that says so."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calib.camera import Camera, Intrinsics
from calib.targets import UPRIGHT
from pipeline.post.plate_formats import EUROPE
from pipeline.post.pose import plate_corners_m

IDEAL = Intrinsics(1280, 960, 1100.0, 1100.0, 639.5, 479.5)


def plate_px(camera: Camera, centre_m: ArrayLike, axes: NDArray[np.float64] = UPRIGHT) -> NDArray[np.float64]:
    """(4, 2) exact corners of a long European plate whose centre is there in the road frame."""
    return camera.project(camera.camera_from_road(plate_corners_m(EUROPE[0]) @ axes.T + centre_m))


def passage_update(
    camera: Camera, name: str, seq: int, passage: str, corners_px: NDArray[np.float64], sd_px: float
) -> str:
    """A line of a journal in which the gate's camera has this name."""
    event = {
        "kind": "passage.update",
        "camera": name,
        "seq": seq,
        "passage": passage,
        "image_size_px": [camera.intrinsics.width, camera.intrinsics.height],
        "corners_px": corners_px.tolist(),
        "corner_cov_px2": (sd_px**2 * np.tile(np.eye(2), (4, 1, 1))).tolist(),
        "plate_format": {"name": "eu-520x110", "probability": 0.99},
    }
    return json.dumps(event) + "\n"
