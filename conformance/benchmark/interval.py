"""The median of ratios, and how far it is to be trusted."""

from collections.abc import Sequence

import numpy as np

RESAMPLES = 2_000
BLOCK = 400  # resamples at a time: a look has to cost less than the pairs that it saves


def bootstrap_medians(values: Sequence[float], seed: int) -> np.ndarray:
    """Return the sorted medians of `RESAMPLES` samples drawn from the values with replacement.

    The percentile bootstrap: a bound at p is the p-quantile of what is returned.

    Raises:
        ValueError: there are no values.

    """
    if not len(values):
        raise ValueError("there is no median of no values; measure at least one pair")
    sample = np.asarray(values, dtype=float)
    generator = np.random.default_rng(seed)
    medians = [
        np.median(sample[generator.integers(sample.size, size=(BLOCK, sample.size))], axis=1)
        for _ in range(RESAMPLES // BLOCK)
    ]
    return np.sort(np.concatenate(medians))


def bound(medians: np.ndarray, probability: float) -> float:
    """Return the bound below which that share of the medians lies."""
    return float(np.quantile(medians, probability))


def interval(values: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """Return the median of the values and its 95 % bootstrap interval: low, median, high."""
    medians = bootstrap_medians(values, seed)
    return bound(medians, 0.025), float(np.median(values)), bound(medians, 0.975)
