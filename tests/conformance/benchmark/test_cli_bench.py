"""`conformance bench`: what it prints, what it writes, and with which code it ends."""

import json
from pathlib import Path

import pytest

from tests.conformance.conftest import Command

PLAIN = "tests.miniatures:Plain"
LOADERS = "tests.conformance.benchmark.loaders"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Return where the record is to be written."""
    return tmp_path / "record.jsonl"


def test_who_delivers_well_ends_with_0(conformance: Command, record: Path) -> None:
    ended = conformance(
        "bench",
        "--loader",
        PLAIN,
        "--baseline",
        PLAIN,
        "--quick",
        "--output",
        record,
        "-k",
        "epochs",
    )
    assert ended.code == 0
    assert ended.out.startswith(f"{PLAIN}  measured against {PLAIN} \n")
    assert "lists.epochs[batch_size=1]" in ended.out
    assert ended.out.endswith("2 measured\n")
    kinds = [json.loads(line)["kind"] for line in record.read_text().splitlines()]
    assert kinds == ["header", "row", "row", "footer"]


def test_an_error_ends_with_1_and_the_rest_is_kept(conformance: Command, record: Path) -> None:
    loaders = ("--loader", f"{LOADERS}:RaisingUnlessOne", "--loader", PLAIN)
    ended = conformance(
        "bench", *loaders, "--baseline", PLAIN, "--quick", "--output", record, "-k", "epochs"
    )
    assert ended.code == 1
    assert "1 measured, 1 error\n" in ended.out
    assert ended.out.endswith("2 measured\n")
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["header", "row", "row", "footer"] * 2
    assert [line["outcome"] for line in lines if line["kind"] == "row"] == [
        "measured", "error", "measured", "measured"
    ]  # fmt: skip


def test_what_is_slow_is_left_out_where_it_must_be_quick(
    conformance: Command, record: Path
) -> None:
    ended = conformance(
        "bench", "--loader", PLAIN, "--baseline", PLAIN, "--quick", "--output", record,
        "-k", "slowly", "-k", "size=1",
    )  # fmt: skip
    assert ended.code == 0
    assert ended.out.endswith("1 slow benchmarks were left out.\n1 measured\n")


def test_what_is_slow_is_left_out_if_one_asks_for_it(conformance: Command, record: Path) -> None:
    ended = conformance(
        "bench", "--loader", PLAIN, "--baseline", PLAIN, "--without-slow", "--output", record,
        "-k", "slowly",
    )  # fmt: skip
    assert ended.code == 0
    assert ended.out.endswith("1 slow benchmarks were left out.\n\n")
    assert [json.loads(line)["kind"] for line in record.read_text().splitlines()] == [
        "header", "footer"
    ]  # fmt: skip


def test_the_benchmarks_are_listed(conformance: Command) -> None:
    ended = conformance("bench", "--list", "-k", "batch")
    assert ended.out.splitlines() == [
        "lists.epochs[batch_size=1]", "lists.epochs[batch_size=4]", "lists.first_batch"
    ]  # fmt: skip


def test_what_shows_how_the_cost_grows_is_measured_when_asked_for(
    conformance: Command, record: Path
) -> None:
    assert conformance("bench", "--scale", "--list").out.splitlines() == [
        "lists.holding[megabytes=40]", "lists.holding[megabytes=80]", "lists.idling"
    ]  # fmt: skip
    ended = conformance(
        "bench", "--loader", PLAIN, "--baseline", PLAIN, "--scale", "--quick",
        "-k", "megabytes=40", "--output", record,
    )  # fmt: skip
    assert (ended.code, ended.out.endswith("1 measured\n")) == (0, True)


def test_no_gate_judges_how_the_cost_grows(conformance: Command) -> None:
    ended = conformance("bench", "--loader", PLAIN, "--scale", "--against", "HEAD")
    assert ended.code == 2
    assert ended.err.endswith("--scale is for no gate; leave out --against\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--loader", PLAIN, "--baseline", "tests.broken_import:Loader"],
            "error: the loader 'tests.broken_import:Loader' cannot be used: ImportError: the "
            "extension was built for another Python",
        ),
        (["--loader", PLAIN, "-k", "slowli"], "error: no benchmark has 'slowli' in its name; did "
         "you mean lists.slowly?"),
    ],
)  # fmt: skip
def test_wrong_use(conformance: Command, record: Path, arguments: list[str], line: str) -> None:
    assert conformance("bench", *arguments, "--output", record).only_line == line


def test_somebody_has_to_be_measured(conformance: Command) -> None:
    ended = conformance("bench")
    assert ended.code == 2
    assert ended.err.endswith("name who is measured, as in --loader reference\n")


def test_power_is_of_a_benchmark_that_the_gate_judges(conformance: Command) -> None:
    unknown = conformance("bench-power", "--benchmark", "lists.slowy")
    said = "error: no benchmark is called 'lists.slowy'; did you mean lists.slowly"
    assert unknown.only_line.startswith(said)
    slow = conformance("bench-power", "--benchmark", "lists.slowly")
    assert slow.only_line == (
        "error: lists.slowly is slow, and never judged by the gate; name another"
    )


def test_power_writes_its_runs_and_rates(conformance: Command, record: Path) -> None:
    ended = conformance(
        "bench-power", "--benchmark", "lists.epochs[batch_size=4]", "--loader", PLAIN,
        "--runs", 1, "--output", record,
    )  # fmt: skip
    assert ended.code in (0, 1)  # what was found is the machine's
    assert "the bar of the gate is " in ended.out
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    found = [line for line in lines if line["kind"] == "trial"]
    assert sorted(line["injected"] for line in found) == [0.0, 0.05, 0.1, 0.2]
    assert {line["pairs"] for line in found} <= {20, 40, 80, 160}
    assert [line["injected"] for line in lines if line["kind"] == "rate"] == [0.0, 0.05, 0.1, 0.2]
