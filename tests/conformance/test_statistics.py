"""Tests of chance: their false alarms and their power are what they say."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from conformance.statistics import (
    FALSE_ALARM,
    POWER,
    rank_correlation_p,
    share_p,
    share_power,
    uniform_p,
    uniform_power,
)

TRIALS = 4000


def between(successes: int, trials: int, rate: float) -> bool:
    """Whether so many successes are to be expected, but for one case in a million."""
    return bool(stats.binomtest(successes, trials, rate).pvalue > 1e-6)


def test_the_rates_are_those_that_are_promised() -> None:
    assert FALSE_ALARM <= 1e-6
    assert POWER >= 0.999


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_an_honest_uniform_is_accused_as_often_as_stated(alpha: float) -> None:
    draw = np.random.default_rng(0).multinomial(2000, [0.1] * 10, size=TRIALS)
    accused = sum(uniform_p(counts) < alpha for counts in draw)
    assert between(accused, TRIALS, alpha)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_an_honest_permutation_is_accused_as_often_as_stated(alpha: float) -> None:
    random = np.random.default_rng(1)
    accused = sum(rank_correlation_p(list(random.permutation(300))) < alpha for _ in range(TRIALS))
    assert between(accused, TRIALS, alpha)


@pytest.mark.parametrize(("draws", "share"), [(100, 0.5), (1000, 0.1), (3000, 0.75)])
def test_an_honest_share_is_accused_at_most_as_often_as_stated(draws: int, share: float) -> None:
    """Exactly: the sum over all counts that are accused of how probable each is."""
    false_alarms = share_power(share, draws, share)
    assert 0 < false_alarms <= FALSE_ALARM
    accused = [hits for hits in range(draws + 1) if share_p(hits, draws, share) < FALSE_ALARM]
    assert stats.binom.pmf(accused, draws, share).sum() <= FALSE_ALARM


def test_uniform_p_is_pearson_s() -> None:
    assert uniform_p([10, 10, 10]) == 1.0
    statistic = (5**2 + 5**2) / 10  # of 15 and 5, where 10 and 10 are expected
    assert uniform_p([15, 5]) == pytest.approx(math.erfc(math.sqrt(statistic / 2)))


def test_share_p_is_the_binomial_s() -> None:
    assert share_p(0, 10, 0.5) == pytest.approx(2 / 2**10)
    assert share_p(5, 10, 0.5) == 1.0


def test_a_sorted_order_is_as_odd_as_can_be() -> None:
    for order in (list(range(300)), list(range(299, -1, -1))):
        assert rank_correlation_p(order) < FALSE_ALARM


@pytest.mark.parametrize(
    ("probabilities", "draws"),
    [([0.15, 0.05] + [0.1] * 8, 1200), ([0.3, 0.2, 0.25, 0.25], 2000), ([0.55, 0.45], 4000)],
)
def test_uniform_power_is_what_simulation_shows(probabilities: list[float], draws: int) -> None:
    stated = uniform_power(probabilities, draws)
    counts = np.random.default_rng(2).multinomial(draws, probabilities, size=TRIALS)
    caught = sum(uniform_p(row) < FALSE_ALARM for row in counts) / TRIALS
    assert 0.3 < stated < 0.99, "a case that tells nothing"
    assert caught == pytest.approx(stated, abs=0.06)


@pytest.mark.parametrize(
    ("true_share", "draws", "share"), [(0.56, 2000, 0.5), (0.17, 800, 0.1), (0.28, 4000, 0.25)]
)
def test_share_power_is_what_counting_shows(true_share: float, draws: int, share: float) -> None:
    """Exactly, with no more than two counts of 2000 on which the two ways may differ."""
    stated = share_power(true_share, draws, share)
    accused = [hits for hits in range(draws + 1) if share_p(hits, draws, share) < FALSE_ALARM]
    exact = stats.binom.pmf(accused, draws, true_share).sum()
    assert 0.1 < stated < 0.999, "a case that tells nothing"
    assert stated <= exact <= stated + 2 * stats.binom.pmf(accused, draws, true_share).max()


@pytest.mark.parametrize(
    "power",
    [
        lambda draws: share_power(0.6, draws, 0.5),
        lambda draws: uniform_power([0.3, 0.2, 0.25, 0.25], draws),
    ],
)
def test_more_draws_see_more(power: Callable[[int], float]) -> None:
    powers = [power(draws) for draws in (100, 400, 1600, 6400)]
    assert powers == sorted(powers)
    assert powers[0] < 0.5 < POWER < powers[-1]
