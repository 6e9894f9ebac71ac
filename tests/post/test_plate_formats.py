from __future__ import annotations

import pytest

from pipeline.errors import GateError
from pipeline.post.plate_formats import EUROPE, FORMATS, formats_named


def test_formats_have_distinct_names_that_state_their_size() -> None:
    assert len({item.name for item in FORMATS}) == len(FORMATS)
    for item in FORMATS:
        width, height = (int(part) for part in item.name.split("-")[1].split("x"))
        assert (round(1000 * item.width_m), round(1000 * item.height_m)) == (width, height)
        assert item.source


def test_formats_named_keeps_the_tables_order() -> None:
    assert formats_named(["eu-340x240", "eu-520x110"]) == EUROPE


def test_formats_named_unknown_says_which() -> None:
    with pytest.raises(GateError, match="eu-999x1"):
        formats_named(["eu-520x110", "eu-999x1"])


def test_formats_named_none_is_refused() -> None:
    with pytest.raises(GateError, match="at least one"):
        formats_named([])
