"""What a report amounts to."""

import pytest

from conformance.outcome import Outcome, Result
from conformance.report.summary import Score, closing_line, missing_shards, notes, summarise
from tests.conformance.examples import report, result

PASSED, FAILED, UNSUPPORTED = Outcome.PASSED, Outcome.FAILED, Outcome.UNSUPPORTED
DOCUMENTED = result(FAILED, known="so", documented=True)
MIXED = [
    result(PASSED, "a"),
    result(FAILED, "b", basis="practice"),
    result(PASSED, "c", level="MUST NOT", basis="practice"),
    result(PASSED, "d", level="SHOULD"),
    result(Outcome.TIMEOUT, "e", level="MAY"),
    result(UNSUPPORTED, "f"),
    result(FAILED, "g", known="since 2.0"),
]


def test_every_count_is_out_of_what_was_asked() -> None:
    summary = summarise(MIXED)
    assert summary.must == Score(2, 4)
    assert summary.should == Score(1, 2)
    assert summary.documents == Score(2, 4)
    assert summary.practice == Score(1, 2)
    assert str(summary.must) == "2 of 4"
    assert summary.counts == {
        PASSED: 3,
        FAILED: 1,
        Outcome.TIMEOUT: 1,
        UNSUPPORTED: 1,
        Outcome.KNOWN: 1,
    }


def test_the_closing_line_counts_everything_once() -> None:
    assert closing_line(MIXED) == "3 passed, 2 failed, 2 skipped"
    assert closing_line([DOCUMENTED]) == "0 passed, 0 failed, 1 skipped"
    assert closing_line([]) == "0 passed, 0 failed, 0 skipped"
    assert closing_line([result(PASSED, known="so")]) == "0 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize(
    ("results", "strict", "verdict"),
    [
        ([result()], False, "conforms"),
        ([result(), result(FAILED, level="SHOULD")], False, "conforms"),
        ([result(), result(FAILED, level="SHOULD")], True, "does not conform"),
        ([result(), result(level="SHOULD")], True, "conforms"),
        ([result(), result(UNSUPPORTED)], False, "conforms"),
        ([result(), result(FAILED, known="so")], False, "conforms, but for 1 known deviations"),
        ([result(), DOCUMENTED], False, "conforms, but for 1 documented otherwise"),
        (
            [result(), DOCUMENTED, DOCUMENTED, result(FAILED, known="so")],
            False,
            "conforms, but for 1 known deviations and 2 documented otherwise",
        ),
        ([result(), result(documented=True, known="so")], False, "does not conform"),
        ([result(), result(FAILED, level="MUST NOT")], False, "does not conform"),
        ([result(), result(Outcome.CRASH)], False, "does not conform"),
        ([result(), result(Outcome.TIMEOUT)], False, "does not conform"),
        ([result(), result(Outcome.ERROR)], False, "does not conform"),
        ([result(), result(known="so")], False, "does not conform"),
        ([result(), result(level="SHOULD", known="so")], False, "does not conform"),
        ([result(FAILED, level="SHOULD")], True, "does not conform"),
        ([result(UNSUPPORTED)], False, "was not judged: nothing applies to it"),
        ([result(UNSUPPORTED, known="so")], False, "was not judged: nothing applies to it"),
        ([], False, "was not judged: nothing applies to it"),
    ],
)
def test_a_loader_conforms_if_it_meets_what_binds_it(
    results: list[Result], strict: bool, verdict: str
) -> None:
    summary = summarise(results, strict=strict)
    assert summary.verdict == verdict
    assert summary.conforms == verdict.startswith("conforms")


def test_notes_say_what_is_missing() -> None:
    assert notes(report(result())) == []
    assert notes(report(result(), complete=False)) == [
        "The run was not finished: what is missing was not judged."
    ]


@pytest.mark.parametrize(
    ("here", "missing"),
    [
        ([], []),
        (["1/1"], []),
        (["2/3"], ["1/3", "3/3"]),
        (["3/3", "1/3", "2/3"], []),
        (["1/2", "1/3"], ["2/2", "2/3", "3/3"]),
        (["nonsense"], []),
    ],
)
def test_shards_are_whole_together(here: list[str], missing: list[str]) -> None:
    assert missing_shards(here) == missing
