"""The linear algebra of the posterior against the same problem written out with full covariance matrices."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from calib.camera import Uncertainty
from pipeline.post import drives, noise
from pipeline.post.fit import fit
from pipeline.post.plate_formats import EUROPE
from pipeline.post.plate_motion import DRIVE, POSE
from pipeline.post.posterior import posterior
from pipeline.post.priors import aspect_tolerance, pose_prior, starting_motions
from pipeline.post.quantities import SPEED_NOW_KMH, Quantities
from pipeline.post.track_data import RayMaker
from pipeline.post.tridiagonal import eliminated
from pipeline.post.window import Window
from tests.post.simulated import MOUNTED, track

CAMERA = replace(MOUNTED, uncertainty=Uncertainty(fx=8.0, cx=2.0, time_s=0.004))


@pytest.mark.parametrize("time_sd_s", [0.0, 0.004])
@pytest.mark.parametrize("correlation", [0.0, 0.75])
@pytest.mark.parametrize("shared", [0.0, 0.8])
def test_posterior_of_one_correlation_is_generalised_least_squares(
    time_sd_s: float, correlation: float, shared: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noise, "_CORRELATIONS", np.array([correlation]))
    points, _ = track(np.random.default_rng(5), duration_s=0.6, correlation=correlation)
    window = Window(RayMaker(CAMERA)([replace(point, time_sd_s=time_sd_s) for point in points]))
    setting = pose_prior(CAMERA).for_format(EUROPE[0], aspect_tolerance(window.data), shared)
    start = starting_motions(window.data, window.times_s, CAMERA, EUROPE[0])[0]
    found = fit(window, setting, drives.STEADY, start)
    judged = posterior(found, window, Quantities(CAMERA)(found, window))
    steady = judged.mixture.variances[drives.STEADY, SPEED_NOW_KMH]

    frames = len(points)
    slopes = found.near.slopes
    lens = window.data.lens_slopes.reshape(frames, 8, -1)
    rows = np.concatenate([slopes[..., POSE], -lens, slopes[..., DRIVE][..., :1] * 8.0], axis=2)
    apart = np.abs(np.subtract.outer(np.arange(frames), np.arange(frames)))
    expected_noise = np.kron(float(correlation) ** apart, np.eye(8)) * judged.noise_scale**2
    sizes = np.sqrt([cv2.contourArea(point.corners_px.astype(np.float32)) for point in points])
    for growth in (sizes / sizes.max(), np.ones(frames)):
        expected_noise += shared**2 / 2 * np.kron(np.outer(growth, growth), np.eye(8))
    for index, move in enumerate(found.near.by_time):
        block = slice(8 * index, 8 * index + 8)
        expected_noise[block, block] += time_sd_s**2 * np.outer(move, move)
    flat = rows.reshape(8 * frames, -1)
    expected = np.linalg.inv(flat.T @ np.linalg.solve(expected_noise, flat) + np.eye(flat.shape[1]))
    # The noise's size was estimated on the way, with and without time errors alike; a few per cent remain.
    assert np.sqrt(steady) == pytest.approx(3.6 * 8.0 * np.sqrt(expected[-1, -1]), rel=0.03)


def test_correlated_noise_is_recognised() -> None:
    widths = []
    for correlation in (0.0, 0.88):
        points, _ = track(np.random.default_rng(6), duration_s=1.5, correlation=correlation)
        window = Window(RayMaker(MOUNTED)(points))
        setting = pose_prior(MOUNTED).for_format(EUROPE[0], aspect_tolerance(window.data))
        start = starting_motions(window.data, window.times_s, MOUNTED, EUROPE[0])[0]
        found = fit(window, setting, drives.STEADY, start)
        judged = posterior(found, window, Quantities(MOUNTED)(found, window))
        best = int(np.argmax(judged.mixture.log_weights))
        widths.append(float(np.sqrt(judged.mixture.variances[best, SPEED_NOW_KMH])))
    assert widths[1] > 1.7 * widths[0]


@pytest.mark.parametrize("count", [1, 2, 7, 48])
def test_elimination_of_tridiagonal_systems_agrees_with_dense_algebra(count: int) -> None:
    rng = np.random.default_rng(count)
    diagonal = rng.uniform(1, 5, (3, count))
    beside = rng.uniform(-0.49, 0.49, (3, count - 1)) * np.sqrt(diagonal[:, 1:] * diagonal[:, :-1])
    right = rng.normal(size=(3, count, 4))
    dense = np.array(
        [
            np.diag(own) + np.diag(link, 1) + np.diag(link, -1)
            for own, link in zip(diagonal, beside, strict=True)
        ]
    )
    pivots, rooted = eliminated(diagonal, beside, right)
    np.testing.assert_allclose(np.log(pivots).sum(axis=1), np.linalg.slogdet(dense)[1], atol=1e-12)
    np.testing.assert_allclose(
        rooted.swapaxes(1, 2) @ (rooted / pivots[..., None]),
        right.swapaxes(1, 2) @ np.linalg.solve(dense, right),
        atol=1e-12,
    )
