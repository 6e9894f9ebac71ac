"""Ways to drive: what may happen to a vehicle's speed within a track, each with a probability beforehand.

A way to drive is a Gaussian on SPEED and ACCELERATIONS with mean 0 and a root R (8, r), so that R z with standard
normal z (r,) is a draw from it. There are these:

- steady: no acceleration;
- standing: no speed and no acceleration;
- begun: an acceleration that began at the end of a stretch of time and has lasted since, or lasts the whole track;
- started: standing until some moment of a stretch, an even acceleration since then;
- varying: an acceleration that changes from stretch to stretch;
- stopped: standing for some stretches, or just now, before that a varying speed.

The first four are simple, with r = 2; the others are free, with r = 8.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.post.plate_motion import AGES_S, STRETCHES

Array = NDArray[np.float64]

STEADY, STANDING, VARYING = 0, 1, 2 + 2 * STRETCHES

# Vehicles at a gate stand for half of the time that they are seen.
_STEADY, _STANDING, _BEGUN, _VARYING, _STOPPED = 0.16, 0.54, 0.19, 0.055, 0.055
_STANDS_FOR_S = 60.0  # mean; a vehicle that stands drives off within a stretch with the stretch's share of it
_SPEED_SD_MPS = 8.0
_STILL_SD_MPS = 0.001  # of a vehicle that stands
_BRAKING_SD_MPS2 = 1.7
_BRAKING_LASTS_S = 0.5  # the correlation of a varying acceleration falls to 1/e in this time

_STARTED = _STANDING * np.diff(AGES_S) / _STANDS_FOR_S
_PROBABILITIES: Array = np.concatenate(
    [
        [_STEADY, _STANDING],
        np.full(STRETCHES, _BEGUN / STRETCHES),
        _STARTED,
        [_VARYING],
        np.full(STRETCHES, _STOPPED / STRETCHES),
    ]
)
LOG_PROBABILITIES: Array = np.log(_PROBABILITIES / _PROBABILITIES.sum())
"""(ways,), of each way to drive before a track is seen."""

STANDS: NDArray[np.bool_] = np.repeat(
    [False, True, False, True, False, True], [1, 1, STRETCHES, STRETCHES, 1, STRETCHES]
)
"""(ways,), those in which the vehicle stands for a while."""


@dataclass(frozen=True, eq=False)
class Roots:
    """The roots of all ways to drive.

    Attributes:
        groups: the simple ways (16, 8, 2) and the free ones (8, 8, 8), in the order of the ways.
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
    varying = _BRAKING_SD_MPS2 * np.linalg.cholesky(np.exp(-apart / _BRAKING_LASTS_S))
    stretch, nothing = np.arange(STRETCHES)[:, None], np.zeros((STRETCHES, 1))
    simple = [_root(_SPEED_SD_MPS, nothing), _root(_STILL_SD_MPS, nothing)]
    simple += [
        _root(_SPEED_SD_MPS, np.where(stretch <= last, _BRAKING_SD_MPS2, 0.0)) for last in range(STRETCHES)
    ]
    simple += [_started(stretch, np.diff(ages_s), last) for last in range(STRETCHES)]
    free = [_root(_SPEED_SD_MPS, varying)]
    free += [_root(_STILL_SD_MPS, np.where(stretch >= first, varying, 0.0)) for first in range(STRETCHES)]
    each = (*simple, *free)
    inverses = tuple(np.asarray(np.linalg.pinv(root), dtype=np.float64) for root in each)
    return Roots((np.stack(simple), np.stack(free)), each, inverses)


def _root(speed_sd: float, accelerations: Array) -> Array:
    """Root (8, 1 + r) of a way to drive from that of its accelerations (7, r); SPEED is independent of them."""
    root = np.zeros((1 + STRETCHES, 1 + accelerations.shape[1]))
    root[0, 0], root[1:, 1:] = speed_sd, accelerations
    return root


def _started(stretch: NDArray[np.intp], lengths_s: Array, last: int) -> Array:
    """Root (8, 2) of standing until the stretch `last`; the mean acceleration there and the one since are free."""
    accelerations = _BRAKING_SD_MPS2 * np.concatenate([stretch == last, stretch < last], axis=1)
    return np.concatenate([[lengths_s @ accelerations], accelerations])
