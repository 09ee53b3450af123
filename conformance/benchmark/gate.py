"""The gate: whether new code is slower than old code, and what is noise.

It looks at ratios new/old of times measured in pairs, after 20 pairs and at each doubling up to
160, and stops as soon as it knows. Both an effect worth stopping for and the evidence for it are
asked for; either alone raises false alarms. `nox -s bench-power` measures how many are left.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Literal

from conformance.benchmark.interval import bootstrap_medians, bound

LOOKS = (20, 40, 80, 160)  # pairs
HARMLESS = 1.05  # times as slow; what is surely less passes, and what is not more cannot fail
SURELY_SLOWER = 1.03  # times as slow, at the lower bound
ENOUGH_TO_FAIL = 40  # pairs

Finding = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class Decision:
    """What the gate found.

    Attributes:
        finding: "fail" is a candidate only, until a second process finds the same.
        slowdowns: the ratios new/old that it looked at.
        median: their median.
        at_least: its lower 99 % bound.
        at_most: its upper 97.5 % bound.

    """

    finding: Finding
    slowdowns: tuple[float, ...]
    median: float
    at_least: float
    at_most: float


def decide(pairs: Iterator[float], seed: int = 0) -> Decision:
    """Draw ratios new/old from `pairs` until they decide, or 160 of them have been seen."""
    seen: list[float] = []
    for look in LOOKS:
        seen += [next(pairs) for _ in range(look - len(seen))]
        decision = _look(seen, seed + look)
        if decision.finding != "inconclusive":
            break
    return decision


def confirmed(first: Decision, second: Decision) -> Finding:
    """Return the verdict on a candidate: it fails only if a second process finds the same."""
    if first.finding == "fail" and second.finding != "fail":
        return "inconclusive"
    return first.finding


def _look(slowdowns: list[float], seed: int) -> Decision:
    medians = bootstrap_medians(slowdowns, seed)
    middle, at_least, at_most = median(slowdowns), bound(medians, 0.01), bound(medians, 0.975)
    finding: Finding = "inconclusive"
    if at_most < HARMLESS:
        finding = "pass"
    elif len(slowdowns) >= ENOUGH_TO_FAIL and at_least > SURELY_SLOWER and middle > HARMLESS:
        finding = "fail"
    return Decision(finding, tuple(slowdowns), middle, at_least, at_most)
