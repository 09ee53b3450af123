"""What changes between two reports."""

import pytest

from conformance.errors import UsageError
from conformance.outcome import Outcome, Result
from conformance.report.compare import compare
from tests.conformance.examples import report, result

PASSED, FAILED, UNSUPPORTED = Outcome.PASSED, Outcome.FAILED, Outcome.UNSUPPORTED


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (result(PASSED), result(FAILED), "breaks passed -> failed"),
        (result(PASSED), result(Outcome.CRASH), "breaks passed -> crash"),
        (result(PASSED), result(UNSUPPORTED), "breaks passed -> unsupported"),
        (result(PASSED), result(FAILED, known="so"), "breaks passed -> known"),
        (result(PASSED), None, "breaks passed -> not judged"),
        (result(FAILED), result(PASSED), "mends failed -> passed"),
        (result(UNSUPPORTED), result(PASSED), "mends unsupported -> passed"),
        (result(FAILED, known="so"), result(known="so"), "mends known -> unexpected pass"),
        (None, result(PASSED), "mends not judged -> passed"),
        (result(FAILED), result(Outcome.TIMEOUT), "changes failed -> timeout"),
        (None, result(FAILED), "changes not judged -> failed"),
        (
            result(observations=("ignores it",)),
            result(observations=("raises ValueError",)),
            "changes passed -> passed (ignores it -> raises ValueError)",
        ),
    ],
)
def test_a_change_breaks_a_promise_or_mends_it_or_neither(
    before: Result | None, after: Result | None, text: str
) -> None:
    other = result(requirement="other")
    (change,) = compare(
        report(*filter(None, [before]), other), report(*filter(None, [after]), other)
    )
    kind = "breaks" if change.breaks else "mends" if change.mends else "changes"
    assert not (change.breaks and change.mends)
    expected_kind, _, what = text.partition(" ")
    assert (kind, str(change)) == (expected_kind, f"order.some_requirement: {what}")


def test_what_is_equal_but_for_time_and_text_is_no_change() -> None:
    before = result(FAILED, seconds=1.0, message="one")
    assert compare(report(before), report(result(FAILED, seconds=2.0, message="two"))) == []


def test_two_loaders_are_compared_where_each_report_is_of_one() -> None:
    (change,) = compare(report(result(loader="one")), report(result(FAILED, loader="two")))
    assert change.breaks
    assert change.result.loader == "two"


def test_loaders_of_the_same_name_are_compared_where_there_are_several() -> None:
    before = report(result(loader="one"), result(loader="two"))
    after = report(result(FAILED, loader="two"), result(FAILED, loader="three"))
    (change,) = compare(before, after)
    assert change.result.loader == "two"


def test_reports_without_a_loader_in_common_are_wrong_use() -> None:
    before = report(result(loader="one"), result(loader="two"))
    with pytest.raises(UsageError) as caught:
        compare(before, report(result(loader="three")))
    assert str(caught.value) == (
        "the reports have no loader in common (one, two and three); "
        "compare reports of one loader each"
    )
