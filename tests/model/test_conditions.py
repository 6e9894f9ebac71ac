"""Hard conditions: each does to the picture what it says, and corners stay where the plate is seen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the photographs' index is read by code that comes with training")

from pipeline.frames import CORNER_SIGNS
from pipeline.model.condition_set import condition_set
from pipeline.model.conditions import LIGHTS, VIEWS, under
from pipeline.model.photographs import Photograph, Plate, read_index

PLATE = np.array([300.0, 250.0]) + CORNER_SIGNS * (60.0, 15.0)


def rng():
    return np.random.default_rng(4)


def picture(level=128):
    return np.full((480, 640, 3), level, np.uint8)


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("corner", range(4))
def test_corners_follow_the_view(name, corner):
    image = np.zeros((480, 640, 3), np.uint8)
    x, y = PLATE[corner].astype(int)
    image[y, x] = 255
    image = cv2.GaussianBlur(image, (0, 0), 2.0) * 10
    moved, corners_px = under(name, rng(), image, PLATE)
    left, top = np.floor(corners_px[corner]).astype(int) - 8
    left, top = max(left, 0), max(top, 0)
    spot = moved[top : top + 17, left : left + 17, 0].astype(float)
    ys, xs = np.indices(spot.shape)
    seen_px = np.array([left + (spot * xs).sum() / spot.sum(), top + (spot * ys).sum() / spot.sum()])
    assert np.abs(seen_px - corners_px[corner]).max() < 0.25


def test_a_picture_turned_by_50_degrees_is_as_narrow_as_its_cosine_and_keeps_the_plate_in_place():
    small = np.array([300.0, 250.0]) + CORNER_SIGNS * (4.0, 1.0)
    _, corners_px = under("turned by 50 degrees", rng(), picture(), small)
    assert np.ptp(corners_px[:, 0]) == pytest.approx(8 * np.cos(np.deg2rad(50)), rel=0.01)
    assert corners_px.mean(axis=0) == pytest.approx([300, 250], abs=0.1)


def test_plate_at_the_border_is_whole_and_3_px_from_it():
    for seed in range(12):
        _, corners_px = under("at the border", np.random.default_rng(seed), picture(), PLATE)
        gaps_px = [corners_px[:, 0].min(), 639 - corners_px[:, 0].max(), 479 - corners_px[:, 1].max()]
        assert min(gaps_px) == pytest.approx(3)


@pytest.mark.parametrize("name", LIGHTS)
def test_light_leaves_the_corners_and_changes_the_picture(name):
    image = np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    changed, corners_px = under(name, rng(), image, PLATE)
    assert changed.shape == image.shape and changed.dtype == np.uint8
    assert corners_px is PLATE
    assert (changed != image).any() == (name != "unchanged")


def test_night_has_the_shot_noise_of_its_electrons():
    changed, _ = under("night", rng(), picture(170), PLATE)
    electrons = 20 * (changed / 255.0) ** 2.2
    expected = 20 * (170 / 255) ** 2.2
    assert electrons.mean() == pytest.approx(expected, rel=0.02)
    assert electrons.std() == pytest.approx(
        np.sqrt(expected + 2**2), rel=0.05
    )  # a few are cut off at 0 and 20


def test_infrared_has_no_colours_and_a_bright_plate():
    image = picture() * np.array([0, 1, 0], np.uint8)
    changed, _ = under("infrared", rng(), image, PLATE)
    spread = np.ptp(cv2.GaussianBlur(changed, (0, 0), 20).astype(float), axis=2)
    assert spread.max() < 3  # noise is of every channel's own
    assert changed[240:260, 250:350].mean() > 1.5 * changed[300:320, 250:350].mean()


def test_what_infrared_lights_up_is_the_plate_to_its_edge():
    changed, _ = under("infrared", rng(), picture(), PLATE)
    profile = changed[238:263].mean(axis=(0, 2))
    half = (profile[300] + profile[100]) / 2
    rising, falling = (int(np.flatnonzero(profile[200:400] > half)[end]) + 200 for end in (0, -1))
    left = rising - (profile[rising] - half) / (profile[rising] - profile[rising - 1])
    right = falling + (profile[falling] - half) / (profile[falling] - profile[falling + 1])
    assert (left, right) == (pytest.approx(240, abs=0.2), pytest.approx(360, abs=0.2))


def test_dirt_covers_a_quarter_of_the_plate_and_nothing_far_away():
    image = picture(255)
    changed, _ = under("dirt", rng(), image, PLATE)
    plate = changed[236:265, 241:360].mean(axis=2)
    assert np.mean(plate < 200) == pytest.approx(0.25, abs=0.05)
    assert (changed[:, 450:] == 255).all() and (changed[:, :150] == 255).all()


def test_edge_of_the_shadow_runs_through_the_plate():
    changed, _ = under("shadow", rng(), picture(200), PLATE)
    plate = changed[236:265, 241:360]
    assert plate.min() == 100 and plate.max() == 200


def test_set_names_each_condition_and_is_the_same_every_time(plate_index, tmp_path):
    photographs = read_index(plate_index)
    made = condition_set(photographs, 100, tmp_path / "a")
    assert sorted({photo.source for photo in made}) == sorted([*LIGHTS, *VIEWS])
    assert len(made) == 14 * sum(bool(photo.plates) for photo in photographs)
    for photo, again in zip(made, condition_set(photographs, 100, tmp_path / "b"), strict=True):
        assert (photo.read() == again.read()).all()
        assert (photo.closest.corners_px == again.closest.corners_px).all()
    listed = read_index(tmp_path / "a")
    assert [photo.source for photo in listed] == [photo.source for photo in made]


def test_letterbox_has_no_weather(tmp_path):
    image = np.random.default_rng(2).integers(0, 256, (180, 400, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "wide.png"), image)
    plate = Plate(np.array([200.0, 90.0]) + CORNER_SIGNS * (40.0, 10.0), "human")
    photograph = Photograph(tmp_path / "wide.png", 400, 180, "dev", "drawn", "1", (plate,))
    for photo in condition_set([photograph], 1, tmp_path / "conditions"):
        bars = photo.read()[[0, 50, 95, 384, 479]]
        assert (bars == 114).all() or photo.source in VIEWS
        assert np.ptp(photo.read()[240]) > 50


def test_fewer_photographs_are_taken_evenly(plate_index, tmp_path):
    photographs = read_index(plate_index)
    groups = [photo.group for photo in photographs if photo.plates]
    made = condition_set(photographs, 3, tmp_path)
    assert list(dict.fromkeys(photo.group for photo in made)) == [groups[0], groups[4], groups[7]]
