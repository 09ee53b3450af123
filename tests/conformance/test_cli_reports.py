"""What the command line does with reports."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from conformance.report.jsonl import read_report
from tests.conformance.conftest import Command

GOOD, BAD = "tests.miniatures:Plain", "tests.miniatures:DroppingLast"
PAIRS = "four_samples_make_two_pairs"
LENGTH = "the_length_is_the_number_of_batches"
LAWFUL = ["--chapter", "delivery", "--chapter", "choices"]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Return where a report is to be written."""
    return tmp_path / "report.jsonl"


@pytest.fixture
def failed(conformance: Command, report: Path) -> Path:
    """Return the report of a run of two loaders that fail."""
    loaders = ["--loader", BAD, "--loader", "tests.miniatures:make_dropping"]
    assert conformance("run", *loaders, "-k", PAIRS, "--output", report).code == 1
    return report


def test_a_report_is_shown_as_the_run_showed_it(conformance: Command, report: Path) -> None:
    run = conformance("run", "--loader", BAD, "-k", PAIRS, "--output", report)
    shown = conformance("report", report)
    assert (shown.code, shown.out) == (0, run.out)


def test_a_report_has_other_formats(conformance: Command, failed: Path, tmp_path: Path) -> None:
    written = tmp_path / "a" / "written"
    for format_ in ("junit", "markdown"):
        printed = conformance("report", failed, "--format", format_)
        assert conformance("report", failed, "--format", format_, "--output", written).out == ""
        assert written.read_text("utf-8") == printed.out
        if format_ == "junit":
            assert len(ET.fromstring(printed.out.encode())) == 2
        else:
            assert printed.out.startswith("# Conformance\n")
    assert conformance("report", failed, "--output", written).out == ""
    assert "passed of asked" in written.read_text("utf-8")


def test_a_report_that_cannot_be_written_is_wrong_use(conformance: Command, failed: Path) -> None:
    for format_ in ("terminal", "junit"):
        arguments = ["--format", format_, "--output", "/dev/null/written"]
        assert conformance("report", failed, *arguments).only_line == (
            "error: /dev/null/written cannot be written: File exists; name another with --output"
        )


def test_a_report_that_was_cut_off_can_be_shown_in_part(conformance: Command, failed: Path) -> None:
    lines = failed.read_bytes().splitlines(keepends=True)
    failed.write_bytes(b"".join(lines[:2]))
    assert conformance("report", failed).only_line == (
        f"error: the report {failed} was cut off after 1 results: it has no footer; "
        "run again, or see what is there with --partial"
    )
    shown = conformance("report", failed, "--partial")
    assert shown.code == 0
    assert "The run was not finished: what is missing was not judged." in shown.out


def test_a_failure_is_reproduced(conformance: Command, failed: Path) -> None:
    ended = conformance("reproduce", PAIRS, "--loader", BAD, "--report", failed)
    assert ended.code == 0
    assert ended.out.startswith("# Four samples with batch_size=2 MUST make two pairs.")
    compile(ended.out, "script", "exec")
    found = {result.loader: result.verdict.script for result in read_report(failed).results}
    assert found[BAD] == ended.out


@pytest.mark.parametrize(
    ("arguments", "held"),
    [
        ([PAIRS], f"of {BAD}, tests.miniatures:make_dropping; choose by --loader"),
        ([LENGTH], "none; it did not fail there"),
        ([PAIRS, "--loader", "torch"], "none; it did not fail there"),
    ],
)
def test_there_has_to_be_one_script(
    conformance: Command, failed: Path, arguments: list[str], held: str
) -> None:
    ended = conformance("reproduce", *arguments, "--report", failed)
    assert ended.only_line == (
        f"error: of the scripts for {arguments[0]} the report {failed} has {held}"
    )


def test_reports_are_compared(conformance: Command, tmp_path: Path) -> None:
    paths = {}
    for loader in (GOOD, BAD):
        paths[loader] = tmp_path / f"{loader}.jsonl"
        conformance("run", "--loader", loader, *LAWFUL, "--output", paths[loader])
    same = conformance("compare", paths[GOOD], paths[GOOD])
    assert (same.code, same.out) == (0, "nothing changes\n")
    worse = conformance("compare", paths[GOOD], paths[BAD])
    assert worse.code == 1
    assert worse.out.startswith("no longer kept:\n  choices.a_sampler_is_left_alone: passed -> ")
    assert "      Four samples with batch_size=2 MUST make two pairs.\n" in worse.out
    better = conformance("compare", paths[BAD], paths[GOOD])
    assert better.code == 0
    assert better.out.startswith("kept now:\n  choices.a_sampler_is_left_alone: failed -> passed")
