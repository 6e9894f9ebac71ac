"""Mean, standard deviation and 95 % interval of a mixture of Gaussians."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.frames import Estimate

Array = NDArray[np.float64]

_LEVELS: Array = np.array([0.025, 0.975]).reshape(2, 1, 1)
_NORMAL_QUANTILES: Array = np.array([-1.959964, 1.959964]).reshape(2, 1, 1)
_FURTHEST, _PER_SD = 8.0, 1000.0  # of the table of the normal distribution, which is right to 2e-4
_NORMAL: Array = np.array(
    [
        0.5 * math.erfc(-item / math.sqrt(2))
        for item in np.linspace(-_FURTHEST, _FURTHEST, int(2 * _FURTHEST * _PER_SD) + 1)
    ]
)
_SECTIONS, _ROUNDS = 64, 2


def summed_up(weights: Array, means: Array, sds: Array) -> list[Estimate]:
    """Mean, sd and the interval between the 2.5 % and 97.5 % quantiles, for each of q mixtures of m Gaussians.

    Args:
        weights: (m,), they sum to 1.
        means: (m, q).
        sds: (m, q).
    """
    centres = weights @ means
    spreads = np.sqrt(weights @ (sds**2 + (means - centres) ** 2))
    lows, highs = _quantiles(weights, means, np.maximum(sds, 1e-9))
    return [
        Estimate(float(centre), float(spread), (float(low), float(high)))
        for centre, spread, low, high in zip(centres, spreads, lows, highs, strict=True)
    ]


def normal_below(limits: Array) -> Array:
    """Probability that a standard normal number is below each limit."""
    entries = (limits * _PER_SD + (_FURTHEST * _PER_SD + 0.5)).astype(np.intp)
    return _NORMAL.take(entries, mode="clip")


def _quantiles(weights: Array, means: Array, sds: Array) -> Array:
    """(2, q), between the Gaussians' own quantiles, by rounds that each find the right one of many sections."""
    own = means.T + _NORMAL_QUANTILES * sds.T
    low = own.min(axis=2)
    width = own.max(axis=2) - low
    centres, per_sd = means.T[:, None], 1.0 / sds.T[:, None]
    steps = np.arange(1, _SECTIONS) / _SECTIONS
    for _ in range(_ROUNDS):
        limits = low[..., None] + width[..., None] * steps
        below = normal_below((limits[..., None] - centres) * per_sd) @ weights
        width = width / _SECTIONS
        low = low + (below < _LEVELS).sum(axis=2) * width
    return np.asarray(low + 0.5 * width)
