"""Ways to drive: what may happen to a vehicle's speed within a track, each with a probability beforehand.

A way to drive is a Gaussian on SPEED and ACCELERATIONS with mean 0 and a root R (8, 8), so that R z with standard
normal z is a draw from it. There are these:

- steady: no acceleration;
- begun: an acceleration that began at the end of a stretch of time and has lasted since, or lasts the whole track;
- varying: an acceleration that changes from stretch to stretch;
- standing: no speed and no acceleration;
- stopped: standing for some stretches, or just now, before that a varying speed.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from pipeline.post.plate_motion import STRETCHES

Array = NDArray[np.float64]

STEADY, VARYING = 0, 1

_STEADY, _VARYING, _STANDING, _BEGUN, _STOPPED = 0.40, 0.12, 0.08, 0.30, 0.10
_SPEED_SD = 8.0  # m/s
_CREEP_SD = 0.01  # m/s, of a vehicle that stands
_BRAKING_SD = 1.7  # m/s^2
_BRAKING_LASTS_S = 0.5  # the correlation of a varying acceleration falls to 1/e in this time

LOG_PROBABILITIES: Array = np.log(
    [_STEADY, _VARYING, _STANDING] + [_BEGUN / STRETCHES] * STRETCHES + [_STOPPED / STRETCHES] * STRETCHES
)
"""(ways,), of each way to drive before a track is seen."""

STANDS: NDArray[np.bool_] = np.array(
    [False, False, True] + [False] * STRETCHES + [True] * STRETCHES, dtype=np.bool_
)
"""(ways,), those at whose end the vehicle stands."""


def roots(ages_s: Array) -> tuple[Array, Array]:
    """(ways, 8, 8) roots of the ways to drive, for accelerations that hold between these ages, and their inverses."""
    return _roots(tuple(ages_s.tolist()))


@functools.lru_cache(maxsize=16)
def _roots(ages_s: tuple[float, ...]) -> tuple[Array, Array]:
    middles = 0.5 * (np.array(ages_s[1:]) + np.array(ages_s[:-1]))
    apart = np.abs(middles[:, None] - middles)
    varying = _BRAKING_SD * np.linalg.cholesky(np.exp(-apart / _BRAKING_LASTS_S))
    nothing = np.zeros((STRETCHES, STRETCHES))
    found = [_root(_SPEED_SD, nothing), _root(_SPEED_SD, varying), _root(_CREEP_SD, nothing)]
    for count in range(1, STRETCHES + 1):
        begun = nothing.copy()
        begun[:count, 0] = _BRAKING_SD
        found.append(_root(_SPEED_SD, begun))
    for count in range(STRETCHES):
        stopped = nothing.copy()
        stopped[count:] = varying[count:]
        found.append(_root(_CREEP_SD, stopped))
    together = np.stack(found)
    return together, np.asarray(np.linalg.pinv(together), dtype=np.float64)


def _root(speed_sd: float, accelerations: Array) -> Array:
    """Root (8, 8) of a way to drive; SPEED is independent of the accelerations."""
    root = np.zeros((1 + STRETCHES, 1 + STRETCHES))
    root[0, 0], root[1:, 1:] = speed_sd, accelerations
    return root
