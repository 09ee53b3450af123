"""The table, in a terminal of sixty columns too."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from conformance.benchmark.power import Trial, good_enough, rates
from conformance.benchmark.record import Outcome, Row
from conformance.benchmark.table import figure, power_table, show
from tests.conformance.benchmark.test_record import HEADER

NAME = "overhead.python_integers[batch_size=32]"
ROWS = [
    Row(NAME, "What?", "cpu", Outcome.INCONCLUSIVE, 17.25, 9.87, 23.45, 160, 12345.6, 98765.4, 4.5),
    Row("transport.one", "What?", "wall", Outcome.ERROR, message="loader a:B: OSError: [bold]no"),
    Row("transport.two", "What?", "wall", Outcome.UNSUPPORTED, message="needs num_workers"),
    Row("gone", "", "cpu", Outcome.VANISHED, message="abc has it, and it is here no more"),
]


def shown(rows: list[Row], *, width: int, gate: bool = True, left_out: int = 0) -> str:
    """Return what is printed."""
    text = io.StringIO()
    console = Console(file=text, width=width, highlight=False)
    show(replace(HEADER, gate=gate), rows, console, left_out=left_out)
    return text.getvalue()


@pytest.mark.parametrize("width", [60, 100])
def test_nothing_is_lost_in_a_narrow_terminal(width: int) -> None:
    text = shown(ROWS, width=width, left_out=3)
    assert max(map(len, text.splitlines())) <= width
    for cell in ("17.2", "9.87-23.4", "12,346", "98,765", "4.50", "inconclusive", "error"):
        assert cell in text
    assert NAME in "".join(line.split(" ")[0] for line in text.splitlines())
    assert "…" not in text


def test_what_there_is_to_say_stands_below() -> None:
    text = shown(ROWS, width=100, left_out=3)
    assert text.startswith("mine 1 measured against torch 2\n")
    assert "error transport.one: loader a:B: OSError: [bold]no\n" in text
    assert "unsupported transport.two: needs num_workers\n" in text
    assert "vanished gone: abc has it, and it is here no more\n" in text
    assert text.endswith(
        "3 slow benchmarks were left out.\n1 inconclusive, 1 error, 1 unsupported, 1 vanished\n"
    )


def test_without_the_gate_there_is_no_verdict_on_what_was_measured() -> None:
    text = shown([replace(ROWS[0], outcome=Outcome.MEASURED)], width=100, gate=False)
    assert "inconclusive" not in text
    assert text.endswith("1 measured\n")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.123, "0.12"), (9.876, "9.88"), (45.67, "45.7"), (1234.5, "1,234")],
)
def test_figures_have_as_many_places_as_they_are_worth(value: float | None, text: str) -> None:
    assert figure(value) == text


def trials(injected: float, findings: str) -> list[Trial]:
    """Return a run for each letter: f fail, F flagged only, p pass, i inconclusive."""
    words = {"f": "fail", "F": "inconclusive", "p": "pass", "i": "inconclusive"}
    return [
        Trial("a", run, injected, letter in "fF", words[letter], 1 + injected, 40, 0.2, 1, after)
        for run, letter in enumerate(findings)
        for after in [1 + injected]
    ]


def test_rates_have_bounds_and_the_bar_is_on_alarms_and_tenths() -> None:
    found = rates(
        [
            *trials(0.0, "p" * 19 + "F"),
            *trials(0.05, "pi" * 10),
            *trials(0.1, "f" * 19 + "i"),
            *trials(0.2, "f" * 20),
        ]
    )
    assert [(rate.failed, rate.flagged, rate.inconclusive) for rate in found] == [
        (0.0, 0.05, 0.05), (0.0, 0.0, 0.5), (0.95, 0.95, 0.05), (1.0, 1.0, 0.0)
    ]  # fmt: skip
    stored = [(rate.stored_5, rate.stored_10) for rate in found]
    assert stored == [(0.0, 0.0), (0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]
    assert found[0].failed_high == pytest.approx(0.168, abs=0.001)  # 1 - 0.025 ** (1 / 20)
    assert good_enough(found)
    assert not good_enough([replace(found[0], failed=0.05), *found[1:]])
    assert not good_enough([*found[:2], replace(found[2], failed=0.9), found[3]])
    text = io.StringIO()
    Console(file=text, width=72).print(power_table(found))
    assert "0% (0%-17%)" in text.getvalue()
    assert "95% (75%-100%)" in text.getvalue()
