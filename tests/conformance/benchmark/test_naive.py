"""The naive gate, on runs made up."""

import pytest

from conformance.benchmark.naive import Rate, any_false_alarm, false_alarms, found

STEADY = [[10.0, 10.0], [9.0, 11.0], [10.2, 10.2]]
NOISY = [[10.0], [11.0], [12.0]]


@pytest.mark.parametrize(
    ("runs", "threshold", "alarms"),
    [(STEADY, 0.05, 0), (STEADY, 0.01, 2), (NOISY, 0.05, 3), (NOISY, 0.095, 2), (NOISY, 0.2, 0)],
)
def test_each_run_is_compared_with_each_other_one(
    runs: list[list[float]], threshold: float, alarms: int
) -> None:
    assert false_alarms(runs, threshold) == Rate(alarms, 6)


def test_what_is_slowed_is_found_or_not() -> None:
    assert found([[10.0], [12.0]], [[11.0], [11.0], [13.0]], 0.05) == Rate(4, 6)


def test_a_suite_is_as_quiet_as_its_noisiest_benchmark() -> None:
    suite = {"steady": [[10.0], [10.0], [10.8]], "noisy": NOISY}
    assert any_false_alarm({"steady": suite["steady"]}, 0.05) == Rate(2, 6)
    assert any_false_alarm(suite, 0.05) == Rate(3, 6)
    assert str(any_false_alarm(suite, 0.05)) == "3 of 6 (50%)"


def test_one_run_is_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="no two runs to compare; give at least two"):
        false_alarms([[1.0]], 0.05)
    with pytest.raises(ValueError, match="no two runs to compare; give at least two"):
        any_false_alarm({"a": [[1.0]]}, 0.05)
