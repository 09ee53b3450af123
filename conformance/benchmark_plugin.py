"""Benchmarks as pytest items: `pytest -p conformance.benchmark_plugin --pyargs specs.benchmarks`.

A thin skin. Each benchmark is measured in pairs, in a process of its own, as in `conformance
bench`, and gives an item for each of its two arms. pytest-benchmark then records the rounds of each
arm as they were measured: its clock replays them. So its tables, its JSON and its comparisons work,
while the verdict is that of the pairs, which it has no notion of; their ratio and interval are in
`extra_info`.
"""

import importlib.util
import io
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from conformance.benchmark.declaration import Case, benchmark_modules, cases
from conformance.benchmark.measure import Measured, Settings
from conformance.benchmark.record import Outcome, RecordWriter, Row
from conformance.benchmark.session import Comparison, bench, comparisons, vanished
from conformance.benchmark.table import show
from conformance.catalogue import SPECIFICATION
from conformance.errors import UsageError

ARMS = ("loader", "baseline")
run_key = pytest.StashKey["BenchmarkRun"]()
loader_key = pytest.StashKey[str]()


class NotGood(Exception):  # noqa: N818 - a verdict
    """A benchmark that failed: slower by the gate, broken, wrong or gone."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `conformance bench` that pytest has none for."""
    group = parser.getgroup("conformance bench")
    group.addoption("--loader", action="append", default=[], help="who is measured (repeatable)")
    group.addoption("--baseline", default="torch", help="what it is compared with")
    group.addoption("--against", metavar="REV", help="compare with itself at the merge base")
    group.addoption("--quick", action="store_true", help="see that all run and deliver")
    group.addoption("--seed", type=int, default=0, help="where all choices start")
    group.addoption("--deadline", type=float, default=300, help="seconds for each benchmark")
    group.addoption("--output", type=Path, default=Path("build/bench.jsonl"), help="the record")


def pytest_configure(config: pytest.Config) -> None:
    """Find who is measured before anything is collected."""
    if config.getoption("numprocesses", None) or hasattr(config, "workerinput"):
        pytest.exit("error: benchmarks are measured one at a time; leave out -n", returncode=2)
    try:
        run = BenchmarkRun(config)
    except UsageError as error:
        # pytest's own code for wrong use is 4; this project's is 2, in every command.
        pytest.exit(f"error: {error}", returncode=2)
    config.stash[run_key] = run
    config.pluginmanager.register(run)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the modules of benchmarks."""
    names = benchmark_modules(SPECIFICATION)
    files = {Path(str(importlib.util.find_spec(name).origin)) for name in names}  # type: ignore[union-attr]
    return Benchmarks.from_parent(parent, path=file_path) if file_path in files else None


class Benchmarks(pytest.File):
    """The benchmarks of a module: for each loader, case and arm an item."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the items, each a function that takes pytest-benchmark's fixture."""
        run = self.config.stash[run_key]
        for comparison in run.comparisons:
            for case in run.cases:
                if case.benchmark.name.partition(".")[0] != self.path.stem:
                    continue
                for arm in ARMS:
                    named = getattr(comparison.header, arm).name
                    name = f"{case.name}[{named}]"
                    replay = Replay(run, comparison, case, arm)
                    item = pytest.Function.from_parent(self, name=name, callobj=replay.item)
                    group = f"{case.name} ({comparison.header.loader.name})"
                    item.add_marker(pytest.mark.benchmark(group=group, timer=replay.timer))
                    item.stash[loader_key] = comparison.header.loader.name
                    yield item


class Replay:
    """One arm of a measurement, as a function under pytest-benchmark and the clock it is timed by.

    The function does nothing: what took time has happened, in another process. The clock reads 0 at
    the beginning of each round, and at its end the seconds that the round took.
    """

    def __init__(self, run: "BenchmarkRun", comparison: Comparison, case: Case, arm: str) -> None:
        self._measure: Callable[[], Measured] = lambda: run.measured(comparison, case)
        self._arm = arm
        self._readings: Iterator[float] = iter(())

    def timer(self) -> float:
        """Return the next reading of the clock."""
        return next(self._readings)

    def item(self, benchmark: Any) -> None:
        """Measure, or take what was measured for the other arm; hand it to pytest-benchmark."""
        measured = self._measure()
        row = measured.row
        if row.outcome is Outcome.UNSUPPORTED:
            pytest.skip(f"unsupported: {row.message}")
        if row.outcome.broken and self._arm == "loader":
            raise NotGood(f"{row.outcome}: {row.message}")
        rounds = measured.loader_seconds if self._arm == "loader" else measured.baseline_seconds
        if not rounds:
            pytest.skip(f"{row.outcome}: {row.message}")
        self._readings = chain.from_iterable((0.0, seconds) for seconds in rounds)
        benchmark.extra_info.update(
            {name: value for name, value in asdict(row).items() if value is not None}
        )
        benchmark.pedantic(lambda: None, rounds=len(rounds))


class BenchmarkRun:
    """Who is measured, and what has been found so far; it writes the record and shows the table."""

    def __init__(self, config: pytest.Config) -> None:
        option = config.getoption
        seed: int = option("seed")
        quick: bool = option("quick")
        known = cases(SPECIFICATION)
        self.cases = [case for case in known.values() if not (quick and case.benchmark.slow)]
        self._left_out = len(known) - len(self.cases)
        self._settings = Settings(seed).quick() if quick else Settings(seed)
        self._deadline: float = option("deadline")
        self._folder = tempfile.TemporaryDirectory()
        words = [option("keyword")] if option("keyword") else []
        self.comparisons = comparisons(
            SPECIFICATION,
            option("loader") or ["reference"],
            option("baseline"),
            option("against"),
            seed,
            Path(self._folder.name),
            words,
        )
        self._writer = RecordWriter(option("output"))
        self._found: dict[str, dict[str, Measured]] = {}
        self._blocks: list[tuple[Comparison, list[Row]]] = []

    def measured(self, comparison: Comparison, case: Case) -> Measured:
        """Measure a case and write its row, if that has not been done yet."""
        found = self._found.setdefault(comparison.header.loader.name, {})
        if case.name not in found:
            self._begin(comparison)
            alone = replace(comparison, vanished=())
            (found[case.name],) = bench(
                SPECIFICATION, alone, [case], self._settings, deadline=self._deadline
            )
            self._add(found[case.name].row)
        return found[case.name]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Have one loader measured after the other: each has a block of its own in the record."""
        names = [comparison.header.loader.name for comparison in self.comparisons]
        items.sort(key=lambda item: names.index(item.stash.get(loader_key, names[0])))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """End the record; benchmarks that vanished have no item, and fail the session here."""
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            for comparison in self.comparisons:
                for row in vanished(comparison):
                    self._begin(comparison)
                    self._add(row)
                    session.exitstatus = pytest.ExitCode.TESTS_FAILED
            if self._blocks:
                self._writer.end()
        self._writer.__exit__(None, None, None)
        self._folder.cleanup()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the tables."""
        text = io.StringIO()
        console = Console(file=text, width=terminalreporter._tw.fullwidth, highlight=False)
        for comparison, rows in self._blocks:
            show(comparison.header, rows, console, left_out=self._left_out)
        terminalreporter.write_line(text.getvalue())

    def _begin(self, comparison: Comparison) -> None:
        if self._blocks and self._blocks[-1][0] is comparison:
            return
        if self._blocks:
            self._writer.end()
        self._blocks.append((comparison, []))
        self._writer.begin(comparison.header)

    def _add(self, row: Row) -> None:
        self._blocks[-1][1].append(row)
        self._writer.add(row)
