"""Pairs and units, with scripted clocks."""

import math
from collections.abc import Callable
from itertools import islice

import pytest

from conformance.benchmark.pairs import Pair, Timed, burden, calibrated, pairs


@pytest.mark.parametrize("pass_takes", [1e-8, 3e-7, 1e-5, 2e-4, 7e-4, 9e-4])
def test_a_unit_of_short_passes_takes_one_to_two_milliseconds(pass_takes: float) -> None:
    passes = calibrated(lambda count: count * pass_takes)
    assert 1e-3 <= passes * pass_takes <= 2e-3


@pytest.mark.parametrize("pass_takes", [1.1e-3, 5e-3, 4.0])
def test_a_pass_that_takes_longer_is_a_unit(pass_takes: float) -> None:
    assert calibrated(lambda count: count * pass_takes) == 1


def test_a_pass_of_seconds_is_not_tried_again() -> None:
    tried: list[int] = []

    def seconds(count: int) -> float:
        tried.append(count)
        return 40.0

    assert (calibrated(seconds), tried) == (1, [1])


def test_calibration_is_not_misled_by_an_interruption() -> None:
    calls = 0

    def seconds(count: int) -> float:
        nonlocal calls
        calls += 1
        return count * 1e-5 + (0.05 if calls % 3 == 1 else 0)

    assert 100 <= calibrated(seconds) <= 200


def test_calibration_ends_where_the_clock_stands_still() -> None:
    assert calibrated(lambda count: 0.002 if count > 1_000_000 else 0.0) > 1


def called(calls: list[str], name: str, seconds: float) -> Callable[[], Timed]:
    """Return a unit that notes that it was called."""

    def unit() -> Timed:
        calls.append(name)
        return Timed(seconds, 2 * seconds)

    return unit


def test_both_arms_are_measured_in_each_pair_in_an_order_that_changes() -> None:
    calls: list[str] = []
    taken = list(islice(pairs(called(calls, "l", 1.0), called(calls, "b", 3.0), seed=0), 100))
    assert {pair.ratio for pair in taken} == {3.0}
    orders = ["".join(two) for two in zip(calls[::2], calls[1::2], strict=True)]
    assert set(orders) == {"lb", "bl"}
    assert 30 < orders.count("lb") < 70


def test_equal_seeds_give_equal_orders() -> None:
    def order(seed: object) -> list[str]:
        calls: list[str] = []
        list(islice(pairs(called(calls, "l", 1.0), called(calls, "b", 1.0), seed), 20))
        return calls

    assert order("a") == order("a") != order("b")


def test_the_ratio_is_above_one_if_the_loader_is_faster() -> None:
    pair = Pair(loader=Timed(1.0, 4.0), baseline=Timed(2.0, 2.0))
    assert (pair.ratio, pair.cpu_ratio) == (2.0, 0.5)


def test_a_clock_that_stood_still_gives_no_ratio() -> None:
    assert math.isnan(Pair(Timed(1.0, 0.0), Timed(1.0, 1.0)).cpu_ratio)


def test_a_burden_is_the_share_of_a_unit_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stepped: list[int] = []
    clock = 0.0

    def steps(count: int) -> None:
        nonlocal clock
        stepped.append(count)
        clock += count * 1e-7

    monkeypatch.setattr("conformance.benchmark.pairs._steps", steps)
    extra = burden(lambda: Timed(2e-3, 2e-3), 0.1, lambda: clock)
    extra()
    assert stepped[-1] == pytest.approx(2_000, abs=1)
