"""A badge is an SVG that says in words what it says in a colour."""

import re
from xml.etree import ElementTree as ET

import pytest

from conformance.outcome import Outcome, Result
from conformance.report.badge import BREAKS, CONFORMS, OPEN, Badge, render
from tests.conformance.examples import report, result
from tests.miniatures import CONTROL, MARKUP

FAILED, UNSUPPORTED = Outcome.FAILED, Outcome.UNSUPPORTED


def texts(badge: Badge) -> list[str]:
    root = ET.fromstring(badge.svg)
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize(
    ("results", "value", "colour", "verdict"),
    [
        ([result(), result(requirement="b")], "2/2 MUST", CONFORMS, "conforms"),
        ([result(), result(FAILED, "b")], "1/2 MUST", BREAKS, "does not conform"),
        ([result(), result(UNSUPPORTED, "b")], "1/1 MUST", CONFORMS, "conforms"),
        (
            [result(), result(FAILED, "b", known="so")],
            "1/2 MUST",
            CONFORMS,
            "conforms, but for 1 known deviations",
        ),
        ([result(UNSUPPORTED)], "0/0 MUST", OPEN, "was not judged: nothing applies to it"),
    ],
)
def test_a_badge_says_how_many_of_how_many(
    results: list[Result], value: str, colour: str, verdict: str
) -> None:
    (badge,) = render(report(*results))
    assert texts(badge) == ["conformance", value]
    assert f'fill="{colour}"' in badge.svg
    assert f"<title>one 1.0: conformance {value}, {verdict}</title>" in badge.svg
    assert badge.file == "one.svg"
    assert badge.markdown == f"![one 1.0: conformance {value}, {verdict}](one.svg)"


def test_a_should_counts_if_strict() -> None:
    results = report(result(), result(FAILED, "b", level="SHOULD"))
    colours = [render(results, strict=strict)[0].svg for strict in (False, True)]
    assert [CONFORMS in svg for svg in colours] == [True, False]


def test_what_is_not_finished_is_no_result_yet() -> None:
    (badge,) = render(report(result(), complete=False))
    assert texts(badge)[1] == "1/1 MUST so far"
    assert OPEN in badge.svg
    assert CONFORMS not in badge.svg


def test_files_have_plain_names_of_their_own() -> None:
    names = ["a:B", "a/B", "A-b", "../../up", "...", MARKUP + CONTROL]
    badges = render(report(*(result(loader=name) for name in names)))
    files = [badge.file for badge in badges]
    assert files[:5] == ["a-B.svg", "a-B-2.svg", "A-b-3.svg", "up.svg", "loader.svg"]
    assert all(re.fullmatch(r"[\w-][\w.-]*\.svg", file) for file in files)


def test_a_hostile_name_is_text() -> None:
    (hostile,) = render(report(result(loader=MARKUP + CONTROL)))
    (plain,) = render(report(result()))
    tags = [[e.tag for e in ET.fromstring(badge.svg).iter()] for badge in (hostile, plain)]
    assert tags[0] == tags[1]
    assert hostile.svg.encode("utf-8")
    assert "\n" not in hostile.markdown
