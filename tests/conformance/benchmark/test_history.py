"""The history: appended to, read again, kept apart or refused, and never harmed."""

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from conformance.benchmark.history import Conditions, append, read_history, read_record
from conformance.errors import UsageError
from tests.conformance.benchmark.records import MACHINE, footer, header, record, row, write
from tests.conformance.conftest import Command


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a history of three days."""
    path = tmp_path / "history.jsonl"
    for day in (1, 2, 3):
        append(path, read_record(record(tmp_path / "record.jsonl", row(ratio=1.5 + day), day=day)))
    return path


def refusal(function: Any, path: Path, *, partial: bool = False) -> str:
    with pytest.raises(UsageError) as caught:
        function(path, partial=partial)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_what_is_appended_is_read(path: Path) -> None:
    runs = read_history(path)
    assert [run.points[0].ratio for run in runs] == [2.5, 3.5, 4.5]
    assert [run.revision for run in runs] == [f"{day:07}" + "e" * 33 for day in (1, 2, 3)]
    assert {run.conditions for run in runs} == {Conditions("0123abcd", "0.1.0", "torch 2.13.0")}
    assert runs[0].points[0].counts == {"calls_per_batch": 11}
    assert runs[0].complete


def test_no_absolute_time_is_kept(path: Path) -> None:
    assert "_us" not in path.read_text()
    assert "1234.5" not in path.read_text()


def test_what_stands_there_is_not_written_again(path: Path, tmp_path: Path) -> None:
    before, node = path.read_bytes(), path.stat().st_ino
    append(path, read_record(record(tmp_path / "record.jsonl", day=4)))
    assert path.read_bytes().startswith(before)
    assert path.read_bytes().count(b"\n") == 4
    assert path.stat().st_ino == node


def test_a_run_is_appended_once(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    assert append(path, read_record(record(tmp_path / "record.jsonl", day=2))) == []
    assert path.read_bytes() == before


def test_several_loaders_are_several_runs(tmp_path: Path) -> None:
    other = {"name": "torchdata", "version": "0.11"}
    lines = [header(), row(), footer(), header(loader=other), row(ratio=0.9), footer()]
    path = tmp_path / "new" / "history.jsonl"
    append(path, read_record(write(tmp_path / "record.jsonl", *lines)))
    assert [run.loader["name"] for run in read_history(path)] == ["reference", "torchdata"]


@pytest.mark.parametrize(
    "changes",
    [
        {"machine": {**MACHINE, "id": "other"}},
        {"suite": "0.2.0"},
        {"baseline": {"name": "torch", "version": "2.14.0"}},
        {"baseline": {"name": "torchdata", "version": "2.13.0"}},
    ],
)
def test_what_is_not_comparable_stands_apart(
    path: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    append(path, read_record(record(tmp_path / "record.jsonl", day=4, **changes)))
    *before, last = read_history(path)
    assert len(before) == 3
    assert last.conditions not in {run.conditions for run in before}


def test_runs_are_in_order_of_their_time(path: Path, tmp_path: Path) -> None:
    early = record(tmp_path / "record.jsonl", started="2026-05-01T13:59:59+02:00")
    late = record(tmp_path / "other.jsonl", started="2026-05-09T00:00:00")
    append(path, [*read_record(late), *read_record(early)])
    assert [run.when.isoformat()[:13] for run in read_history(path)] == [
        "2026-05-01T13",
        "2026-05-01T12",
        "2026-05-02T12",
        "2026-05-03T12",
        "2026-05-09T00",
    ]


def append_ten(path: Path, first: int) -> None:
    for day in range(first, first + 10):
        append(path, read_record(record(path.with_name(f"{day}.jsonl"), day=day)))


def test_two_may_append_at_once(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    context = multiprocessing.get_context("fork")
    started = [context.Process(target=append_ten, args=(path, first)) for first in (1, 11)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert len(read_history(path)) == 20


REMEDY = "remove that line, or see what is whole with --partial"


@pytest.mark.parametrize("kept", [1, 40, -2])
def test_a_history_that_was_cut_off_is_refused_and_kept(
    path: Path, tmp_path: Path, kept: int
) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:kept])
    damaged = path.read_bytes()
    assert refusal(read_history, path) == f"the history {path} was cut off in line 3; {REMEDY}"
    with pytest.raises(UsageError, match="was cut off in line 3"):
        append(path, read_record(record(tmp_path / "record.jsonl", day=4)))
    assert path.read_bytes() == damaged
    assert len(read_history(path, partial=True)) == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "{",
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        ("\x00", "Expecting value: line 1 column 1 (char 0)"),
        ("3", "it is no object"),
        ("", "Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_a_damaged_line_is_refused_and_can_be_left_out(path: Path, line: str, told: str) -> None:
    lines = path.read_text().split("\n")
    path.write_text("\n".join([lines[0], line, *lines[1:]]))
    assert refusal(read_history, path) == (
        f"the history {path} is damaged at line 2: {told}; {REMEDY}"
    )
    assert len(read_history(path, partial=True)) == 3


def altered(path: Path, number: int, **changes: Any) -> None:
    lines = path.read_text().split("\n")
    lines[number] = json.dumps({**json.loads(lines[number]), **changes})
    path.write_text("\n".join(lines))


def points(**changes: Any) -> dict[str, Any]:
    return {"points": [{**row(), **changes}]}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"points": 3}, "TypeError(\"'int' object is not iterable\")"),
        ({"points": [{}]}, "KeyError('benchmark')"),
        ({"machine": {}}, "KeyError('id')"),
        ({"machine": {"id": 7}}, "TypeError('7 is no str')"),
        ({"loader": {}}, "KeyError('name')"),
        ({"started": "today"}, "ValueError(\"Invalid isoformat string: 'today'\")"),
        (points(benchmark=None), "TypeError('None is no str')"),
        (points(ratio="2"), "TypeError(\"'2' is no number\")"),
        (points(high=None), "TypeError('None is no number')"),
        (points(counts=[]), "TypeError('[] is no dict')"),
        (
            points(low=0),
            "ValueError(\"'overhead.ints' has no interval in (0, 2.0, 2.1)\")",
        ),
        (
            points(low=3.0),
            "ValueError(\"'overhead.ints' has no interval in (3.0, 2.0, 2.1)\")",
        ),
        (
            points(high=float("inf")),
            "ValueError(\"'overhead.ints' has no interval in (1.9047619047619047, 2.0, inf)\")",
        ),
        (
            points(ratio=float("nan")),
            "ValueError(\"'overhead.ints' has no interval in (1.9047619047619047, nan, 2.1)\")",
        ),
    ],
)
def test_what_no_run_says_is_refused(path: Path, changes: dict[str, Any], told: str) -> None:
    altered(path, 1, **changes)
    assert refusal(read_history, path) == (
        f"the history {path} is damaged at line 2: {told}; {REMEDY}"
    )
    assert len(read_history(path, partial=True)) == 2


def test_a_newer_format_is_refused_whole(path: Path, tmp_path: Path) -> None:
    altered(path, 2, format=2)
    for partial in (False, True):
        assert refusal(read_history, path, partial=partial) == (
            f"the history {path} has format 2 at line 3, this version reads 1; "
            "use the version that wrote it"
        )
    newer = record(tmp_path / "record.jsonl", format=2)
    assert refusal(read_record, newer) == (
        f"the record {newer} has format 2 at line 1, this version reads 1; "
        "use the version that wrote it"
    )


def test_a_record_is_no_history(tmp_path: Path) -> None:
    path = record(tmp_path / "record.jsonl")
    assert refusal(read_history, path) == (
        f"{path} is no history: line 1 is no run; `conformance history append` writes one"
    )


def test_a_history_is_no_record(path: Path) -> None:
    assert refusal(read_record, path) == (
        f"{path} is no record of benchmarks: line 1 is no header; `conformance bench` writes one"
    )


AGAIN = "run `conformance bench` again, or take what is whole with --partial"


def test_a_record_that_was_cut_off_is_taken_only_if_asked(tmp_path: Path) -> None:
    whole = record(tmp_path / "record.jsonl", row("a"), row("b")).read_bytes()
    lines = whole.splitlines(keepends=True)
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(b"".join(lines[:3]))
    told = f"the record {cut} was cut off after 2 benchmarks of reference; {AGAIN}"
    assert refusal(read_record, cut) == told
    cut.write_bytes(b"".join(lines[:2]) + lines[2][:9])
    assert refusal(read_record, cut) == f"the record {cut} was cut off in line 3; {AGAIN}"
    (run,) = read_record(cut, partial=True)
    assert [point.benchmark for point in run.points] == ["a"]
    assert not run.complete


def test_a_run_that_was_interrupted_is_taken_only_if_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "record.jsonl", header(), row(), footer(complete=False))
    assert refusal(read_record, path) == (
        f"the record {path} was cut off after 1 benchmarks of reference; {AGAIN}"
    )
    assert not read_record(path, partial=True)[0].complete


def test_a_gate_s_record_is_refused(tmp_path: Path) -> None:
    path = record(tmp_path / "record.jsonl", gate=True)
    assert refusal(read_record, path) == (
        f"the record {path} is a gate's, and its baseline another revision each time; "
        "keep one against a loader: `conformance bench` without --against"
    )


@pytest.mark.parametrize("function", [read_record, read_history])
def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path, function: Any) -> None:
    what = function.__name__.removeprefix("read_")
    assert refusal(function, tmp_path / "none") == (
        f"the {what} {tmp_path / 'none'} cannot be read: No such file or directory"
    )


def test_an_empty_record_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "record.jsonl")
    assert refusal(read_record, path) == (
        f"{path} is no record of benchmarks: it is empty; {AGAIN}"
    )


def test_appending_says_what_it_did(conformance: Command, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    first = record(tmp_path / "record.jsonl")

    def said(record: Path) -> str:
        ended = conformance("history", "append", record, "--history", path)
        assert (ended.code, ended.err) == (0, "")
        return ended.out

    assert said(first) == f"{path}: 1 benchmarks of reference appended to 0 runs\n"
    assert said(first) == f"{path} has this run of reference already; nothing is appended\n"
    second = record(tmp_path / "record.jsonl", row(), row("b"), day=2)
    assert said(second) == f"{path}: 2 benchmarks of reference appended to 1 runs\n"
    third = record(tmp_path / "record.jsonl", day=3, suite="0.2")
    assert said(third) == (
        f"{path}: 1 benchmarks of reference appended to 2 runs, "
        "0 of them comparable (machine, suite and baseline)\n"
    )


def test_wrong_use_is_a_line(conformance: Command, tmp_path: Path) -> None:
    good = record(tmp_path / "record.jsonl")
    assert conformance("history", "append", tmp_path / "none").only_line == (
        f"error: the record {tmp_path / 'none'} cannot be read: No such file or directory"
    )
    assert conformance("history", "append", good, "--history", "/dev/null/h").only_line == (
        "error: the history /dev/null/h cannot be written: File exists; name another with --history"
    )
    path = tmp_path / "history.jsonl"
    path.write_text("{")
    assert conformance("history", "append", good, "--history", path).only_line == (
        f"error: the history {path} was cut off in line 1; {REMEDY}"
    )
    assert path.read_text() == "{"
