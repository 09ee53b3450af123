"""The report file: written as results come, read again, or refused in a line."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import UsageError
from conformance.outcome import Outcome, Result
from conformance.report.jsonl import ReportWriter, read_report
from tests.conformance.examples import header_of, result
from tests.miniatures import CONTROL, MARKUP

RESULTS = [
    result(requirement="first", observations=("ignores it", "delivers lists")),
    result(
        Outcome.FAILED,
        "second",
        message=MARKUP + CONTROL,
        example={"size": "1"},
        came={"delivered": "[]"},
        script="print()\n",
        output="\x85\u2028",
        seconds=0.5,
    ),
    result(
        Outcome.CRASH,
        "third",
        known="since 2.0",
        link="https://example.org/1",
        level="SHOULD",
        basis="practice",
    ),
]
ORDER = [result.key for result in RESULTS]


def write(path: Path, results: list[Result], order: list[tuple[str, str]] = ORDER) -> Path:
    with ReportWriter(path, header_of(*RESULTS), order) as writer:
        for each in results:
            writer.add(each)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a whole report stands."""
    return write(tmp_path / "report.jsonl", RESULTS)


def test_what_is_written_is_read(path: Path) -> None:
    report = read_report(path)
    assert report.results == RESULTS
    assert report.loaders == ["one"]
    assert report.header["seed"] == 0
    assert report.footer == {"kind": "footer", "complete": True, "results": 3}


def test_a_report_of_before_links_were_written_is_read(path: Path) -> None:
    lines = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
    for line in lines:
        line.pop("link", None)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    assert [each.link for each in read_report(path).results] == ["", "", ""]


def test_each_line_is_an_object_that_says_its_kind(path: Path) -> None:
    lines = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    assert [line["kind"] for line in lines] == ["header", "result", "result", "result", "footer"]
    assert [line.get("outcome") for line in lines] == [None, "passed", "failed", "known", None]


def test_a_report_is_of_several_loaders(tmp_path: Path) -> None:
    two = result(requirement="first", loader="two")
    path = tmp_path / "report.jsonl"
    with ReportWriter(path, header_of(*RESULTS, two), [*ORDER, two.key]) as writer:
        for each in (two, *RESULTS):
            writer.add(each)
    report = read_report(path)
    assert report.loaders == ["one", "two"]
    assert report.of("two") == [two]
    assert report.of("one") == RESULTS


