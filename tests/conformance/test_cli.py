"""The command line: what each command prints, and with which code it ends."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from conformance.report.jsonl import read_report
from tests.conformance.conftest import Command, Ended

GOOD, BAD, FEW = (f"tests.miniatures:{name}" for name in ("Plain", "DroppingLast", "Lengthless"))
PAIRS = "four_samples_make_two_pairs"
LENGTH = "the_length_is_the_number_of_batches"
LAWFUL = ["--chapter", "delivery", "--chapter", "choices"]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Return where a report is to be written."""
    return tmp_path / "report.jsonl"


def only_line(ended: Ended) -> str:
    """Return the only line of a command that was used wrongly."""
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.count("\n") == 1, ended.err
    return ended.err.removesuffix("\n")


def test_who_conforms_ends_with_0(conformance: Command, report: Path) -> None:
    ended = conformance("run", "--loader", GOOD, *LAWFUL, "--output", report)
    assert ended.code == 0
    assert f"\n{GOOD} conforms\n" in ended.out
    assert ended.out.endswith(
        "1 claims of the documents are pending: not held yet.\n5 passed, 0 failed, 0 skipped\n"
    )
    assert ended.err == "5 of 5 judged\n"
    assert read_report(report).footer["complete"] is True


def test_who_does_not_ends_with_1(conformance: Command, report: Path) -> None:
    ended = conformance("run", "--loader", BAD, "-k", PAIRS, "--output", report)
    assert ended.code == 1
    assert f"\n{BAD} does not conform\n" in ended.out
    assert ended.out.endswith("\n0 passed, 1 failed, 0 skipped\n")
    assert ended.err == f"✗ failed delivery.{PAIRS} ({BAD})\n1 of 1 judged\n"


def test_all_loaders_have_to_conform(conformance: Command, report: Path) -> None:
    ended = conformance("run", "--loader", GOOD, "--loader", BAD, "-k", PAIRS, "--output", report)
    assert ended.code == 1
    assert f"\n{GOOD} conforms\n{'  MUST 1 of 1'}" in ended.out
    assert read_report(report).loaders == [GOOD, BAD]


def test_a_check_that_breaks_is_no_success(conformance: Command, report: Path) -> None:
    ended = conformance("run", "--loader", GOOD, "--chapter", "broken", "--output", report)
    assert ended.code == 1
    assert "the check could not go on: KeyError: 'epochs'" in ended.out


def test_nothing_that_applies_is_no_success(conformance: Command, report: Path) -> None:
    ended = conformance("run", "--loader", FEW, "-k", "drop_last", "--output", report)
    assert ended.code == 1
    assert f"{FEW} was not judged: nothing applies to it\n" in ended.out


def test_a_should_counts_if_strict(conformance: Command, report: Path) -> None:
    """Which of two requirements fails here: the one that SHOULD be met."""
    arguments = ["run", "--loader", BAD, "-k", PAIRS, "-k", LENGTH, "--output", report]
    lax = conformance(*arguments[:3], "-k", LENGTH, "--output", report)
    assert (lax.code, "SHOULD 1 of 1" in lax.out) == (0, True)
    forgetful = "tests.miniatures:Refusing"
    lax = conformance("run", "--loader", forgetful, "-k", LENGTH, "--output", report)
    strict = conformance("run", "--loader", forgetful, "-k", LENGTH, "--strict", "--output", report)
    assert "SHOULD 0 of 1" in lax.out
    assert (lax.code, strict.code) == (0, 1)
    shown = conformance("report", report, "--strict")
    assert (shown.code, f"{forgetful} does not conform" in shown.out) == (0, True)


def test_equal_seeds_give_equal_reports_but_for_times(conformance: Command, tmp_path: Path) -> None:
    reports = []
    for jobs in (1, 2):
        path = tmp_path / f"{jobs}.jsonl"
        conformance("run", "--loader", BAD, *LAWFUL, "--jobs", jobs, "--seed", 3, "--output", path)
        read = read_report(path)
        for result in read.results:
            vars(result.verdict)["seconds"] = 0.0
        reports.append(({**read.header, "started": ""}, read.results, read.footer))
    assert reports[0] == reports[1]
    assert reports[0][0]["seed"] == 3


