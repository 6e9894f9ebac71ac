from __future__ import annotations

import random

from pipeline.capture.backoff import Backoff


def test_next_s_doubles_up_to_the_longest_delay() -> None:
    backoff = Backoff(first_s=1.0, longest_s=8.0, rng=random.Random(1))
    for ceiling_s in [1, 2, 4, 8, 8, 8]:
        assert ceiling_s / 2 <= backoff.next_s() <= ceiling_s


def test_a_lost_camera_is_tried_again_within_half_a_second_and_later_every_half_minute() -> None:
    backoff = Backoff(rng=random.Random(1))
    delays_s = [backoff.next_s() for _ in range(30)]
    assert 0.25 <= delays_s[0] <= 0.5
    assert all(15.0 <= delay_s <= 30.0 for delay_s in delays_s[6:])


def test_next_s_differs_between_cameras() -> None:
    delays = {Backoff(rng=random.Random(seed)).next_s() for seed in range(20)}
    assert len(delays) == 20


def test_reset_starts_again_from_the_first_delay() -> None:
    backoff = Backoff(first_s=1.0, longest_s=100.0, rng=random.Random(1))
    for _ in range(5):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 1.0
