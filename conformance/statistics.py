"""Tests of chance with a stated false-alarm rate and a stated power.

Each takes counts and returns the p-value: how often an honest loader would look at least this odd.
A check compares it with `FALSE_ALARM`, and says which deviation it catches and how surely; the
functions ending in `_power` give that figure.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats

FALSE_ALARM = 1e-6
POWER = 0.999


def uniform_p(counts: Sequence[int]) -> float:
    """Return the p-value of Pearson's test that all categories are equally likely."""
    return float(stats.chisquare(counts).pvalue)


def uniform_power(probabilities: Sequence[float], draws: int) -> float:
    """Return how surely `uniform_p` falls below `FALSE_ALARM` for the given true probabilities.

    By the non-central chi-square approximation.
    """
    cells = len(probabilities)
    noncentrality = draws * cells * float(np.sum((np.asarray(probabilities) - 1 / cells) ** 2))
    critical = stats.chi2.isf(FALSE_ALARM, cells - 1)
    return float(stats.ncx2.sf(critical, cells - 1, noncentrality))


def share_p(hits: int, draws: int, share: float) -> float:
    """Return the two-sided p-value of the exact binomial test that the true share is `share`."""
    return float(stats.binomtest(hits, draws, share).pvalue)


def share_power(true_share: float, draws: int, share: float) -> float:
    """Return how surely `share_p` falls below `FALSE_ALARM` if the true share is `true_share`."""
    hits = np.arange(draws + 1)
    low = stats.binom.ppf(FALSE_ALARM / 2, draws, share) - 1
    high = stats.binom.isf(FALSE_ALARM / 2, draws, share) + 1
    rejected = (hits <= low) | (hits >= high)
    return float(stats.binom.pmf(hits[rejected], draws, true_share).sum())


def rank_correlation_p(order: Sequence[int]) -> float:
    """Return the two-sided p-value of Spearman's test that position and index are unrelated.

    For a permutation of n indices rho has mean 0 and variance 1 / (n - 1), close to normal for the
    hundreds and more that this is meant for.
    """
    rho = stats.spearmanr(np.arange(len(order)), order).statistic
    return float(2 * stats.norm.sf(abs(rho) * np.sqrt(len(order) - 1)))
