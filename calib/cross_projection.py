"""Two lenses of one camera compared where it counts: by where they put the same far point in the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calib.camera import Camera, Intrinsics
from calib.lens import lens_of, values

Array = NDArray[np.float64]

_GRID_STEPS = (17, 13)
_ROTATION_STEPS = 4


def cross_projection(first: Intrinsics, second: Intrinsics) -> Array:
    """Where `second` sees what `first` sees at each pixel of a grid over the image, less that pixel.

    Two calibrations of one camera may differ by a rotation, which the mount takes up: the best one is removed
    (as in mrcal's cross-projection, for points far away). It is found with Cauchy weights, so that an edge
    without corners, where lenses may differ wildly, does not turn the rest.

    Returns:
        (rows, columns, 2) differences in pixels.
    """
    x = np.linspace(0, first.width - 1, _GRID_STEPS[0])
    y = np.linspace(0, first.height - 1, _GRID_STEPS[1])
    pixels = np.stack(np.meshgrid(x, y), axis=-1)
    rays = np.concatenate([Camera("first", first).unproject(pixels), np.ones((*pixels.shape[:2], 1))], axis=2)
    other = Camera("second", second)
    for _ in range(_ROTATION_STEPS):
        misses = other.project(rays) - pixels
        slopes = np.stack([other.project(rays + 1e-6 * np.cross(axis, rays)) for axis in np.eye(3)], axis=-1)
        slopes = (slopes - (misses + pixels)[..., None]) / 1e-6
        sizes = np.linalg.norm(misses, axis=2)
        weights = 1 / (1 + (sizes / max(float(np.median(sizes)), 1e-12)) ** 2).ravel().repeat(2)
        pull = slopes.reshape(-1, 3) * weights[:, None]
        rays = rays + np.cross(
            -np.linalg.solve(pull.T @ slopes.reshape(-1, 3), pull.T @ misses.ravel()), rays
        )
    return np.asarray(other.project(rays) - pixels)


def cross_projection_sd(lens: Intrinsics, covariance: Array) -> Array:
    """(rows, columns) standard deviation in pixels of the cross-projection under a (9, 9) covariance."""
    eigenvalues, vectors = np.linalg.eigh(_scaled(covariance))
    scale = np.sqrt(np.diag(covariance))
    total = np.zeros(_GRID_STEPS[::-1])
    for value, vector in zip(eigenvalues, vectors.T, strict=True):
        if value > 1e-12:
            step = 0.1 * np.sqrt(value) * vector * scale  # small, so that the polynomial stays in its range
            moved = lens_of(values(lens) + step, (lens.width, lens.height))
            total += 100 * np.sum(cross_projection(lens, moved) ** 2, axis=2)
    return np.sqrt(total)


def _scaled(covariance: Array) -> Array:
    """Correlation matrix; rows of fixed parameters are 0."""
    sd = np.sqrt(np.diag(covariance))
    safe = np.where(sd > 0, sd, 1.0)
    return np.asarray(covariance / np.outer(safe, safe))
