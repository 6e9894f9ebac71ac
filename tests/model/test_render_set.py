"""Drawn plates in photographs: the index says exactly where they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from pipeline.errors import GateError
from pipeline.model import drawn
from pipeline.model.photographs import read_index, select
from pipeline.model.render_set import PLATE_WIDTH_PX, render_set


def test_rendered_plates_are_where_the_index_says(plate_index, tmp_path, monkeypatch):
    """A wholly white plate without holder, found again by its own pixels against a rasteriser of its own."""
    white = np.full((64, 256, 4), 255, np.uint8)
    monkeypatch.setattr(drawn, "draw_plate", lambda rng, width_m, height_m: white)
    monkeypatch.setattr(drawn, "mounted", lambda rng, plate, corners, px_per_m, holder: (plate, corners))
    photographs = select(read_index(plate_index), "train")
    for plain in render_set(photographs, 4, tmp_path):
        image, quad = plain.read(), plain.closest.corners_px
        inner = quad.mean(axis=0) + (quad - quad.mean(axis=0)) * 0.9
        level = np.median([image[round(y), round(x)].mean() for x, y in inner])
        outline = np.zeros((480, 640), np.uint8)
        cv2.fillConvexPoly(outline, np.round(quad * 16).astype(np.int32), 255, shift=4)
        inside = image[outline > 0].mean(axis=1)
        assert np.quantile(np.abs(inside - level), 0.9) < 40


def test_image_that_cannot_be_written_is_told(plate_index, tmp_path):
    (tmp_path / "0000.png").mkdir()
    with pytest.raises(GateError, match=r"0000\.png"):
        render_set(select(read_index(plate_index), "train"), 1, tmp_path)


def test_rendered_set_is_an_index_of_its_own_and_repeats(plate_index, tmp_path):
    photographs = select(read_index(plate_index), "train")
    first = render_set(photographs, 5, tmp_path / "a")
    second = render_set(photographs, 5, tmp_path / "b")
    assert [photo.split for photo in first] == ["rendered"] * 5
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.read(), b.read())
        assert np.array_equal(a.closest.corners_px, b.closest.corners_px)
        low, high = PLATE_WIDTH_PX
        assert 0.8 * low < a.closest.width_px < 2 * high
        assert (a.closest.corners_px > 0).all()
