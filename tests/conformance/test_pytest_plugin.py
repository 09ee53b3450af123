"""Requirements as pytest items, in a pytest of their own."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from conformance.outcome import Result
from conformance.report.jsonl import read_report

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "tests" / "miniature_spec"
# Has the plugin judge by the miniature specification.
PLUGIN = """
from conformance import catalogue as module, pytest_plugin
pytest_plugin.SPECIFICATION = "tests.miniature_spec"
pytest_plugin.catalogue = lambda: module.catalogue("tests.miniature_spec")
pytest_plugin.chapter_modules = lambda: module.chapter_modules("tests.miniature_spec")
"""
GOOD, BAD, FEW = (f"tests.miniatures:{name}" for name in ("Plain", "DroppingLast", "Lengthless"))
PAIRS = "four_samples_make_two_pairs"


@dataclass(frozen=True)
class Session:
    """How a session of pytest ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Session]


@pytest.fixture(scope="module")
def run_pytest(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a function that runs pytest with the plugin."""
    folder = tmp_path_factory.mktemp("session")
    (folder / "miniature_plugin.py").write_text(PLUGIN)
    (folder / "pytest.ini").write_text("[pytest]\n")

    def run(*arguments: object) -> Session:
        plugins = ["-p", "miniature_plugin", "-p", "conformance.pytest_plugin"]
        plugins += ["-p", "no:cacheprovider", "-c", str(folder / "pytest.ini")]
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", *plugins, "-rA", str(SPEC), *map(str, arguments)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Session(ended.returncode, ended.stdout, ended.stderr)

    return run


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where a report is written."""
    return tmp_path_factory.mktemp("report") / "report.jsonl"


@pytest.fixture(scope="module")
def session(run_pytest: Run, report: Path) -> Session:
    """Return a session of two processes on three loaders, with everything written."""
    loaders = [f"--loader={loader}" for loader in (GOOD, BAD, FEW)]
    files = [f"--conformance-report={report}", f"--junit-xml={report.with_suffix('.xml')}"]
    return run_pytest(*loaders, "-n2", *files, "--conformance-seed=3")


def test_each_requirement_is_an_item_for_each_loader(session: Session) -> None:
    assert session.code == 1
    lines = session.out.splitlines()
    assert f"PASSED delivery.py::{PAIRS}[{GOOD}]" in session.out
    assert sum(line.startswith("PASSED ") for line in lines) == 5 + 2 + 2
    assert sum(line.startswith("FAILED ") for line in lines) == 1 + 4 + 1
    assert "6 failed, 9 passed, 3 skipped" in lines[-1]


def test_a_failure_shows_what_is_broken_and_how_to_reproduce_it(session: Session) -> None:
    for text in (
        "Four samples with batch_size=2 MUST make two pairs. (D1-001, D1-002)\n"
        "asked: Loader(Identity(size=4), batch_size=2)\n"
        "failed: it is not so that batches == [[0, 1], [2, 3]]\n"
        "    batches = [[0, 1], [2]]\n",
        "from tests.miniatures import DroppingLast\n",
        "error: the check could not go on: KeyError: 'epochs'\n",
    ):
        assert text in session.out
    assert "pytest_plugin.py" not in session.out.partition("short test summary")[0]


def test_what_is_not_claimed_is_skipped(session: Session) -> None:
    assert "unsupported: needs drop_last" in session.out
    assert "unsupported: has no length" in session.out


def test_the_report_is_that_of_a_run(session: Session, report: Path) -> None:
    read = read_report(report)
    assert read.loaders == [GOOD, BAD, FEW]
    assert read.header["seed"] == 3
    assert read.footer == {"kind": "footer", "complete": True, "results": 18}
    assert [result.requirement for result in read.of(GOOD)] == [
        "the_check_is_broken",
        "drop_last_drops_the_short_batch",
        "a_sampler_is_left_alone",
        "an_epoch_is_the_dataset",
        PAIRS,
        "the_length_is_the_number_of_batches",
    ]
    outcomes = {result.loader: result.outcome for result in read.results if _is(result, PAIRS)}
    assert outcomes == {GOOD: "passed", BAD: "failed", FEW: "passed"}


def _is(result: Result, name: str) -> bool:
    return result.requirement == name


def test_pytest_s_own_formats_work(session: Session, report: Path) -> None:
    (suite,) = ET.parse(report.with_suffix(".xml")).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("18", "6", "3")


def test_what_is_known_is_expected_and_what_is_over_is_not(run_pytest: Run) -> None:
    ended = run_pytest("--loader=tests.miniatures:declared", "-k", f"{PAIRS} or length")
    assert ended.code == 1
    (expected,) = (line for line in ended.out.splitlines() if line.startswith("XFAIL"))
    assert expected.endswith(f"{PAIRS}[tests.miniatures:declared] - it loses one")
    assert "it is met now: it is no deviation any more (it was so)\n" in ended.out
    assert "1 failed, 4 deselected, 1 xfailed" in ended.out.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["--loader=torhc"],
            "ERROR: no loader is called 'torhc'; did you mean torch, torchdata? (your own goes by "
            "module:callable, as in --loader my_package.loading:MyLoader)\n",
        ),
        (
            [f"--loader={GOOD}", "--conformance-report=/dev/null/report.jsonl"],
            "ERROR: the report /dev/null/report.jsonl cannot be written: File exists; "
            "name another file\n",
        ),
    ],
)
def test_wrong_use_is_a_line(run_pytest: Run, arguments: list[str], text: str) -> None:
    ended = run_pytest(*arguments)
    assert ended.code == pytest.ExitCode.USAGE_ERROR
    assert ended.err == f"{text}\n"
    assert "Traceback" not in ended.out + ended.err


def test_without_a_loader_nothing_is_judged(run_pytest: Run) -> None:
    assert run_pytest().code == pytest.ExitCode.NO_TESTS_COLLECTED
