"""What one would do without pairs: store the mean time of one run, and compare later runs with it.

It is here to be compared with the gate on the same data, and is used for nothing else.
"""

from collections.abc import Mapping, Sequence
from itertools import permutations, product
from statistics import fmean
from typing import NamedTuple

Times = Sequence[Sequence[float]]  # of each run, in any unit


class Rate(NamedTuple):
    """How many of the comparisons that one could have made raise an alarm."""

    alarms: int
    of: int

    @property
    def share(self) -> float:
        """The same as a share."""
        return self.alarms / self.of

    def __str__(self) -> str:
        return f"{self.alarms} of {self.of} ({self.share:.0%})"


def false_alarms(runs: Times, threshold: float) -> Rate:
    """Return how often a run of the same code is found slower than another.

    Args:
        runs: the times of each run, of unchanged code.
        threshold: 0.05 to allow 5 %.

    """
    means = [fmean(run) for run in runs]
    return _rate([_alarm(old, new, threshold) for old, new in permutations(means, 2)])


def found(stored: Times, slowed: Times, threshold: float) -> Rate:
    """Return how often a run of slowed code is found slower than a stored run."""
    pairs = product(map(fmean, stored), map(fmean, slowed))
    return _rate([_alarm(old, new, threshold) for old, new in pairs])


def any_false_alarm(benchmarks: Mapping[str, Times], threshold: float) -> Rate:
    """Return how often at least one benchmark of a suite is found slower than in another run.

    Run `i` of each benchmark is of the same run of the suite.
    """
    means = [[fmean(run) for run in runs] for runs in benchmarks.values()]
    suites = list(zip(*means, strict=True))
    verdicts = [
        any(_alarm(old, new, threshold) for old, new in zip(stored, later, strict=True))
        for stored, later in permutations(suites, 2)
    ]
    return _rate(verdicts)


def _rate(verdicts: Sequence[bool]) -> Rate:
    if not verdicts:
        raise ValueError("no two runs to compare; give at least two")
    return Rate(sum(verdicts), len(verdicts))


def _alarm(old: float, new: float, threshold: float) -> bool:
    return new > old * (1 + threshold)