@pytest.mark.parametrize("columns", ["40", "79"])
def test_a_narrow_terminal_is_wide_enough(
    conformance: Command, report: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    ended = conformance("run", "--loader", BAD, "-k", PAIRS, "--output", report)
    assert ended.code == 1
    assert max(map(len, ended.out.splitlines())) <= int(columns)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["--loader", "torhc"],
            "no loader is called 'torhc'; did you mean torch, torchdata? (your own goes by "
            "module:callable, as in --loader my_package.loading:MyLoader)",
        ),
        (
            ["--loader", "no_such_module:Loader"],
            "the loader 'no_such_module:Loader' cannot be imported: no module 'no_such_module' in "
            "the current folder or the environment; check the spelling, or install its package "
            "here",
        ),
        (
            ["--loader", "tests.broken_import:Loader"],
            "the loader 'tests.broken_import:Loader' cannot be used: "
            "ImportError: the extension was built for another Python",
        ),
        (
            ["--loader", "tests.exiting_import:Loader"],
            "the loader 'tests.exiting_import:Loader' cannot be used: the process that imported "
            "it ended with exit code 5; try `python -c 'import tests.exiting_import'`",
        ),
        (
            ["--loader", "conformance.errors:UsageEror"],
            "conformance.errors has no 'UsageEror'; did you mean UsageError?",
        ),
        (
            ["--loader", "tests.miniatures:not_callable"],
            "the loader 'tests.miniatures:not_callable' cannot be used: TypeError: a loader must "
            "be callable with a dataset, got 3; name a class or a function, as in --loader "
            "package.module:MyLoader",
        ),
        (
            ["--loader", GOOD, "--chapter", "deliver"],
            "no chapter is called 'deliver'; did you mean delivery?",
        ),
        (
            ["--loader", GOOD, "-k", "qqq"],
            "no requirement is left by this selection; `conformance list` shows all",
        ),
        (
            ["--loader", GOOD, "--known", "no_such.toml"],
            "the known deviations no_such.toml cannot be read: "
            "[Errno 2] No such file or directory: 'no_such.toml'",
        ),
        (
            ["--loader", GOOD, "--output", "/dev/null/report.jsonl"],
            "the report /dev/null/report.jsonl cannot be written: File exists; name another file",
        ),
        (
            ["--loader", GOOD, "--emit-known", "/dev/null/known.toml"],
            "/dev/null/known.toml cannot be written: File exists; name another with --emit-known",
        ),
    ],
)
def test_wrong_use_of_a_run_is_a_line_and_2(
    conformance: Command, report: Path, arguments: list[str], text: str
) -> None:
    ended = conformance("run", "--output", report, *arguments)
    assert only_line(ended) == f"error: {text}"
    assert not report.exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["run"], "Error: Missing option '--loader'.\n"),
        (["run", "--loader", GOOD, "--deadline", "0"], "0.0 is not in the range x>=1.\n"),
        (["run", "--lodaer", GOOD], "No such option '--lodaer'."),
        (["rnu"], "No such command 'rnu'."),
        (["report"], "Error: Missing argument 'FILE'.\n"),
        (["list", "--basis", "hearsay"], "'hearsay' is not one of 'documents', 'practice'.\n"),
    ],
)
def test_an_option_that_is_wrong_is_2(
    conformance: Command, arguments: list[str], text: str
) -> None:
    ended = conformance(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert text in ended.err


def test_requirements_are_listed_by_chapter(conformance: Command) -> None:
    ended = conformance("list", "--chapter", "choices")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "\nchoices\n  drop_last_drops_the_short_batch MUST NOT, documents\n"
        "  a_sampler_is_left_alone MUST, practice\n"
    )


def test_a_selection_is_listed(conformance: Command) -> None:
    assert conformance("list", "--basis", "practice").out.count("\n") == 3
    assert only_line(conformance("list", "--chapter", "deliver")) == (
        "error: no chapter is called 'deliver'; did you mean delivery?"
    )


def test_the_catalogue_is_a_page(conformance: Command) -> None:
    ended = conformance("list", "--markdown")
    assert ended.code == 0
    assert ended.out.startswith("# ")


def test_the_loaders_are_listed(conformance: Command) -> None:
    assert conformance("list", "--loaders").out == (
        "reference\nreference-ignore\ntorch\ntorchdata\n"
        "module:callable  (any callable like the DataLoader)\n"
    )


def test_a_requirement_is_explained(conformance: Command) -> None:
    ended = conformance("explain", PAIRS)
    assert ended.code == 0
    assert ended.out.startswith(
        f"delivery.{PAIRS}\n\nFour samples with batch_size=2 MUST make two pairs.\n\n"
        "It is the smallest example there is.\n\n  D1-001: An epoch is the dataset.\n"
        "  D1-002: Samples come in batches, and their number is the length.\n"
        "  mutants it catches: loses_the_last_batch\n\n"
    )
    assert "assert batches == [[0, 1], [2, 3]]" in ended.out
    evidence = conformance("explain", "a_sampler_is_left_alone").out
    assert "  evidence: https://example.org/issues/1\n" in evidence


