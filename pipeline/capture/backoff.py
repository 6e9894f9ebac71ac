"""How long to wait before the next attempt at a lost camera."""

from __future__ import annotations

import random


class Backoff:
    """Delays that double from attempt to attempt, each shortened by chance.

    The chance keeps the cameras of a site from reconnecting in step after their switch was restarted.
    """

    def __init__(
        self, first_s: float = 0.5, longest_s: float = 30.0, rng: random.Random | None = None
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._rng = rng or random.Random()
        self._ceiling_s = first_s

    def next_s(self) -> float:
        """Next delay in seconds: between half of the current ceiling and all of it."""
        ceiling_s = self._ceiling_s
        self._ceiling_s = min(2 * ceiling_s, self._longest_s)
        return ceiling_s * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Starts again from the shortest delay."""
        self._ceiling_s = self._first_s
