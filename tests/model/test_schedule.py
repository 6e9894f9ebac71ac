"""What the course of a training run is at its beginning, in its middle and at its end."""

from __future__ import annotations

import pytest

from pipeline.model.schedule import average_decay, half_cosine, ramp


def test_learning_rate_rises_and_falls():
    assert [ramp(step, 40) for step in (0, 19, 39, 400)] == [1 / 40, 0.5, 1.0, 1.0]
    assert [half_cosine(step, 800, 0.02) for step in (0, 400, 800)] == pytest.approx([1.0, 0.51, 0.02])


def test_average_is_over_few_steps_at_first():
    assert [average_decay(0.99, step) for step in (0, 8, 10_000)] == [0.1, 0.5, 0.99]
