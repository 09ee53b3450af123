"""What the command line does with reports."""

import json
import re
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
    assert (same.code, same.out) == (0, f"{GOOD} -> {GOOD}\nnothing changes\n")
    worse = conformance("compare", paths[GOOD], paths[BAD])
    assert worse.code == 1
    assert worse.out.startswith(
        f"{GOOD} -> {BAD}\nno longer kept:\n  choices.a_sampler_is_left_alone: passed -> "
    )
    assert "      Four samples with batch_size=2 MUST make two pairs.\n" in worse.out
    better = conformance("compare", paths[BAD], paths[GOOD])
    assert better.code == 0
    assert "\nkept now:\n  choices.a_sampler_is_left_alone: failed -> passed" in better.out


def test_whose_promise_it_is_is_told_where_several_are_compared(
    conformance: Command, tmp_path: Path
) -> None:
    both = tmp_path / "both.jsonl"
    conformance("run", "--loader", GOOD, "--loader", BAD, *LAWFUL, "--output", both)
    swapped = tmp_path / "swapped.jsonl"
    swapped.write_text(both.read_text().replace(BAD, "~").replace(GOOD, BAD).replace("~", GOOD))
    worse = conformance("compare", both, swapped)
    assert f"  {GOOD}: choices.a_sampler_is_left_alone: passed -> " in worse.out
    assert f"  {BAD}: choices.a_sampler_is_left_alone: failed -> passed" in worse.out


def test_a_report_that_was_cut_off_is_compared_where_asked_for(
    conformance: Command, failed: Path
) -> None:
    cut = failed.with_name("cut.jsonl")
    cut.write_text("".join(failed.read_text().splitlines(keepends=True)[:-1]))
    assert "see what is there with --partial" in conformance("compare", failed, cut).only_line
    told = conformance("compare", failed, cut, "--partial")
    assert "the second run was not finished: what is missing was not judged\n" in told.out


def test_a_loader_is_compared_with_another_of_the_same_report(
    conformance: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = tmp_path / "both.jsonl"
    conformance("run", "--loader", GOOD, "--loader", BAD, *LAWFUL, "--output", both)
    harms = {"samples are lost": ["four_samples_make_two_pairs"]}
    monkeypatch.setattr("tests.miniature_spec.HARMS", harms, raising=False)
    worse = conformance("compare", GOOD, BAD, "--report", both)
    assert worse.code == 1
    assert worse.out.startswith(
        f"{GOOD} -> {BAD}\n"
        f"no longer kept (samples are lost):\n  delivery.{PAIRS}: passed -> failed\n"
        "      Four samples with batch_size=2 MUST make two pairs.\n      it is not so that "
    )
    *_, last = worse.out.splitlines()
    assert re.fullmatch(r"\d+ no longer kept, 0 kept now, \d+ otherwise changed", last)
    assert conformance("compare", BAD, GOOD, "--report", both).code == 0
    assert conformance("compare", GOOD, "me", "--report", both).only_line.startswith(
        "error: the report has no loader 'me'; there are "
    )


def test_several_reports_are_shown_as_one(conformance: Command, tmp_path: Path) -> None:
    paths = [tmp_path / "good.jsonl", tmp_path / "bad.jsonl"]
    for loader, path in zip((GOOD, BAD), paths, strict=True):
        conformance("run", "--loader", loader, "-k", PAIRS, "--output", path)
    shown = conformance("report", *paths)
    assert shown.code == 0
    assert f"\n{GOOD} conforms\n" in shown.out
    assert f"\n{BAD} does not conform\n" in shown.out
    for format_ in ("html", "junit", "markdown"):
        assert conformance("report", *paths, "--format", format_).out.count(BAD) > 0


def test_reports_of_other_versions_are_merged_by_force_only(
    conformance: Command, failed: Path, tmp_path: Path
) -> None:
    old, merged = tmp_path / "old.jsonl", tmp_path / "merged.jsonl"
    conformance("run", "--loader", GOOD, "-k", PAIRS, "--output", old)
    head, *rest = old.read_text("utf-8").splitlines(keepends=True)
    old.write_text(json.dumps({**json.loads(head), "suite": "0.0.1"}) + "\n" + "".join(rest))
    suite = read_report(failed).header["suite"]
    difference = f"suite 0.0.1 in {old}, {suite} in {failed}"
    for command in (["merge", "--output", merged], ["report"]):
        assert conformance(*command, old, failed).only_line == (
            f"error: the reports do not belong together: {difference}; judge again by the same, "
            "or merge them all the same with --force, which marks them"
        )
    assert not merged.exists()
    forced = conformance("merge", old, failed, "--force", "--output", merged)
    marked = f"Merged although they do not belong together: {difference}."
    assert (forced.code, forced.err) == (0, f"{marked}\n")
    assert marked in conformance("report", merged, "--format", "html").out


def test_what_is_not_there_cannot_be_merged(conformance: Command, tmp_path: Path) -> None:
    absent = tmp_path / "absent.jsonl"
    for command in ("merge", "report"):
        assert conformance(command, absent, absent).only_line.startswith(
            f"error: the report {absent} cannot be read: "
        )


def test_what_was_cut_off_is_merged_where_asked_for(
    conformance: Command, failed: Path, tmp_path: Path
) -> None:
    good, merged = tmp_path / "good.jsonl", tmp_path / "merged.jsonl"
    conformance("run", "--loader", GOOD, "-k", PAIRS, "--output", good)
    failed.write_bytes(b"".join(failed.read_bytes().splitlines(keepends=True)[:2]))
    assert "was cut off after 1 results" in conformance("merge", good, failed).only_line
    ended = conformance("merge", good, failed, "--partial", "--output", merged)
    assert (ended.code, ended.err) == (
        0,
        "The run was not finished: what is missing was not judged.\n",
    )
    assert read_report(merged).footer["complete"] is False


def test_the_page_shows_a_kill_matrix(conformance: Command, failed: Path, tmp_path: Path) -> None:
    matrix, page = tmp_path / "kills.csv", tmp_path / "page.html"
    matrix.write_text(f"requirement,mutant,killed,{PAIRS}\n{PAIRS},loses_it,yes,x\n")
    options = ["--kill-matrix", matrix, "--output", page]
    assert conformance("report", failed, "--format", "html", *options).code == 0
    assert "1 of 1 mutants, loaders that are wrong in one way, are caught" in page.read_text(
        "utf-8"
    )
    assert conformance("report", failed, "--kill-matrix", matrix).only_line == (
        "error: the kill matrix is shown by the page only; add --format html"
    )


def test_badges_go_to_a_folder(conformance: Command, failed: Path, tmp_path: Path) -> None:
    several = conformance("report", failed, "--format", "badge")
    assert several.only_line == (
        "error: the report is of 2 loaders and each has a badge; name a folder for them with "
        "--output"
    )
    folder = tmp_path / "badges"
    ended = conformance("report", failed, "--format", "badge", "--output", folder)
    assert (ended.code, ended.out.count(".svg)\n")) == (0, 2)
    assert (folder / "badges.md").read_text("utf-8") == ended.out
    assert (folder / "tests.miniatures-DroppingLast.svg").is_file()


def test_the_badge_of_a_single_loader_is_printed(conformance: Command, tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    conformance("run", "--loader", GOOD, "-k", PAIRS, "--output", path)
    ended = conformance("report", path, "--format", "badge")
    assert ended.code == 0
    assert ET.fromstring(ended.out).tag == "{http://www.w3.org/2000/svg}svg"
