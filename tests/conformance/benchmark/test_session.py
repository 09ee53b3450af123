"""A run of benchmarks in processes of their own: whatever a loader does is a row."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from conformance.benchmark import session
from conformance.benchmark.declaration import Case, cases
from conformance.benchmark.gate import Decision, Finding
from conformance.benchmark.measure import Measured, Settings
from conformance.benchmark.record import Header, Named, Outcome, Row
from conformance.benchmark.session import Comparison, bench
from conformance.catalogue import Catalogue
from tests.conformance.conftest import SPECIFICATION

QUICK = Settings().quick()
ONE, FOUR, FIRST, SLOWLY = cases(SPECIFICATION)
PLAIN = "tests.miniatures:Plain"


def header(*, gate: bool = False) -> Header:
    """Return a header."""
    return Header("0", Named("loader", ""), Named("baseline", "abc"), seed=0, gate=gate)


def rows(
    loader: str, names: Sequence[str], *, baseline: str = PLAIN, deadline: float = 60
) -> list[Row]:
    """Measure, and return the rows."""
    asked = [cases(SPECIFICATION)[name] for name in names]
    comparison = Comparison(loader, baseline, header())
    results = bench(SPECIFICATION, comparison, asked, QUICK, deadline=deadline)
    return [measured.row for measured in results]


def test_a_row_has_all_figures(spec: Catalogue) -> None:
    row, *none = rows(PLAIN, [ONE])
    assert not none
    assert (row.benchmark, row.outcome, row.clock, row.pairs) == (ONE, Outcome.MEASURED, "cpu", 3)
    assert row.low is not None
    assert row.high is not None
    assert row.ratio is not None
    assert 0 < row.low <= row.ratio <= row.high
    assert row.loader_us is not None
    assert row.baseline_us is not None
    assert min(row.loader_us, row.baseline_us) > 0
    assert row.limit_us is not None
    assert (row.cpu_ratio, row.message, row.counts) == (None, "", {})


def test_with_several_processes_cpu_time_stands_beside_wall_time(spec: Catalogue) -> None:
    (row,) = rows(PLAIN, [FIRST])
    assert (row.outcome, row.clock, row.limit_us) == (Outcome.MEASURED, "wall", None)
    assert row.cpu_ratio is not None
    assert row.cpu_ratio > 0


def test_what_is_held_is_in_bytes(spec: Catalogue) -> None:
    grown = cases(SPECIFICATION, scale=True)
    comparison = Comparison(PLAIN, PLAIN, header())
    found = bench(SPECIFICATION, comparison, list(grown.values()), QUICK, deadline=60)
    small, large, nothing = (measured.row for measured in found)
    assert (small.outcome, small.clock, small.loader_us) == (Outcome.MEASURED, "held", None)
    for row, megabytes in ((small, 40), (large, 80)):
        assert row.loader_bytes == pytest.approx(megabytes * 1e6, rel=0.1)
        assert row.baseline_bytes == pytest.approx(megabytes * 1e6, rel=0.1)
    assert large.message == "what is held rises by 80 MB, the baseline's by 80 MB"
    assert nothing.outcome is Outcome.ERROR
    assert nothing.message == "ValueError: what is measured by the clock 'memory' did not rise"


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        (
            "tests.miniatures:DroppingLast",
            "loader tests.miniatures:DroppingLast: an epoch did not deliver what it must; "
            "its time does not count",
        ),
        (
            "tests.conformance.benchmark.loaders:OnlyOnceWhole",
            "a timed pass did not deliver what it must; its time does not count",
        ),
        (
            "tests.conformance.benchmark.loaders:OnlyTheLastRight",
            "loader tests.conformance.benchmark.loaders:OnlyTheLastRight: an epoch did not deliver "
            "what it must; its time does not count",
        ),
        (
            "tests.miniatures:Empty",
            "loader tests.miniatures:Empty: an epoch did not deliver what it must; "
            "its time does not count",
        ),
        (
            "tests.conformance.benchmark.loaders:Raising",
            "loader tests.conformance.benchmark.loaders:Raising: OSError: too many open files",
        ),
    ],
)
def test_who_delivers_wrongly_or_raises_is_an_error(
    spec: Catalogue, loader: str, message: str
) -> None:
    (row,) = rows(loader, [FOUR])
    assert (row.outcome, row.ratio, row.message) == (Outcome.ERROR, None, message)


def test_a_baseline_is_held_to_the_same(spec: Catalogue) -> None:
    (row,) = rows(PLAIN, [FOUR], baseline="tests.miniatures:DroppingLast")
    assert row.outcome is Outcome.ERROR
    assert row.message.startswith("baseline tests.miniatures:DroppingLast: an epoch did not")


def test_who_hangs_is_stopped_and_the_rest_is_measured(spec: Catalogue) -> None:
    hung, measured = rows(
        "tests.conformance.benchmark.loaders:HangingUnlessOne", [FOUR, ONE], deadline=10
    )
    assert (hung.benchmark, hung.outcome) == (FOUR, Outcome.ERROR)
    assert hung.message == "not over after 10 s"
    assert (measured.benchmark, measured.outcome) == (ONE, Outcome.MEASURED)


def test_who_ends_the_process_is_an_error_and_the_rest_is_measured(spec: Catalogue) -> None:
    exited, again = rows("tests.miniatures:ExitingWithThree", [FOUR, ONE])
    assert (exited.outcome, again.outcome) == (Outcome.ERROR, Outcome.ERROR)
    assert exited.message == "the process ended with exit code 3"


def test_what_is_not_claimed_is_not_measured(spec: Catalogue) -> None:
    (row,) = rows("tests.miniatures:Lengthless", [FIRST])
    assert row.outcome is Outcome.UNSUPPORTED
    assert row.message == "loader tests.miniatures:Lengthless: needs drop_last"


def scripted(
    monkeypatch: pytest.MonkeyPatch, findings: Sequence[Finding | Outcome]
) -> list[dict[str, object]]:
    """Have measurements find these, one after the other; return how each was asked for."""
    asked: list[dict[str, object]] = []

    def once(
        specification: str,
        comparison: Comparison,
        case: Case,
        settings: Settings,
        deadline: float,
        *,
        fresh: bool = False,
    ) -> Measured:
        finding = findings[len(asked)]
        asked.append({"fresh": fresh, "swapped": settings.swapped, "seed": settings.seed})
        row = Row(case.name, "?", "cpu", Outcome(finding), message="")
        if row.outcome is Outcome.ERROR:
            return Measured(replace(row, message="it broke"))
        slowdown = 1.2 if finding == "fail" else 1.0
        found: Finding = finding  # type: ignore[assignment]
        return Measured(row, decision=Decision(found, (slowdown,) * 40, slowdown, 1.1, 1.3))

    monkeypatch.setattr(session, "_once", once)
    return asked


@pytest.mark.parametrize(
    ("findings", "outcome", "message"),
    [
        (["pass"], "pass", ""),
        (["inconclusive"], "inconclusive", ""),
        (
            ["fail", "fail"],
            "fail",
            "1.20 times as slow in 40 pairs, at least 1.10; confirmed by another process: 1.20",
        ),
        (
            ["fail", "pass"],
            "inconclusive",
            "1.20 times as slow in 40 pairs, at least 1.10; not confirmed by another process: 1.00",
        ),
        (
            ["fail", Outcome.ERROR],
            "error",
            "1.20 times as slow in 40 pairs, at least 1.10; to confirm it failed: it broke",
        ),
    ],
)
def test_a_failure_is_confirmed_in_a_fresh_process(
    monkeypatch: pytest.MonkeyPatch, findings: list[Finding], outcome: str, message: str
) -> None:
    asked = scripted(monkeypatch, findings)
    comparison = Comparison(PLAIN, PLAIN, header(gate=True))
    case = cases(SPECIFICATION)[ONE]
    (measured,) = bench(SPECIFICATION, comparison, [case], Settings(), deadline=1)
    assert (measured.row.outcome, measured.row.message) == (outcome, message)
    first = {"fresh": False, "swapped": False, "seed": 0}
    second = {"fresh": True, "swapped": True, "seed": 1}
    assert asked == [first, second][: len(findings)]


@pytest.mark.parametrize(
    ("again", "outcome", "message"),
    [(12, "fail", "lists.one: 12 calls a batch, 11 before"), (11, "pass", "")],
)
def test_what_is_done_more_than_before_fails_if_it_is_in_another_process(
    monkeypatch: pytest.MonkeyPatch, again: int, outcome: str, message: str
) -> None:
    calls = iter([12, again])

    def once(*_: object, **__: object) -> Measured:
        row = Row("lists.one", "?", "cpu", Outcome.PASS, counts={"calls_per_batch": next(calls)})
        return Measured(row, baseline_counts={"calls_per_batch": 11})

    monkeypatch.setattr(session, "_once", once)
    comparison = Comparison(PLAIN, PLAIN, header(gate=True))
    case = cases(SPECIFICATION)[ONE]
    (measured,) = bench(SPECIFICATION, comparison, [case], Settings(), deadline=1)
    assert (measured.row.outcome, measured.row.message) == (outcome, message)


def test_what_a_loader_does_is_counted_beside_its_time(spec: Catalogue) -> None:
    comparison = Comparison(PLAIN, PLAIN, header())
    case = cases(SPECIFICATION)[ONE]
    (measured,) = bench(SPECIFICATION, comparison, [case], Settings(pairs=3), deadline=60)
    assert measured.row.counts["calls_per_batch"] > 0
    assert (measured.row.counts, measured.does_more) == (measured.baseline_counts, [])


def test_a_quick_look_counts_nothing(spec: Catalogue) -> None:
    comparison = Comparison(PLAIN, PLAIN, header())
    case = cases(SPECIFICATION)[ONE]
    (measured,) = bench(SPECIFICATION, comparison, [case], Settings().quick(), deadline=60)
    assert (measured.row.pairs, measured.row.counts) == (3, {})


def test_a_benchmark_that_vanished_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, ["pass"])
    comparison = Comparison(PLAIN, PLAIN, header(gate=True), vanished=("lists.gone",))
    case = cases(SPECIFICATION)[ONE]
    measured = list(bench(SPECIFICATION, comparison, [case], Settings(), deadline=1))
    assert [each.row.outcome for each in measured] == [Outcome.PASS, Outcome.VANISHED]
    assert measured[1].row.benchmark == "lists.gone"
    assert measured[1].row.message == "abc has it, and it is here no more"
    assert measured[1].row.outcome.broken
