"""What changes between two reports."""

from dataclasses import replace

import pytest

from conformance.errors import UsageError
from conformance.outcome import Outcome, Result
from conformance.report.compare import Change, by_danger, circumstances, compare, of_one_loader
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
        (result(FAILED, known="so"), result(known="so"), "mends known -> passed"),
        (None, result(PASSED), "mends not judged -> passed"),
        (result(FAILED), result(Outcome.TIMEOUT), "changes failed -> timeout"),
        (None, result(FAILED), "changes not judged -> failed"),
        (
            result(observations=("ignores it",)),
            result(observations=("raises ValueError",)),
            "changes passed -> passed (ignores it -> raises ValueError)",
        ),
        (
            result(observations=("ignores it",)),
            result(known="so", observations=("raises ValueError",)),
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
    assert compare(report(result(PASSED)), report(result(PASSED, known="so"))) == []


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


@pytest.mark.parametrize(
    ("differing", "said"),
    [
        ({}, []),
        ({"torch": "9"}, ["torch 2.9 -> 9"]),
        ({"suite": "9"}, ["suite 0.1 -> 9; a difference may be due to that"]),
        ({"seed": 9}, ["seed 0 -> 9; a difference may be due to that"]),
    ],
    ids=str,
)
def test_what_else_may_be_why_reports_differ_is_told(
    differing: dict[str, object], said: list[str]
) -> None:
    before = report(result())
    loaders = [{"name": "one", "version": "2.0"}]
    after = replace(before, header={**before.header, "loaders": loaders, **differing})
    assert circumstances(before, after) == ["one 1.0 -> one 2.0", *said]


def test_a_run_that_was_not_finished_is_told_of() -> None:
    *_, told = circumstances(report(result()), report(result(), complete=False))
    assert told == "the second run was not finished: what is missing was not judged"


def test_two_loaders_of_one_report_are_compared() -> None:
    whole = report(result(loader="one"), result(FAILED, loader="two"), result(loader="three"))
    (change,) = compare(of_one_loader(whole, "one"), of_one_loader(whole, "two"))
    assert change.breaks
    with pytest.raises(UsageError) as caught:
        of_one_loader(whole, "thre")
    assert str(caught.value) == "the report has no loader 'thre'; did you mean three?"


HARMS = {"loses": "data is lost", "reorders": "the order is another"}


def change(name: str, after: Result | None = None, before: Result | None = None) -> Change:
    return Change(
        replace(before or result(), requirement=name), after and replace(after, requirement=name)
    )


def test_what_is_most_dangerous_comes_first() -> None:
    grouped = by_danger(
        [
            change("unoffered", result(UNSUPPORTED)),
            change("mended", result(), result(FAILED)),
            change("loses", None),
            change("advised", result(FAILED, level="SHOULD")),
            change("slow", result(Outcome.TIMEOUT)),
            change("reorders", result(FAILED)),
            change("loses", result(FAILED, known="so")),
            change("louder", result(Outcome.CRASH), result(FAILED)),
        ],
        HARMS,
    )
    assert [(title, [c.result.requirement for c in group]) for title, group in grouped] == [
        ("no longer kept (data is lost)", ["loses"]),
        ("no longer kept (the order is another)", ["reorders"]),
        ("no longer kept", ["slow", "advised"]),
        ("no longer kept, for it is not offered", ["unoffered"]),
        ("no longer kept, for it was not judged", ["loses"]),
        ("kept now", ["mended"]),
        ("otherwise changed", ["louder"]),
    ]


@pytest.mark.parametrize(
    ("each", "why"),
    [
        (change("a", result(FAILED, message="it is lost")), "it is lost"),
        (change("a", result(FAILED, message="it is lost", known="an issue")), "an issue"),
        (change("a", None), ""),
        (change("a", result(message="fine"), result(FAILED)), ""),
    ],
)
def test_a_breach_says_why(each: Change, why: str) -> None:
    assert each.why == why
