"""Which looks a configuration asks for, and in which order they are taken."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.config import SHIPPED_EDGES, SHIPPED_MODEL, SHIPPED_RECTIFIED, ModelConfig
from pipeline.inference import looks
from pipeline.inference.model_file import EDGE_CORNERS, PLATE_CORNERS, RECTIFIED_CORNERS
from pipeline.inference.rectified_look import RectifiedLook
from pipeline.inference.rectify import INPUT_PX
from pipeline.inference.second_look import CROP_PX, SecondLook

SECOND = (SecondLook, SHIPPED_MODEL, CROP_PX, PLATE_CORNERS)
RECTIFIED = (RectifiedLook, SHIPPED_RECTIFIED, INPUT_PX, RECTIFIED_CORNERS)
EDGE = (RectifiedLook, SHIPPED_EDGES, INPUT_PX, EDGE_CORNERS)


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        ([], [SECOND, RECTIFIED, EDGE]),
        (["second_look"], [RECTIFIED, EDGE]),
        (["edge_look"], [SECOND, RECTIFIED]),
        (["rectified_look"], [SECOND]),
        (["second_look", "rectified_look"], []),
    ],
)
def test_looks_come_in_the_order_in_which_each_needs_the_one_before(
    without: list[str], expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted = []

    class Session:
        """In the place of a network: tells which one it is when its look is interrupted."""

        def __init__(self, config, input_size_px=None, task=PLATE_CORNERS) -> None:
            assert config.provider == "cpu"
            self._what = config.path, input_size_px, task

        def interrupt(self) -> None:
            interrupted.append(self._what)

    monkeypatch.setattr(looks, "open_session", Session)
    found = looks.open_further_looks(ModelConfig(provider="cpu", **dict.fromkeys(without, False)))
    for look in found:
        look.interrupt()
    assert [(type(look), *what) for look, what in zip(found, interrupted, strict=True)] == expected
