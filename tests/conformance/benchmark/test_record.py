"""The record: JSON lines, as they come."""

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.benchmark.record import Header, Named, Outcome, RecordWriter, Row, machine
from conformance.errors import UsageError

HEADER = Header("0.1", Named("mine", "1"), Named("torch", "2"), seed=3, gate=False, revision="abc")
ROW = Row("a.b[c=1]", "What?", "cpu", Outcome.MEASURED, 2.0, 1.9, 2.1, 40, 5.0, 10.0)


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects in the file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_format(tmp_path: Path) -> None:
    with RecordWriter(tmp_path / "new" / "record.jsonl") as writer:
        writer.begin(HEADER)
        writer.add(ROW)
        writer.end()
    header, row, footer = lines(writer.path)
    assert (header.pop("kind"), header.pop("format")) == ("header", 1)
    assert header.pop("started") <= footer.pop("finished")
    assert set(header["machine"]) == {"id", "cpu", "cores", "python", "torch"}
    assert header.pop("machine") == machine()
    assert header == {
        "suite": "0.1",
        "loader": {"name": "mine", "version": "1"},
        "baseline": {"name": "torch", "version": "2"},
        "revision": "abc",
        "seed": 3,
        "gate": False,
    }
    assert row == {
        "kind": "row",
        "benchmark": "a.b[c=1]",
        "question": "What?",
        "clock": "cpu",
        "outcome": "measured",
        "ratio": 2.0,
        "low": 1.9,
        "high": 2.1,
        "pairs": 40,
        "loader_us": 5.0,
        "baseline_us": 10.0,
        "limit_us": None,
        "loader_bytes": None,
        "baseline_bytes": None,
        "cpu_ratio": None,
        "counts": {},
        "message": "",
    }
    assert footer == {"kind": "footer", "complete": True}


def test_what_is_known_is_written_at_once_and_a_block_that_is_cut_off_says_so(
    tmp_path: Path,
) -> None:
    path = tmp_path / "record.jsonl"
    with RecordWriter(path) as writer:
        writer.begin(HEADER)
        writer.add(ROW)
        assert [line["kind"] for line in lines(path)] == ["header", "row"]
    assert [line["kind"] for line in lines(path)] == ["header", "row", "footer"]
    assert lines(path)[-1]["complete"] is False


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"the record .* cannot be written: .*; name another file"):
        RecordWriter(tmp_path / "file" / "record.jsonl")


def test_only_what_is_no_success_is_broken() -> None:
    assert {outcome for outcome in Outcome if outcome.broken} == {"fail", "error", "vanished"}
