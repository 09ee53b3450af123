"""Measuring in pairs: two arms, one right after the other, in an order drawn anew each time.

What slows the machine for longer than a pair slows both arms of it, and cancels in their ratio.
That needs units that are shorter than the slice of time that another process gets.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

SHORTEST, AIM = 1e-3, 1.5e-3  # seconds of a unit
TRIED_STEPS, TRIED_STEPS_UNITS = 10_000, 21
TRIES = 3  # of which the quickest counts: what disturbs can only make longer
CERTAIN = 0.5  # seconds of a pass that nothing has made of so few milliseconds


@dataclass(frozen=True)
class Timed:
    """How long a unit took, in seconds by its clock, and in CPU seconds of all processes."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Pair:
    """A unit of the loader and one of the baseline, measured one after the other."""

    loader: Timed
    baseline: Timed

    @property
    def ratio(self) -> float:
        """How many times as fast as the baseline the loader was."""
        return _quotient(self.baseline.seconds, self.loader.seconds)

    @property
    def cpu_ratio(self) -> float:
        """How many times the loader's CPU time the baseline took."""
        return _quotient(self.baseline.cpu_seconds, self.loader.cpu_seconds)


def pairs(
    loader: Callable[[], Timed], baseline: Callable[[], Timed], seed: object
) -> Iterator[Pair]:
    """Yield pair after pair without end; the order within each is drawn from the seed."""
    choice = random.Random(str(seed))
    while True:
        if choice.random() < 0.5:
            first = loader()
            yield Pair(first, baseline())
        else:
            second = baseline()
            yield Pair(loader(), second)


def calibrated(seconds: Callable[[int], float]) -> int:
    """Return how many passes make a unit of 1 to 2 ms, or 1 if a pass takes longer.

    Args:
        seconds: how long so many passes take.

    """
    passes = 1
    while True:
        took = seconds(passes)
        if took < CERTAIN:
            took = min(took, *(seconds(passes) for _ in range(TRIES - 1)))
        if took >= SHORTEST:
            return max(1, round(passes * AIM / took)) if took > AIM and passes > 1 else passes
        # At most tenfold at once, as the shortest times are the least exact.
        passes = min(10 * passes, max(passes + 1, math.ceil(passes * AIM / max(took, 1e-9))))


def burden(unit: Callable[[], Timed], share: float, now: Callable[[], float]) -> Callable[[], None]:
    """Return work that takes that share of a unit's time, by measuring the two side by side."""
    quotients = []
    for _ in range(TRIED_STEPS_UNITS):
        took = unit().seconds
        start = now()
        _steps(TRIED_STEPS)
        quotients.append((now() - start) / took)
    steps = round(TRIED_STEPS * share / median(quotients))
    return lambda: _steps(steps)


def _steps(count: int) -> None:
    for _ in range(count):
        pass


def _quotient(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else math.nan
