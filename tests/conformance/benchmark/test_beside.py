"""A record as one table, with what the loaders that are ahead do not promise."""

import re
from pathlib import Path
from typing import Any

import pytest

from conformance.adapter import Deviation, deviations
from conformance.benchmark.beside import AHEAD, BEHIND, LEVEL, render, standing
from conformance.benchmark.history import Point, read_record
from conformance.run import LoaderInfo
from tests.conformance.benchmark.records import MACHINE, footer, header, row, write
from tests.conformance.conftest import Command

PLAIN = "tests.miniatures:Plain"
HARMS = {"order_is_kept": "data is lost", "a_seed_repeats": "a seed does not repeat"}
ALL = ("dataset", "generator", "lazy_dataset", "num_workers")


def block(name: str, *rows: Any, **changes: Any) -> list[Any]:
    return [header(loader={"name": name, "version": "1"}, **changes), *rows, footer()]


def info(name: str, *capabilities: str, known: tuple[Deviation, ...] = ()) -> LoaderInfo:
    return LoaderInfo(name, "1", capabilities, known)


def page(tmp_path: Path, *lines: Any, peer: LoaderInfo | None = None) -> str:
    runs = read_record(write(tmp_path / "record", *lines))
    about = {"ours": info("ours", *ALL), "peer": peer or info("peer", *ALL)}
    return render(runs, about, HARMS)


def cells(text: str, benchmark: str) -> list[str]:
    """Return a row of the table without its outer bars."""
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {benchmark} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize(
    ("own", "mark"), [(1.9, BEHIND), (2.05, LEVEL), (2.0, LEVEL), (3.0, AHEAD), (None, BEHIND)]
)
def test_who_is_ahead_is_so_by_the_whole_interval(own: float | None, mark: str) -> None:
    def point(ratio: float | None, spread: float) -> Point:
        low, high = (ratio / spread, ratio * spread) if ratio else (None, None)
        return Point("a", "?", "measured", ratio, low, high, 9, {}, "")

    assert standing(point(own, 1.01), point(2.0, 1.03)) == mark


def test_who_is_measured_where_the_first_is_not_is_ahead() -> None:
    own = Point("a", "?", "measured", 0.1, 0.09, 0.11, 9, {}, "")
    missing = Point("a", "?", "unsupported", None, None, None, 0, {}, "")
    assert standing(own, missing) == standing(own, None) == AHEAD


def test_the_table_has_a_row_for_each_benchmark_and_a_column_for_each_loader(
    tmp_path: Path,
) -> None:
    ours = block("ours", row("a", 2.0), row("b", 2.0), row("c", 2.0))
    peer = block("peer", row("a", 4.0), row("b", 2.05), row("c", 1.0))
    text = page(tmp_path, *ours, *peer)
    assert cells(text, "benchmark") == ["benchmark", "ours 1", "peer 1"]
    assert cells(text, "a") == [
        "a",
        "2.00 (1.90\N{EN DASH}2.10)",
        f"{AHEAD} 4.00 (3.81\N{EN DASH}4.20)",
    ]
    assert cells(text, "b")[2].startswith(f"{LEVEL} 2.05 ")
    assert cells(text, "c")[2].startswith("1.00 ")
    lengths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert lengths == {4}
    assert f"{AHEAD} in a.\n" in text


def test_what_has_no_figure_has_a_note_with_the_reason_and_equal_ones_share_it(
    tmp_path: Path,
) -> None:
    def lacking(name: str, what: str) -> Any:
        return row(name, None, outcome="unsupported", message=f"loader peer: needs {what}")

    ours = block("ours", row("a"), row("b"), row("c"))
    wrong = row("c", None, message="loader peer: an epoch did not deliver what it must")
    text = page(tmp_path, *ours, *block("peer", lacking("a", "x"), lacking("b", "x"), wrong))
    shown = [cells(text, name)[2] for name in "abc"]
    assert shown == ["unsupported (1)", "unsupported (1)", "error (2)"]
    assert "\n(1) unsupported: needs x\n" in text
    assert "\n(2) error: an epoch did not deliver what it must\n" in text


def test_what_nobody_was_measured_in_is_no_row(tmp_path: Path) -> None:
    none = row("b", None, outcome="unsupported", message="no accelerator")
    text = page(tmp_path, *block("ours", row("a"), none), *block("peer", row("a"), none))
    assert "| b |" not in text
    assert "Nobody was measured in b.\n" in text
    assert "no accelerator" not in text


def test_a_question_is_asked_once_for_all_its_cases(tmp_path: Path) -> None:
    rows = [row("m.a[size=1]"), row("m.a[size=2]"), row("m.b", question="And this?")]
    text = page(tmp_path, *block("ours", *rows), *block("peer", *rows))
    assert re.findall(r"^- (.*\?)$", text, re.MULTILINE) == [
        "m.a: What does a batch cost?", "m.b: And this?"
    ]  # fmt: skip


def test_what_a_peer_does_not_promise_is_what_its_adapter_says(tmp_path: Path) -> None:
    known = (
        Deviation("nothing_else", "it hums"),
        *deviations("seeded by the clock", "https://x.org/a", "a_seed_repeats", kind="documented"),
        Deviation("order_is_kept", "whatever comes first", "https://x.org/b"),
    )
    peer = info("peer", "dataset", "num_workers", known=known)
    text = page(tmp_path, *block("ours", row("a")), *block("peer", row("a")), peer=peer)
    own = text.partition("\n### peer 1\n")[2]
    assert "Has not: `generator`, fetching samples when they are asked for" in own
    assert own[own.index("- data") :].splitlines() == [
        "- data is lost",
        "  - whatever comes first ([1](<https://x.org/b>))",
        "- a seed does not repeat",
        "  - *documented:* seeded by the clock ([1](<https://x.org/a>))",
        "- other deviations",
        "  - it hums (1)",
    ]
    assert "### ours" not in text


def test_one_reason_for_several_requirements_is_said_once(tmp_path: Path) -> None:
    known = deviations("it is so", "", "one", "two", "three")
    peer = info("peer", *ALL, known=known)
    text = page(tmp_path, *block("ours", row("a")), *block("peer", row("a")), peer=peer)
    assert text.count("it is so") == 1
    assert "  - it is so (3)\n" in text


def test_hostile_names_stay_in_their_cells(tmp_path: Path) -> None:
    name = "a|b\n# c <i>"
    text = page(tmp_path, *block("ours", row(name)), *block("peer", row(name)))
    rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    assert [line.count("|") for line in rows] == [4, 4, 4]
    assert "<i>" not in text.replace("\\<i\\>", "")


def test_the_page_is_written(conformance: Command, tmp_path: Path) -> None:
    record = write(tmp_path / "record.jsonl", *block(PLAIN, row("a")))
    written = tmp_path / "folder" / "beside.md"
    ended = conformance("beside", record, "--output", written)
    assert (ended.code, ended.out) == (0, f"{written}: 1 loaders\n")
    assert "| a | 2.00 (1.90\N{EN DASH}2.10) |" in written.read_text("utf-8")


def test_loaders_of_several_machines_do_not_stand_beside_each_other(
    conformance: Command, tmp_path: Path
) -> None:
    other = block(PLAIN, row("a"), machine={**MACHINE, "id": "another"})
    record = write(tmp_path / "record.jsonl", *block(PLAIN, row("a")), *other)
    ended = conformance("beside", record, "--output", tmp_path / "beside.md")
    assert "measure them in one run" in ended.only_line
