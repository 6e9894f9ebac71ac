"""The fitted corners against the noise-free ones, which only the simulation knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.post.fitted import fitted_corners_px
from pipeline.post.plate_formats import EUROPE
from pipeline.post.track_data import TrackPoint
from tests.post.simulated import LENS, LENS_ONLY, MOUNTED, corners_px, noise

TIMES_S = np.arange(25) / 25
BENT = replace(MOUNTED, intrinsics=replace(LENS, distortion=(-0.2, 0.05, 0.001, 0.0, 0.0)))


@pytest.mark.parametrize("camera", [MOUNTED, LENS_ONLY, BENT])
def test_fitted_corners_are_nearer_to_the_truth_than_the_observed_ones(camera) -> None:
    true = np.array([corners_px(np.array([0.4, 8.0 - 4.0 * time, 0.5]), camera) for time in TIMES_S])
    seen = true + noise(np.random.default_rng(3), len(TIMES_S), 1.0)
    points = [
        TrackPoint(time, corners, np.tile(np.eye(2), (4, 1, 1)))
        for time, corners in zip(TIMES_S, seen, strict=True)
    ]
    fitted = fitted_corners_px(points, camera, EUROPE)
    assert fitted is not None
    error_px = np.sqrt(np.mean((fitted - true) ** 2))
    # 17 parameters at most from 200 numbers of sd 1: the fit is off by sqrt(17 / 200) = 0.29 on average.
    assert error_px < 0.4
    assert np.sqrt(np.mean((fitted - seen) ** 2)) == pytest.approx(1.0, abs=0.15)


def test_corners_of_no_plate_have_no_fit() -> None:
    mirrored = corners_px(np.array([0.0, 6.0, 0.5]))[[1, 0, 3, 2]]
    points = [TrackPoint(time, mirrored, np.tile(np.eye(2), (4, 1, 1))) for time in TIMES_S]
    assert fitted_corners_px(points, MOUNTED, EUROPE) is None
