"""Requirements as pytest items: `pytest -p conformance.pytest_plugin --pyargs specs --loader NAME`.

A thin skin. Each item is judged in isolation as in `conformance run`; pytest selects, spreads the
items over processes (`-n`, by pytest-xdist) and reports them in its own formats. With
`--conformance-report FILE` the same results are written as a run's report.
"""

import importlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from conformance.catalogue import SPECIFICATION, catalogue, chapter_modules
from conformance.errors import UsageError
from conformance.judge import Settings
from conformance.outcome import Outcome, Result
from conformance.report.jsonl import ReportWriter, as_result
from conformance.requirement import Requirement
from conformance.run import LoaderInfo, describe, header, run, warm_up

PROPERTY = "conformance result"
loaders_key = pytest.StashKey[list[LoaderInfo]]()


class NotMet(Exception):  # noqa: N818 - a verdict
    """A requirement that a loader does not meet."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a run that make sense here."""
    group = parser.getgroup("conformance")
    group.addoption("--loader", action="append", default=[], help="a loader to judge (repeatable)")
    group.addoption("--conformance-report", type=Path, help="write the results to this file")
    group.addoption("--conformance-seed", type=int, default=0, help="where all choices start")
    group.addoption("--conformance-deadline", type=float, default=30, help="seconds a requirement")


def pytest_configure(config: pytest.Config) -> None:
    """Find the loaders before anything is collected."""
    names = config.getoption("loader")
    config.stash[loaders_key] = []
    if not names:
        return
    try:
        warm_up(SPECIFICATION, names)
        config.stash[loaders_key] = describe(names)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error
    path = config.getoption("conformance_report")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(path, config))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the chapters of the specification."""
    package = Path(str(importlib.import_module(SPECIFICATION).__file__)).parent
    chapters = [name.rpartition(".")[2] for name in chapter_modules()]
    if file_path.parent == package and file_path.stem in chapters and file_path.suffix == ".py":
        return Chapter.from_parent(parent, path=file_path)
    return None


class Chapter(pytest.File):
    """The requirements of one chapter, for each loader."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for every pair of a loader and a requirement."""
        for loader in self.config.stash[loaders_key]:
            for requirement in catalogue().requirements.values():
                if requirement.chapter == self.path.stem:
                    name = f"{requirement.name}[{loader.name}]"
                    yield Item.from_parent(self, name=name, loader=loader, requirement=requirement)


class Item(pytest.Item):
    """One requirement on one loader."""

    def __init__(self, *, loader: LoaderInfo, requirement: Requirement, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loader = loader
        self.requirement = requirement

    def runtest(self) -> None:
        """Judge, and tell pytest the outcome in its words."""
        settings = _settings(self.config)
        (result,) = run(catalogue(), [self.loader], [self.requirement], settings)
        self.user_properties.append((PROPERTY, json.dumps(asdict(result))))
        message = result.verdict.message
        match result.outcome:
            case Outcome.PASSED:
                return
            case Outcome.UNSUPPORTED:
                pytest.skip(f"unsupported: {message}")
            case Outcome.KNOWN | Outcome.DOCUMENTED:
                pytest.xfail(result.known)
            case Outcome.UNEXPECTED_PASS:
                raise NotMet(f"it is met now: it is no deviation any more ({result.known})")
            case _:
                raise NotMet(_text(result))

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Show what is broken, and nothing of how it was found."""
        return (
            str(excinfo.value)
            if excinfo.errisinstance(NotMet)
            else super().repr_failure(excinfo, style)
        )

    def reportinfo(self) -> tuple[Path, int, str]:
        """Point at the requirement."""
        return self.path, self.requirement.check.__code__.co_firstlineno - 1, self.name


class Recorder:
    """Writes the results into a report as they come, from whichever process."""

    def __init__(self, path: Path, config: pytest.Config) -> None:
        self.path = path
        self.loaders = config.stash[loaders_key]
        self.settings = _settings(config)
        self.writer: ReportWriter | None = None

    def pytest_sessionstart(self) -> None:
        """Begin the report."""
        order = [
            (loader.name, name) for loader in self.loaders for name in catalogue().requirements
        ]
        about = header(catalogue(), self.loaders, self.settings)
        try:
            self.writer = ReportWriter(self.path, about, order).__enter__()
        except UsageError as error:
            raise pytest.UsageError(str(error)) from error

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the result that a report carries."""
        for name, value in report.user_properties:
            if name == PROPERTY and report.when == "call" and self.writer:
                self.writer.add(as_result(json.loads(str(value))))

    def pytest_sessionfinish(self) -> None:
        """End the report."""
        if self.writer:
            self.writer.__exit__(None, None, None)


def _settings(config: pytest.Config) -> Settings:
    return Settings(
        seed=config.getoption("conformance_seed"),
        deadline=config.getoption("conformance_deadline"),
    )


def _text(result: Result) -> str:
    verdict = result.verdict
    came = "".join(f"\n    {name} = {value}" for name, value in verdict.came.items())
    return (
        f"{result.sentence} ({', '.join(result.source)})\n"
        f"asked: {verdict.asked}\n"
        f"{result.outcome}: {verdict.message}{came}\n"
        f"{verdict.output}\n{verdict.script}"
    )
