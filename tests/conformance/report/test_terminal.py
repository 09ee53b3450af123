"""The report for a terminal."""

import io
import re
from typing import Any

import pytest
from rich.console import Console

from conformance.outcome import Outcome, Result
from conformance.report.jsonl import Report
from conformance.report.terminal import SCRIPTS_SHOWN, headline, show
from tests.conformance.examples import report, result
from tests.miniatures import CONTROL, MARKUP

HOSTILE = MARKUP + CONTROL


def shown(read: Report, *, width: int = 100, colour: bool = False, **more: bool) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=colour, highlight=False)
    show(read, console, path="a report.jsonl", **more)
    return stream.getvalue()


def failed(number: int = 0, **verdict: Any) -> Result:
    return result(Outcome.FAILED, f"requirement_{number}", **verdict)


def test_a_failure_is_shown_whole() -> None:
    text = shown(
        report(
            result(
                Outcome.FAILED,
                message="it is lost",
                asked="Loader([1])",
                example={"size": "1", "name": "'a'"},
                came={"delivered": "[]", "expected": "[0]"},
                output="  said\n  much\n",
                script="x = 1\n",
            )
        )
    )
    assert re.sub(r" +\n", "\n", text).startswith(
        """\
✗ failed order.some_requirement (one)
  required  A loader MUST do it.
  source    D1-001
  asked     Loader([1])
  with      size=1, name='a'
  message   it is lost
  came      delivered = []
  came      expected = [0]
  output    said
            much
  reproduce it with this script:
x = 1
"""
    )


def test_the_verdict_and_the_counts_close_the_report() -> None:
    text = shown(
        report(
            result(observations=("ignores it",)),
            result(requirement="b", observations=("ignores it",)),
            result(Outcome.FAILED, "c", level="SHOULD", basis="practice"),
            result(Outcome.UNSUPPORTED, "d"),
            pending=3,
        )
    )
    assert text.endswith(
        """\
one conforms
  MUST 2 of 2, SHOULD 0 of 1; from the documents 2 of 2, from practice 0 of 1; 1 unsupported
  · ignores it
3 claims of the documents are pending: not held yet.
2 passed, 1 failed, 1 skipped
"""
    )
    assert re.search(r"order +│ 2 of 3  ✗ 1 failed  - 1 unsupported", text)


def test_strictness_shows_in_the_verdict() -> None:
    read = report(result(), result(Outcome.FAILED, "c", level="SHOULD"))
    assert "\none conforms\n" in shown(read)
    assert "\none does not conform\n" in shown(read, strict=True)


def test_what_passes_or_is_known_is_only_counted() -> None:
    text = shown(report(result(), result(Outcome.FAILED, "b", known="an issue", message="lost")))
    assert "lost" not in text
    assert "~ 1 known" in text
    assert "one conforms, but for 1 known deviations" in text


def test_a_deviation_that_happens_no_longer_is_shown() -> None:
    text = re.sub(r" +\n", "\n", shown(report(result(known="an issue"))))
    assert text.startswith(
        """\
? unexpected pass order.some_requirement (one)
  required  A loader MUST do it.
  source    D1-001
  known as  an issue
  remedy    it is met now: take it off the list of known deviations
"""
    )


def test_a_run_that_was_not_finished_says_so() -> None:
    text = shown(report(result(), complete=False))
    assert "The run was not finished: what is missing was not judged.\n" in text


def test_after_a_few_scripts_a_command_prints_the_others() -> None:
    text = shown(report(*(failed(number, script=f"x = {number}\n") for number in range(3))))
    assert SCRIPTS_SHOWN == 2
    assert "x = 1" in text
    assert "x = 2" not in text
    command = "conformance reproduce requirement_2 --loader one --report 'a report.jsonl'"
    assert command in " ".join(text.split())


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("colour", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, colour: bool) -> None:
    long = failed(message="x" * 200, output=HOSTILE)
    text = shown(report(long, result(loader="a" * 60)), width=width, colour=colour)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert max(map(len, plain.splitlines())) <= width
    assert plain.count("x") >= 200


def test_the_lines_of_a_script_stay_as_long_as_they_are() -> None:
    """So that it can be pasted."""
    script = f"y = 'z'  # {'w' * 150}\n"
    assert script in shown(report(failed(script=script)), width=40)


def test_hostile_text_commands_nothing_and_is_no_markup() -> None:
    hostile = result(
        Outcome.FAILED,
        loader="loader",
        message=HOSTILE,
        asked=HOSTILE,
        came={HOSTILE: HOSTILE},
        output=HOSTILE,
        observations=(HOSTILE,),
        script=HOSTILE,
    )
    text = shown(report(hostile), width=300)
    assert not re.search(r"[^\n\t\x20-\x7e\xa0-\u2027\u2030-\ud7ff\ue000-\ufffd]", text)
    assert "[bold red]no[/bold red]" in text
    assert text.encode("utf-8")


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_has_a_line_of_its_own(outcome: Outcome) -> None:
    happened = {
        Outcome.KNOWN: Outcome.FAILED,
        Outcome.DOCUMENTED: Outcome.FAILED,
        Outcome.UNEXPECTED_PASS: Outcome.PASSED,
    }
    judged = result(
        happened.get(outcome, outcome),
        known="so" if outcome in happened else "",
        documented=outcome is Outcome.DOCUMENTED,
    )
    line = headline(judged).plain
    assert re.fullmatch(rf"\S {outcome} order\.some_requirement \(one\)", line)
