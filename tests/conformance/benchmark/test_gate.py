"""The gate's rule, on scripted ratios."""

from collections.abc import Iterator
from itertools import chain, repeat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.benchmark.gate import Decision, Finding, confirmed, decide

seeds = st.integers(0, 2**32 - 1)


def noisy(slowdown: float, spread: float, seed: int) -> Iterator[float]:
    """Yield ratios around a slow-down; now and then one of the two was interrupted."""
    generator = np.random.default_rng(seed)
    while True:
        interrupted = generator.choice((1.0, 2.0, 0.5), p=(0.9, 0.05, 0.05))
        yield slowdown * interrupted * float(np.exp(generator.normal(0, spread)))


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_what_never_changes_passes_at_the_first_look(seed: int) -> None:
    decision = decide(repeat(1.0), seed)
    assert (decision.finding, len(decision.slowdowns)) == ("pass", 20)
    assert (decision.at_least, decision.median, decision.at_most) == (1.0, 1.0, 1.0)


@given(seed=seeds, spread=st.floats(0, 0.1))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_noise_alone_never_fails(seed: int, spread: float) -> None:
    assert decide(noisy(1.0, spread, seed), seed).finding != "fail"


@given(seed=seeds, spread=st.floats(0, 0.05))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_tenth_slower_is_found_in_noise(seed: int, spread: float) -> None:
    decision = decide(noisy(1.1, spread, seed), seed)
    assert decision.finding == "fail"
    assert 1.06 < decision.median < 1.14


@given(seed=seeds, slowdown=st.floats(0.1, 0.99))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_what_is_faster_passes(seed: int, slowdown: float) -> None:
    assert decide(noisy(slowdown, 0.02, seed), seed).finding == "pass"


def test_twenty_pairs_are_not_enough_to_fail() -> None:
    decision = decide(repeat(1.5))
    assert (decision.finding, len(decision.slowdowns)) == ("fail", 40)


def test_evidence_without_an_effect_does_not_fail() -> None:
    # Surely slower, by 4 %: above 1.03, and not above 1.05.
    assert decide(repeat(1.04)).finding == "pass"
    assert decide(repeat(1.05)).finding == "inconclusive"


def test_an_effect_without_evidence_is_inconclusive() -> None:
    # The median is 1.06 in the end, and almost half of the pairs say that nothing changed.
    decision = decide(chain.from_iterable(repeat((*(1.06, 1.0) * 39, 1.06, 1.06))))
    assert decision.median == 1.06
    assert decision.at_least == 1.0
    assert (decision.finding, len(decision.slowdowns)) == ("inconclusive", 160)


def test_it_draws_no_more_pairs_than_it_needs() -> None:
    drawn = []

    def counted() -> Iterator[float]:
        for number in range(1000):
            drawn.append(number)
            yield 1.0

    decide(counted())
    assert len(drawn) == 20


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ("fail", "fail", "fail"),
        ("fail", "pass", "inconclusive"),
        ("fail", "inconclusive", "inconclusive"),
        ("pass", "fail", "pass"),
        ("inconclusive", "fail", "inconclusive"),
    ],
)
def test_a_failure_needs_two_processes(first: Finding, second: Finding, verdict: Finding) -> None:
    found = [Decision(finding, (), 1.0, 1.0, 1.0) for finding in (first, second)]
    assert confirmed(*found) == verdict
