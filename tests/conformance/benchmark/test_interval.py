"""The bootstrap interval of a median."""

import numpy as np
import pytest

from conformance.benchmark.interval import bootstrap_medians, interval


def test_the_interval_of_equal_values_is_a_point() -> None:
    assert interval([2.0] * 7) == (2.0, 2.0, 2.0)


def test_equal_seeds_give_equal_intervals() -> None:
    values = np.random.default_rng(1).normal(size=31).tolist()
    assert interval(values, 5) == interval(values, 5)
    assert interval(values, 5) != interval(values, 6)


def test_the_interval_holds_the_true_median_as_often_as_it_says() -> None:
    held = 0
    for seed in range(400):
        values = np.random.default_rng(seed).normal(size=40).tolist()
        low, _, high = interval(values, seed)
        held += low <= 0 <= high
    # 95 % of 400 are 380; a coverage of 99 % or of 88 % has a chance of less than 1e-4 to fit in.
    assert 363 <= held <= 392


def test_one_value_has_an_interval_and_none_has_not() -> None:
    assert interval([3.0]) == (3.0, 3.0, 3.0)
    with pytest.raises(ValueError, match="no median of no values"):
        bootstrap_medians([], 0)
