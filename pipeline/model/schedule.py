"""How learning rates, and the moving average of the weights, go on from step to step; steps count from 0."""

from __future__ import annotations

import math


def ramp(step: int, warm_up_steps: int) -> float:
    """Share of the learning rate at the beginning of a run: it rises to 1 over so many steps."""
    return min(1.0, (step + 1) / warm_up_steps)


def half_cosine(step: int, steps: int, floor: float) -> float:
    """Share of the learning rate over a run: it falls from 1 to `floor` as a half cosine."""
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * step / steps))


def average_decay(decay: float, step: int) -> float:
    """Decay of the moving average; over fewer steps at first, so that the random start is soon forgotten."""
    return min(decay, (step + 1) / (step + 10))
