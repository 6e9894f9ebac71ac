"""The file that ships: it is the one the model card describes, and it finds the plate of the drawn gate scene."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from pipeline.config import SHIPPED_EDGES, SHIPPED_MODEL, SHIPPED_RECTIFIED, ModelConfig
from pipeline.inference.looks import open_locator
from pipeline.synthetic.approach import Approach
from pipeline.synthetic.render import frames
from pipeline.synthetic.scene import Scenario

EIGHT_BITS = SHIPPED_MODEL.with_name("plate_corners_int8.onnx")


@pytest.fixture(scope="module", params=[(SHIPPED_MODEL, 11), (EIGHT_BITS, 12)], ids=["single", "eight-bits"])
def locator_and_seed(request):
    path, seed = request.param
    return open_locator(ModelConfig(path=path, provider="cpu"))[0], seed


@pytest.mark.parametrize("model", [SHIPPED_MODEL, EIGHT_BITS, SHIPPED_RECTIFIED, SHIPPED_EDGES])
def test_model_card_names_this_very_file(model):
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert digest in (model.parent / "README.md").read_text()


def test_file_stays_about_50_mb():
    assert SHIPPED_MODEL.stat().st_size < 55e6


def test_plate_of_the_drawn_scene_is_found(locator_and_seed):
    """At 640x480, where the plate is 40 to 120 px wide."""
    locator, seed = locator_and_seed
    scenario = Scenario(approach=Approach(start_m=9.0, end_m=3.5), fps=2.0, seed=seed)
    for image, truth in frames(scenario):
        location = locator.locate([image])[0]
        errors_px = np.linalg.norm(location.corners_px - truth.corners_px, axis=1) / 2  # drawn at 1280x960
        assert location.presence > 0.5
        assert errors_px.mean() < 4.0


def test_empty_scene_shows_no_plate(locator_and_seed):
    locator, _ = locator_and_seed
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)
    grey = np.full((480, 640, 3), 114, np.uint8)
    assert all(location.presence < 0.5 for location in locator.locate([noise, grey]))
