"""`conformance run`: what it prints, and with which code it ends."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from conformance.report.jsonl import read_report
from tests.conformance.conftest import Command

GOOD, BAD, FEW = (f"tests.miniatures:{name}" for name in ("Plain", "DroppingLast", "Lengthless"))
PAIRS = "four_samples_make_two_pairs"
LENGTH = "the_length_is_the_number_of_batches"
LAWFUL = ["--chapter", "delivery", "--chapter", "choices"]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Return where a report is to be written."""
    return tmp_path / "report.jsonl"


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
    before, _, rest = ended.out.partition("reproduce it")
    after = rest[rest.index("┏") :]  # the script's lines stay as long as they are
    assert max(map(len, [*before.splitlines(), *after.splitlines()])) <= int(columns)


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
    assert ended.only_line == f"error: {text}"
    assert not report.exists()


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
    assert conformance("run", "--loader", GOOD, "--known", known).only_line == (
        f"error: {known}: entry 1 of [[known]] has no requirement; add it"
    )


def without_times(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]], Any]:
    read = read_report(path)
    rows = [
        {**asdict(result), "verdict": {**asdict(result.verdict), "seconds": 0}}
        for result in read.results
    ]
    return {**read.header, "started": ""}, rows, read.footer


def test_the_shards_of_a_run_are_the_run(conformance: Command, tmp_path: Path) -> None:
    loaders = ["--loader", BAD, "--loader", GOOD]
    whole, merged = tmp_path / "whole.jsonl", tmp_path / "merged.jsonl"
    conformance("run", *loaders, *LAWFUL, "--output", whole)
    shards = [tmp_path / f"{number}.jsonl" for number in (3, 1, 2)]
    for path in shards:
        conformance("run", *loaders, *LAWFUL, "--shard", f"{path.stem}/3", "--output", path)
    counts = [len(read_report(path).results) for path in shards]
    assert sorted(counts) == [2, 4, 4]
    ended = conformance("merge", *shards, "--output", merged)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{merged}: 10 results of 2 loaders from 3 reports\n"
    assert without_times(merged) == without_times(whole)


def test_a_shard_says_that_it_is_one(conformance: Command, report: Path) -> None:
    ended = conformance("run", "--loader", GOOD, *LAWFUL, "--shard", "2/3", "--output", report)
    note = f"{GOOD}: of its shards 2/3 is here; 1/3, 3/3 is missing."
    assert note in " ".join(ended.out.split())
    assert note in conformance("report", report, "--format", "markdown").out.replace("\\", "")


@pytest.mark.parametrize("shard", ["0/3", "4/3", "2", "a/b", "1/0", "-1/3", "1/3/5", "", "01/3"])
def test_a_shard_is_one_of_several(conformance: Command, report: Path, shard: str) -> None:
    ended = conformance("run", "--loader", GOOD, "--shard", shard, "--output", report)
    assert ended.only_line == (
        f"error: a shard is I/N with I from 1 to N, got {shard!r}; the second of eight is "
        "--shard 2/8"
    )
    assert not report.exists()


def test_there_are_as_many_requirements_as_shards(conformance: Command, report: Path) -> None:
    ended = conformance("run", "--loader", GOOD, *LAWFUL, "--shard", "1/6", "--output", report)
    assert ended.only_line == (
        "error: 5 requirements cannot be shared out among 6 shards; ask for fewer shards, or "
        "select more requirements"
    )
