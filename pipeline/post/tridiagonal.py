"""Many tridiagonal systems at once: what frames have in common that depend on the frame before only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NOTHING = 1e-12


def eliminated(diagonal: Array, beside: Array, right: Array) -> tuple[Array, Array]:
    """Gaussian elimination of g positive definite tridiagonal systems T x = right.

    With T = L D L' the pivots are D and the rest is L^-1 right. L has ones on its diagonal and -m below it, so that
    L^-1 = (1 + M)(1 + M^2)(1 + M^4) ..., M holding m; each factor is one shift of all rows at once.

    Args:
        diagonal: (g, n).
        beside: (g, n - 1), above and below the diagonal.
        right: (g, n, k).

    Returns:
        pivots (g, n), L^-1 right (g, n, k).
    """
    pivots = np.array([_pivots(*pair) for pair in zip(diagonal.tolist(), beside.tolist(), strict=True)])
    found, power, shift = right.copy(), -beside / pivots[:, :-1], 1
    largest = np.abs(power).max(initial=0.0)
    while shift < len(pivots[0]) and largest > _NOTHING:
        found[:, shift:] += power[..., None] * found[:, :-shift]
        power, shift, largest = power[:, shift:] * power[:, :-shift], 2 * shift, largest**2
    return pivots, found


def _pivots(diagonal: list[float], beside: list[float]) -> list[float]:
    found = diagonal[:1]
    for own, link in zip(diagonal[1:], beside, strict=True):
        found.append(own - link * link / found[-1])
    return found
