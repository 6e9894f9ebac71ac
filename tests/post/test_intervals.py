from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.post.intervals import normal_below, summed_up


def test_one_gaussian_has_its_own_interval() -> None:
    (found,) = summed_up(np.array([1.0]), np.array([[3.0]]), np.array([[0.5]]))
    assert (found.value, found.sd) == pytest.approx((3.0, 0.5))
    assert found.ci95 == pytest.approx((3.0 - 1.96 * 0.5, 3.0 + 1.96 * 0.5), abs=1e-3)


def test_mixture_agrees_with_random_numbers() -> None:
    rng = np.random.default_rng(0)
    weights = np.array([0.7, 0.25, 0.05])
    means = np.array([[0.0, 5.0], [1.0, 5.0], [8.0, 5.5]])
    sds = np.array([[0.3, 1.0], [0.8, 0.1], [0.5, 2.0]])
    picked = rng.choice(3, size=400_000, p=weights)
    drawn = rng.normal(means[picked], sds[picked])
    for index, found in enumerate(summed_up(weights, means, sds)):
        assert found.value == pytest.approx(drawn[:, index].mean(), abs=0.01)
        assert found.sd == pytest.approx(drawn[:, index].std(), rel=0.01)
        assert found.ci95 == pytest.approx(np.percentile(drawn[:, index], [2.5, 97.5]), abs=0.03)


@pytest.mark.parametrize("limit", [-9.0, -1.3, 0.0, 0.4, 7.0])
def test_normal_below_is_the_normal_distribution(limit: float) -> None:
    assert normal_below(np.array([limit]))[0] == pytest.approx(
        0.5 * (1 + math.erf(limit / math.sqrt(2))), abs=1e-6
    )
