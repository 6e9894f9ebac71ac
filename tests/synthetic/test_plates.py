"""Drawn plates: size, rounded corners, determinism and variety."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.synthetic.plates import draw_plate

FORMATS_M = [(0.52, 0.11), (0.34, 0.11), (0.305, 0.152), (0.22, 0.17), (0.40, 0.13)]


@pytest.mark.parametrize("size_m", FORMATS_M)
def test_draw_plate_fills_its_image_up_to_rounded_corners(size_m: tuple[float, float]) -> None:
    width_m, height_m = size_m
    for seed in range(12):
        plate = draw_plate(np.random.default_rng(seed), width_m, height_m)
        assert plate.shape == (round(1600 * height_m), round(1600 * width_m), 4)
        assert plate.dtype == np.uint8
        alpha = plate[..., 3]
        for edge in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]):
            assert edge[30:-30].min() == 255
            assert edge[0] == edge[-1] == 0
        missing_m2 = (1 - alpha.mean() / 255.0) * width_m * height_m
        assert 0.0055 < np.sqrt(missing_m2 / (4 - np.pi)) < 0.0115  # radius of four rounded corners


def test_draw_plate_small_scale_keeps_working() -> None:
    assert draw_plate(np.random.default_rng(0), 0.52, 0.11, px_per_m=120).shape == (13, 62, 4)


def test_draw_plate_is_the_same_for_the_same_seed_and_differs_otherwise() -> None:
    first, again, other = (draw_plate(np.random.default_rng(seed), 0.52, 0.11) for seed in (4, 4, 5))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_draw_plate_shows_light_dark_and_coloured_papers() -> None:
    means = np.array(
        [draw_plate(np.random.default_rng(s), 0.52, 0.11)[..., :3].mean(axis=(0, 1)) for s in range(60)]
    )
    brightness, colour = means.mean(axis=1), np.ptp(means, axis=1)
    assert brightness.min() < 80 < 170 < brightness.max()
    assert colour.min() < 15 < 60 < colour.max()
