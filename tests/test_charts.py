"""Charts and pages that several rooms draw."""

from __future__ import annotations

import re

import pytest

from pipeline.charts import Chart, heat, ticks
from pipeline.page import page


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0, 16) == [0, 5, 10, 15]
    assert ticks(0.0, 0.3) == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3])


def test_heat_goes_from_white_to_red() -> None:
    assert heat(0) == "#ffffff"
    assert heat(1) == heat(7) == "#e31a1c"


def test_chart_puts_the_origin_at_the_lower_left() -> None:
    chart = Chart("x", "y", (0, 10), (0, 1))
    chart.line([0, 10], [0, 1], "red", "a line")
    points = re.search(r'points="([0-9.]+),([0-9.]+) ([0-9.]+),([0-9.]+)"', chart.svg())
    assert points is not None
    x0, y0, x1, y1 = map(float, points.groups())
    assert x0 < x1
    assert y0 > y1


def test_page_escapes_its_title_and_needs_nothing_else() -> None:
    text = page("<script>", ["<p>part</p>"])
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "<p>part</p>" in text
    assert "http" not in text
