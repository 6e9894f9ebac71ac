"""Ways to drive: what may happen to a vehicle's speed within a track, each with a probability beforehand.

A way to drive is a Gaussian on SPEED and ACCELERATIONS with mean 0 and a root R (8, r), so that R z with standard
normal z (r,) is a draw from it. There are these:

- steady: no acceleration;
- standing: no speed and no acceleration;
- begun: an acceleration that began at the end of a stretch of time and has lasted since, or lasts the whole track;
- varying: an acceleration that changes from stretch to stretch;
- stopped: standing for some stretches, or just now, before that a varying speed.

The first three are simple, with r = 2; the others are free, with r = 8.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.post.plate_motion import STRETCHES

Array = NDArray[np.float64]

STEADY, STANDING, VARYING = 0, 1, 2 + STRETCHES

_STEADY, _STANDING, _BEGUN, _VARYING, _STOPPED = 0.40, 0.08, 0.30, 0.12, 0.10
_SPEED_SD = 8.0  # m/s
_CREEP_SD = 0.01  # m/s, of a vehicle that stands
_BRAKING_SD = 1.7  # m/s^2
_BRAKING_LASTS_S = 0.5  # the correlation of a varying acceleration falls to 1/e in this time

LOG_PROBABILITIES: Array = np.log(
    [_STEADY, _STANDING] + [_BEGUN / STRETCHES] * STRETCHES + [_VARYING] + [_STOPPED / STRETCHES] * STRETCHES
)
"""(ways,), of each way to drive before a track is seen."""

STANDS: NDArray[np.bool_] = np.array(
    [False, True] + [False] * STRETCHES + [False] + [True] * STRETCHES, dtype=np.bool_
)
"""(ways,), those at whose end the vehicle stands."""


@dataclass(frozen=True, eq=False)
class Roots:
    """The roots of all ways to drive.

    Attributes:
        groups: the simple ways (9, 8, 2) and the free ones (8, 8, 8), in the order of the ways.
        each, inverses: (8, r) and its pseudo-inverse (r, 8) of each way.
    """

    groups: tuple[Array, Array]
    each: tuple[Array, ...]
    inverses: tuple[Array, ...]


def roots(ages_s: Array) -> Roots:
    """Of the ways to drive, for accelerations that hold between these ages."""
    return _roots(tuple(ages_s.tolist()))


@functools.lru_cache(maxsize=16)
def _roots(ages_s: tuple[float, ...]) -> Roots:
    middles = 0.5 * (np.array(ages_s[1:]) + np.array(ages_s[:-1]))
    apart = np.abs(middles[:, None] - middles)
    varying = _BRAKING_SD * np.linalg.cholesky(np.exp(-apart / _BRAKING_LASTS_S))
    stretch, nothing = np.arange(STRETCHES)[:, None], np.zeros((STRETCHES, 1))
    simple = [_root(_SPEED_SD, nothing), _root(_CREEP_SD, nothing)]
    simple += [_root(_SPEED_SD, np.where(stretch <= last, _BRAKING_SD, 0.0)) for last in range(STRETCHES)]
    free = [_root(_SPEED_SD, varying)]
    free += [_root(_CREEP_SD, np.where(stretch >= first, varying, 0.0)) for first in range(STRETCHES)]
    each = (*simple, *free)
    inverses = tuple(np.asarray(np.linalg.pinv(root), dtype=np.float64) for root in each)
    return Roots((np.stack(simple), np.stack(free)), each, inverses)


def _root(speed_sd: float, accelerations: Array) -> Array:
    """Root (8, 1 + r) of a way to drive from that of its accelerations (7, r); SPEED is independent of them."""
    root = np.zeros((1 + STRETCHES, 1 + accelerations.shape[1]))
    root[0, 0], root[1:, 1:] = speed_sd, accelerations
    return root
