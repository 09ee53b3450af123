"""The report as JUnit XML."""

from xml.etree import ElementTree as ET

import pytest

from conformance.outcome import Outcome, Result
from conformance.report.junit import render
from tests.conformance.examples import report, result
from tests.miniatures import CONTROL, MARKUP

HOSTILE = MARKUP + CONTROL


def suites(*results: Result) -> list[ET.Element]:
    text = render(report(*results))
    return list(ET.fromstring(text.encode("utf-8")))


def test_a_loader_is_a_suite_and_a_requirement_a_case() -> None:
    one, two = suites(
        result(seconds=0.25),
        result(Outcome.FAILED, "b", message="it is lost", script="x = 1\n", seconds=1.0),
        result(Outcome.CRASH, "c"),
        result(Outcome.TIMEOUT, "d"),
        result(Outcome.ERROR, "e"),
        result(Outcome.UNSUPPORTED, "f", message="needs shuffle"),
        result(Outcome.FAILED, "g", known="since 2.0"),
        result(Outcome.PASSED, "h", known="since 2.0"),
        result(loader="two"),
    )
    assert one.attrib == {
        "name": "one",
        "tests": "8",
        "failures": "2",
        "errors": "3",
        "skipped": "2",
        "time": "1.250",
    }
    assert (two.get("name"), two.get("tests")) == ("two", "1")
    passed, failed, *_ = one
    assert passed.attrib == {
        "classname": "one.order",
        "name": "some_requirement",
        "time": "0.250",
    }
    assert list(passed) == []
    assert [child.tag for case in one for child in case] == [
        "failure",
        "error",
        "error",
        "error",
        "skipped",
        "skipped",
        "failure",
    ]
    assert failed[0].get("message") == "failed: it is lost"
    assert failed[0].text == "A loader MUST do it.\n\nx = 1\n"


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (result(Outcome.FAILED, known="since 2.0"), "known: since 2.0"),
        (
            result(Outcome.FAILED, known="as its page says", documented=True),
            "documented otherwise: as its page says",
        ),
        (result(Outcome.PASSED, known="since 2.0"), "unexpected pass: since 2.0"),
        (result(Outcome.CRASH), "crash: crash"),
    ],
)
def test_what_is_known_is_told(case: Result, message: str) -> None:
    assert suites(case)[0][0][0].get("message") == message


def test_hostile_text_stays_text() -> None:
    case = result(Outcome.FAILED, loader=HOSTILE, message=HOSTILE, output=HOSTILE, script=HOSTILE)
    (suite,) = suites(case)
    shown = MARKUP + "�[31mred�[0m � � \x7f \x85 \u2028 � \r end"
    assert suite.get("name") == shown
    ((failure,),) = suite
    assert failure.get("message") == f"failed: {shown}"
    assert list(failure) == []
    # XML itself reads a carriage return in a text as a line's end.
    assert (failure.text or "").count(shown.replace("\r", "\n")) == 2
