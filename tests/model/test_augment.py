from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from pipeline.model import augment, drawn, erase
from pipeline.model.photometric import degrade, motion_blur
from pipeline.model.view import Augmentation, flip_corners

SETTINGS = Augmentation(320, 240)


def _photograph_with_white_plate(angle_deg):
    """A grey image with a white quadrilateral drawn by an independent rasteriser, 16-fold supersampled."""
    box = cv2.boxPoints(((300, 220), (150, 45), angle_deg))
    corners = box[[1, 2, 3, 0]].astype(float) if angle_deg >= 0 else box.astype(float)
    image = np.full((480, 640, 3), 60, np.uint8)
    cv2.fillConvexPoly(image, np.round(corners * 16).astype(np.int32), (250, 250, 250), cv2.LINE_AA, shift=4)
    return image, _ordered(corners)


def _ordered(corners):
    """TL, TR, BR, BL."""
    by_y = corners[np.argsort(corners[:, 1])]
    top, bottom = by_y[:2][np.argsort(by_y[:2, 0])], by_y[2:][np.argsort(by_y[2:, 0])]
    return np.array([top[0], top[1], bottom[1], bottom[0]])


def test_flip_swaps_left_and_right_corners():
    quad = np.array([[10.0, 5.0], [50.0, 6.0], [51.0, 20.0], [11.0, 19.0]])
    flipped = flip_corners(quad, width_px=100)
    assert flipped.tolist() == [[49, 6], [89, 5], [88, 19], [48, 20]]


@pytest.mark.parametrize("seed", range(12))
def test_corners_follow_the_picture(seed, monkeypatch):
    """The white plate's own outline in the training image is where the corners say."""
    monkeypatch.setattr(augment, "degrade", lambda rng, image: image)
    image, corners = _photograph_with_white_plate(angle_deg=8)
    sample = augment.make_positive(np.random.default_rng(seed), image, corners[None], SETTINGS, draw=False)
    assert sample is not None
    mask = cv2.inRange(sample.image, (156, 156, 156), (255, 255, 255))
    outline = np.zeros_like(mask)
    cv2.fillConvexPoly(outline, np.round(sample.corners_px * 16).astype(np.int32), 255, shift=4)
    agree = np.logical_and(mask, outline).sum() / np.logical_or(mask, outline).sum()
    assert agree > 0.9
    inside = sample.corners_px.mean(axis=0) + (sample.corners_px - sample.corners_px.mean(axis=0)) * 0.8
    assert all(mask[round(y), round(x)] for x, y in inside)


@pytest.mark.parametrize("draw", [False, True])
def test_corners_of_a_positive_are_clockwise_from_top_left_and_inside(draw):
    image, corners = _photograph_with_white_plate(angle_deg=-6)
    for seed in range(40):
        sample = augment.make_positive(np.random.default_rng(seed), image, corners[None], SETTINGS, draw)
        if sample is None:
            continue
        quad = sample.corners_px
        assert sample.image.shape == (240, 320, 3)
        assert (quad >= 0).all() and (quad <= (319, 239)).all()
        assert quad[0, 0] < quad[1, 0] and quad[3, 0] < quad[2, 0]
        assert quad[0, 1] < quad[3, 1] and quad[1, 1] < quad[2, 1]


def test_target_is_unmistakably_the_largest_plate_in_view(monkeypatch):
    monkeypatch.setattr(augment, "degrade", lambda rng, image: image)
    image, corners = _photograph_with_white_plate(angle_deg=0)
    rival = (corners - (300, 220)) * 0.97 + (300, 300)
    cv2.fillConvexPoly(image, np.round(rival * 16).astype(np.int32), (0, 0, 250), cv2.LINE_AA, shift=4)
    samples = [
        augment.make_positive(
            np.random.default_rng(seed), image, np.array([corners, rival]), SETTINGS, draw=False
        )
        for seed in range(40)
    ]
    made = [sample for sample in samples if sample is not None]
    assert 0 < len(made) < len(samples)
    for sample in made:
        red = cv2.inRange(sample.image, (0, 0, 156), (60, 60, 255)).astype(bool).sum()
        assert red < 0.8 * cv2.contourArea(sample.corners_px.astype(np.float32))


def test_drawn_plate_hides_the_labelled_one_whatever_its_shape():
    _, corners = _photograph_with_white_plate(angle_deg=5)
    rng = np.random.default_rng(4)
    for size_m in drawn.PLATE_SIZES_M:
        place = drawn._place_for_drawn_plate(rng, corners, size_m)
        outline = place.astype(np.float32)
        assert all(cv2.pointPolygonTest(outline, tuple(corner), False) >= 0 for corner in corners)
        width, height = np.linalg.norm(place[1] - place[0]), np.linalg.norm(place[3] - place[0])
        assert width / height == pytest.approx(size_m[0] / size_m[1], rel=0.02)


@pytest.mark.parametrize("width", [80, 150])
def test_rival_is_smaller_and_leaves_the_target_untouched(width):
    """Its holder and its shadow, too, which reach far beyond a large plate."""
    image = np.full((240, 320, 3), 90, np.uint8)
    left, right, bottom = 160 - width / 2, 160 + width / 2, 100 + width / 4
    target = np.array([[left, 100.0], [right, 100.0], [right, bottom], [left, bottom]])
    changed = 0
    for seed in range(60):
        view = drawn.with_rival(np.random.default_rng(seed), image, target)
        different = (view != image).any(axis=2)
        assert not different[99 : int(bottom) + 2, int(left) - 1 : int(right) + 2].any()
        changed += different.any()
    assert changed > 15


def test_erased_plate_is_gone():
    image, corners = _photograph_with_white_plate(angle_deg=0)
    for seed in range(6):
        sample = augment.make_negative(np.random.default_rng(seed), image, corners[None], SETTINGS)
        assert sample.corners_px is None
    erased = erase._erase(np.random.default_rng(0), image, corners)
    assert erased[200:240, 240:360].mean() < 120
    assert image[220, 300].tolist() == [250, 250, 250], "the photograph itself must not be written to"


def test_motion_blur_does_not_move_a_blob():
    image = np.zeros((101, 101, 3), np.uint8)
    cv2.circle(image, (50, 50), 12, (255, 255, 255), -1, cv2.LINE_AA)
    for angle in (0, 30, 77, 135):
        blurred = motion_blur(image, 9, angle)[:, :, 0].astype(float)
        y, x = np.mgrid[:101, :101]
        centroid = (x * blurred).sum() / blurred.sum(), (y * blurred).sum() / blurred.sum()
        assert centroid == pytest.approx((50, 50), abs=0.03)


def test_degrade_keeps_shape_and_type_and_repeats_for_a_seed():
    image, _ = _photograph_with_white_plate(angle_deg=0)
    for seed in range(25):
        first, second = (degrade(np.random.default_rng(seed), image) for _ in range(2))
        assert first.shape == image.shape and first.dtype == np.uint8
        assert np.array_equal(first, second)