def test_results_are_sorted_however_they_came(path: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.jsonl", RESULTS[::-1])
    assert other.read_bytes() == path.read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted([path, other])


def test_a_result_is_in_the_file_as_soon_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    with ReportWriter(path, header_of(*RESULTS), ORDER) as writer:
        writer.add(RESULTS[1])
        report = read_report(path, partial=True)
        assert (report.results, report.footer) == ([RESULTS[1]], {})


def test_what_is_missing_at_the_end_is_told(tmp_path: Path) -> None:
    report = read_report(write(tmp_path / "report.jsonl", RESULTS[:2]))
    assert report.footer == {"kind": "footer", "complete": False, "results": 2}


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    assert read_report(write(tmp_path / "a" / "b" / "report.jsonl", RESULTS)).results == RESULTS


@pytest.mark.parametrize(
    ("name", "why"), [("", "Is a directory"), ("file/report.jsonl", "File exists")]
)
def test_a_file_that_cannot_be_written_is_wrong_use(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError) as caught:
        ReportWriter(tmp_path / name, {}, [])
    assert str(caught.value) == (
        f"the report {tmp_path / name} cannot be written: {why}; name another file"
    )


def test_what_is_no_file_is_written_to_and_not_replaced(path: Path, tmp_path: Path) -> None:
    """Such as a pipe here, or the null device."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(pipe, RESULTS)
    assert os.read(reader, 100_000) == path.read_bytes()
    os.close(reader)
    assert pipe.is_fifo()


def refusal(path: Path, *, partial: bool = False) -> str:
    with pytest.raises(UsageError) as caught:
        read_report(path, partial=partial)
    return str(caught.value)


def test_a_report_that_was_cut_off_is_refused_but_what_is_there_can_be_had(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    assert refusal(path) == (
        f"the report {path} was cut off after 2 results: it has no footer; "
        "run again, or see what is there with --partial"
    )
    assert read_report(path, partial=True).results == RESULTS[:2]


@pytest.mark.parametrize("cut", range(1, 60, 3))
def test_a_report_may_be_cut_off_anywhere(path: Path, cut: int) -> None:
    """Even within a character."""
    results = [result(requirement=name, message="✓" * 10) for name in ("first", "second")]
    write(path, results, ORDER[:2])
    lines = path.read_bytes().splitlines(keepends=True)
    middle = lines[2].index("✓".encode())
    path.write_bytes(b"".join(lines[:2]) + lines[2][: middle + cut % 30])
    report = read_report(path, partial=True)
    assert (report.results, report.footer) == (results[:1], {})
    assert refusal(path).startswith(f"the report {path} ")


def altered(path: Path, number: int, **changes: Any) -> None:
    lines = path.read_text("utf-8", "surrogatepass").split("\n")
    row = {**json.loads(lines[number]), **changes}
    row = {key: value for key, value in row.items() if value is not None}
    lines[number] = json.dumps(row)
    path.write_text("\n".join(lines), "utf-8")


@pytest.mark.parametrize(
    ("number", "changes", "text"),
    [
        (
            0,
            {"format": 3},
            "the report {path} has format 3, this version reads 2; "
            "read it with the version that wrote it, or run again",
        ),
        (
            0,
            {"kind": "other"},
            "{path} is not a report: its first line is no header; `conformance run` writes one",
        ),
        (
            0,
            {"loaders": None},
            "the report {path} is damaged: its header has no loaders; run again",
        ),
        (0, {"seed": None}, "the report {path} is damaged: its header has no seed; run again"),
        (
            1,
            {"verdict": None},
            "the report {path} is damaged: KeyError('verdict') in a result; run again",
        ),
        (
            2,
            {"verdict": 3},
            "the report {path} is damaged: "
            "TypeError(\"'int' object is not subscriptable\") in a result; run again",
        ),
        (
            4,
            {"results": 5},
            "the report {path} is damaged: it holds 3 results, its footer says 5; run again",
        ),
    ],
)
def test_a_report_that_is_not_as_it_was_written_is_refused(
    path: Path, number: int, changes: dict[str, Any], text: str
) -> None:
    altered(path, number, **changes)
    assert refusal(path) == text.format(path=path)


def test_an_unknown_outcome_is_refused(path: Path) -> None:
    row = json.loads(path.read_text().split("\n")[1])
    altered(path, 1, verdict={**row["verdict"], "outcome": "perhaps"})
    assert refusal(path) == (
        f"the report {path} is damaged: "
        "ValueError(\"'perhaps' is not a valid Outcome\") in a result; run again"
    )


def test_a_line_that_is_no_json_is_refused(path: Path) -> None:
    lines = path.read_text().split("\n")
    lines[2] = lines[2][:-5]
    path.write_text("\n".join(lines))
    for partial in (False, True):
        assert refusal(path, partial=partial).startswith(
            f"the report {path} is damaged or cut off at line 3: "
        )
        assert refusal(path, partial=partial).endswith(
            "; run again, or see what is whole with --partial"
        )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (
            b"",
            "{path} is not a report: its first line is no header; `conformance run` writes one",
        ),
        (b"3\n", "{path} is not a report: line 1 is no object; `conformance run` writes one"),
        (
            b"{}\n",
            "{path} is not a report: its first line is no header; `conformance run` writes one",
        ),
        (
            b"\xff\n",
            "the report {path} cannot be read: "
            "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
        ),
        (
            None,
            "the report {path} cannot be read: [Errno 2] No such file or directory: '{path}'",
        ),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, content: bytes | None, text: str) -> None:
    path = tmp_path / "report.jsonl"
    if content is not None:
        path.write_bytes(content)
    assert refusal(path) == text.format(path=path)
