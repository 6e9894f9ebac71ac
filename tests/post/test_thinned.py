"""Lists that stay short."""

from __future__ import annotations

import numpy as np

from pipeline.post.thinned import Thinned


def test_list_stays_bounded_and_even() -> None:
    thinned: Thinned[int] = Thinned(limit=100)
    for number in range(10_000):
        thinned.add(number)
    assert 50 <= len(thinned.items) <= 100
    assert set(np.diff(thinned.items)) == {128}
    assert thinned.items[0] == 0