def test_a_claim_is_explained(conformance: Command) -> None:
    assert conformance("explain", "D1-005").out == (
        "D1-005\n  says: Workers load in parallel.\n  pending: a later chapter\n"
    )


@pytest.mark.parametrize(
    ("identifier", "text"),
    [
        (
            "an_epoch_is_a_dataset",
            "no requirement is called 'an_epoch_is_a_dataset'; "
            "did you mean an_epoch_is_the_dataset?",
        ),
        ("D1-099", "no claim has the id 'D1-099'; did you mean D1-005, D1-004, D1-003?"),
    ],
)
def test_what_is_not_there_cannot_be_explained(
    conformance: Command, identifier: str, text: str
) -> None:
    assert only_line(conformance("explain", identifier)) == f"error: {text}"


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
        assert only_line(conformance("report", failed, *arguments)) == (
            "error: /dev/null/written cannot be written: File exists; name another with --output"
        )


def test_a_report_that_was_cut_off_can_be_shown_in_part(conformance: Command, failed: Path) -> None:
    lines = failed.read_bytes().splitlines(keepends=True)
    failed.write_bytes(b"".join(lines[:2]))
    assert only_line(conformance("report", failed)) == (
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
    assert only_line(ended) == (
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


def test_what_is_accepted_is_written_and_holds(conformance: Command, tmp_path: Path) -> None:
    """What fails today passes the gate tomorrow; what is new, or over, does not."""
    known, report = tmp_path / "known.toml", tmp_path / "report.jsonl"
    arguments = ["run", "-k", PAIRS, "-k", "epoch", "--output", report]
    first = conformance(*arguments, "--loader", BAD, "--emit-known", known)
    assert (first.code, first.err.splitlines()[-1]) == (
        1,
        f"{known}: 2 accepted deviations written",
    )
    second = conformance(*arguments, "--loader", BAD, "--known", known)
    assert second.code == 0
    assert f"{BAD} conforms, but for 2 known deviations" in second.out
    again = tmp_path / "again.toml"
    conformance(*arguments, "--loader", BAD, "--known", known, "--emit-known", again)
    assert again.read_text() == known.read_text()

    head, one, two = known.read_text().split("[[known]]")
    known.write_text(f"{head}[[known]]{one}")
    new = conformance(*arguments, "--loader", BAD, "--known", known)
    assert (new.code, "✗ failed" in new.out, "~ 1 known" in new.out) == (1, True, True)
    known.write_text(f"{head}[[known]]{one}[[known]]{two}".replace(BAD, GOOD))
    over = conformance(*arguments, "--loader", GOOD, "--known", known)
    assert over.code == 1
    assert "take it off the list of known deviations" in " ".join(over.out.split())


def test_known_deviations_that_say_too_little_are_wrong_use(
    conformance: Command, tmp_path: Path
) -> None:
    known = tmp_path / "known.toml"
    known.write_text("[[known]]\nloader = 'torch'\n")
    assert only_line(conformance("run", "--loader", GOOD, "--known", known)) == (
        f"error: {known}: entry 1 of [[known]] has no requirement; add it"
    )


def test_mutants_are_judged(conformance: Command, tmp_path: Path) -> None:
    path = tmp_path / "a" / "matrix.csv"
    ended = conformance(
        "mutants", "--loader", GOOD, "--chapter", "delivery", "--output", path, "--jobs", 2
    )
    assert ended.code == 0
    assert f"{PAIRS}: loses_the_last_batch: caught by 2\n" in ended.out
    assert ended.out.endswith(f"3 of 3 mutants caught by their requirement; matrix in {path}\n")
    assert path.read_text().count("\n") == 4


def test_a_mutant_that_is_not_caught_is_1(conformance: Command, tmp_path: Path) -> None:
    path = tmp_path / "matrix.csv"
    ended = conformance("mutants", "--loader", GOOD, "--chapter", "broken", "--output", path)
    assert ended.code == 1
    assert ended.out.startswith(
        "the_check_is_broken: does_nothing_wrong: NOT CAUGHT by its requirement\n"
    )


def test_help_and_version_end_with_0(conformance: Command) -> None:
    for arguments in (["-h"], ["run", "--help"], ["--version"]):
        assert conformance(*arguments).code == 0
