"""The page: what it draws is what the history says, and nothing in a name can leave its place."""

import itertools
import math
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conformance.benchmark.history import Point, Run, append, read_record
from conformance.benchmark.trend import FAR, Scale, letter, render, times
from tests.conformance.benchmark.records import MACHINE, record, row
from tests.conformance.conftest import Command
from tests.miniatures import CONTROL, MARKUP

OTHER = {**MACHINE, "id": "other"}
VOID = {"meta", "wbr"}


class Page(HTMLParser):
    """A page taken apart; raises if an element is closed that was not opened last."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in ("th", "td", "p", "h2", "h3", "summary"):
            self.texts.append(("", " "))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, tag: str, kind: str = "") -> list[dict[str, str]]:
        """Return the attributes of all such elements, of a class if one is given."""
        return [
            attributes
            for name, attributes in self.found
            if name == tag and (not kind or attributes.get("class") == kind)
        ]

    @property
    def text(self) -> str:
        """All that can be read, with single spaces."""
        told = "".join(text for tag, text in self.texts if tag not in ("style", "title"))
        return " ".join(told.split())


@pytest.fixture
def runs(tmp_path: Path) -> "Runs":
    """Return a function that makes runs of rows."""
    return Runs(tmp_path / "record.jsonl")


class Runs:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.days = itertools.count(1)

    def __call__(self, *rows: Any, **changes: Any) -> list[Run]:
        return read_record(record(self.path, *rows, day=next(self.days), **changes))


def drawn(page: Page) -> list[str]:
    return [each["d"] for each in page.of("path", "line")]


def test_each_benchmark_has_a_plot_and_a_table(runs: Runs) -> None:
    history = [*runs(row("a", 2.0), row("b", 0.5)), *runs(row("a", 2.2), row("b", 0.5))]
    page = Page(render(history))
    assert len(page.of("article")) == 2
    assert len(page.of("details")) == 2
    assert len(drawn(page)) == len(page.of("path", "band")) == 2
    labels = [each["aria-label"] for each in page.of("svg") if each.get("role") == "img"]
    assert labels == [
        "a: ratio between 2.00 and 2.20 in 2 runs, the last 2.20; no clear change",
        "b: ratio between 0.500 and 0.500 in 2 runs, the last 0.500; no clear change",
    ]
    table = page.text[page.text.index("2 runs as a table: a") :].replace("\u2013", "-")
    assert table.startswith(
        "2 runs as a table: a revision date ratio 95 % interval pairs outcome counted "
        "0000002 2026-05-02 2.20 2.10-2.31 80 measured calls a batch 11 "
        "0000001 2026-05-01 2.00 1.90-2.10 80 measured calls a batch 11 "
    )


def test_what_is_drawn_is_where_the_ratios_are(runs: Runs) -> None:
    ratios = (1.0, 1.3, 0.8)
    page = Page(render([run for ratio in ratios for run in runs(row(ratio=ratio))]))
    (line,) = drawn(page)
    places = [tuple(map(float, place.split())) for place in line.removeprefix("M").split("L")]
    xs, ys = zip(*places, strict=True)
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.2)
    assert any(f" {ys[0]}H" in each["d"] for each in page.of("path", "one"))
    # Logarithmic, and upwards.
    unit = (ys[0] - ys[1]) / math.log(1.3)
    assert unit > 0
    assert ys[2] - ys[0] == pytest.approx(-unit * math.log(0.8), abs=0.2)


def test_runs_that_are_not_comparable_are_not_joined(runs: Runs) -> None:
    kinds = [MACHINE, MACHINE, OTHER, MACHINE, OTHER]
    page = Page(render([run for kind in kinds for run in runs(machine=kind)]))
    assert [line.count("L") + 1 for line in drawn(page)] == [3, 2]
    assert {each["class"] for each in page.of("g") if "class" in each} >= {"mark-0", "mark-1"}
    assert page.text.count("A A CPU, 4 cores, Python 3.11.9, torch 2.13.0, against torch") == 1
    assert page.text.count("B A CPU, 4 cores, Python 3.11.9, torch 2.13.0, against torch") == 1


def test_a_run_without_a_ratio_interrupts_the_line_and_is_marked(runs: Runs) -> None:
    ratios = [2.0, 2.0, None, 2.0, 2.0]
    page = Page(render([run for ratio in ratios for run in runs(row(ratio=ratio))]))
    assert [line.count("L") + 1 for line in drawn(page)] == [2, 2]
    assert len(page.of("g", "missing")) == 1
    assert "error: ValueError: no" in page.text


def test_a_single_run_shows_its_interval(runs: Runs) -> None:
    page = Page(render(runs()))
    assert drawn(page) == []
    assert len(page.of("path", "whisker")) == 2  # at a glance, and in the plot


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row(ratio=2.0), row(ratio=1.0)], "down 50 %"),
        ([row(ratio=2.0), row(ratio=2.3)], "up 15 %"),
        ([row(ratio=2.0), row(ratio=2.1)], "no clear change"),
        ([row(ratio=2.0)], "first under its conditions"),
        ([row(ratio=2.0), row(ratio=None)], "error"),
        ([row(ratio=None), row(ratio=2.0)], "first under its conditions"),
        ([row(ratio=2.0), row("b", 1.5)], "not in the last run"),
    ],
)
def test_the_newest_ratio_is_compared_with_the_one_before(
    runs: Runs, rows: list[Any], told: str
) -> None:
    page = Page(render([run for each in rows for run in runs(each)]))
    assert told in page.text


def test_ratios_of_other_conditions_are_not_compared(runs: Runs) -> None:
    history = [*runs(row(ratio=2.0)), *runs(row(ratio=1.0), machine=OTHER)]
    assert "first under its conditions" in Page(render(history)).text
    back = [*history, *runs(row(ratio=3.0))]
    assert "up 50 %" in Page(render(back)).text


def test_only_the_last_runs_of_each_loader_are_shown(runs: Runs) -> None:
    one = [run for _ in range(5) for run in runs()]
    two = [run for _ in range(2) for run in runs(loader={"name": "two", "version": "1"})]
    page = Page(render([*one, *two], last=3))
    assert "3 runs as a table" in page.text
    assert "2 runs as a table" in page.text
    assert "0000001" not in page.text


def test_an_empty_history_says_how_to_begin() -> None:
    page = Page(render([]))
    assert "The history is empty: conformance history append adds a run." in page.text


HOSTILE = f"\"' onmouseover=alert(1) </style></title></svg>{MARKUP}{CONTROL}{{{{ 7 * 7 }}}}"


def test_nothing_leaves_its_place_whatever_it_holds(runs: Runs) -> None:
    """Elements, their attributes and the styles are those of a page with harmless names."""

    def page(text: str, name: str) -> Page:
        bad = row(name, None, message=text, question=text, counts={text: text})
        rows = [row(name, question=text, outcome=text), bad]
        told = {"name": text, "version": text}
        changes: dict[str, Any] = {
            "loader": told,
            "baseline": told,
            "suite": text,
            "revision": text,
            "machine": dict.fromkeys(MACHINE, text),
        }
        return Page(render([run for each in rows for run in runs(each, **changes)]))

    hostile, harmless = page(HOSTILE, f"a{HOSTILE}[{HOSTILE}]"), page("x", "a[x]")

    def structure(page: Page) -> list[tuple[str, set[str]]]:
        return [(tag, set(attributes)) for tag, attributes in page.found if tag != "wbr"]

    assert structure(hostile) == structure(harmless)
    assert [t for tag, t in hostile.texts if tag == "style"] == [
        t for tag, t in harmless.texts if tag == "style"
    ]
    assert "<script>alert(1)</script>" in hostile.text
    assert "{{ 7 * 7 }}" in hostile.text
    assert not set("\x00\x07\x1b\x7f\x85\u2028\ud800") & set(hostile.text)


def test_the_page_asks_nobody_for_anything(runs: Runs) -> None:
    text = render([*runs(), *runs()])
    page = Page(text)
    assert not {tag for tag, _ in page.found} & {"script", "link", "img", "iframe", "object", "use"}
    assert not re.search(r"https?:|url\(|@import|\son\w+=", text)
    (policy,) = (each for each in page.of("meta") if "http-equiv" in each)
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    targets = {each["id"] for _, each in page.found if "id" in each}
    assert {each["href"] for each in page.of("a")} <= {f"#{target}" for target in targets}


def point(ratio: float) -> Point:
    return Point("a", "", "measured", ratio, ratio / 1.01, ratio * 1.01, 80, {}, "")


@pytest.mark.parametrize(
    "ratios",
    [[1.0], [0.99, 1.02], [0.5, 2.0], [0.004, 3000.0], [2.0], [0.3, 0.31], [2.23], [5.4e3]],
)
@pytest.mark.parametrize("may_break", [False, True])
def test_a_scale_holds_all_ratios_and_one(ratios: list[float], may_break: bool) -> None:
    scale = Scale.over([point(ratio) for ratio in ratios], 140, 10, may_break=may_break)
    for ratio in (1.0, *ratios, ratios[0] * 1.01, ratios[0] / 1.01):
        assert 10 <= scale(ratio) <= 140
    ticks = scale.ticks
    assert 1 in ticks
    assert len(ticks) > 1
    places = [scale(tick) for tick in ticks]
    assert places == sorted(places, reverse=True)
    assert all(before - after >= 8 for before, after in itertools.pairwise(places))
    outside = all(ratio > FAR * 1.01 or ratio < 1 / FAR / 1.01 for ratio in ratios)
    same_side = len({ratio > 1 for ratio in ratios}) == 1
    assert scale.broken == (may_break and outside and same_side)


def test_a_broken_scale_is_marked(runs: Runs) -> None:
    assert len(Page(render(runs(row(ratio=2.0)))).of("path", "break")) == 1
    assert len(Page(render(runs(row(ratio=0.5)))).of("path", "break")) == 1
    assert not Page(render(runs(row(ratio=1.2)))).of("path", "break")


def test_ratios_have_three_digits() -> None:
    assert [times(r) for r in (0.0123, 0.5, 1.0, 2.345, 99.96, 123.4, 4567.8)] == [
        "0.0123",
        "0.500",
        "1.00",
        "2.35",
        "100",
        "123",
        "4568",
    ]


def test_conditions_have_letters() -> None:
    assert [letter(mark) for mark in (0, 25, 26, 53)] == ["A", "Z", "AA", "BBB"]


def test_the_page_is_written(conformance: Command, runs: Runs, tmp_path: Path) -> None:
    history, page = tmp_path / "history.jsonl", tmp_path / "new" / "trend.html"
    append(history, runs())
    append(history, runs(row("</script>")))
    ended = conformance("history", "trend", history, "--output", page)
    assert (ended.code, ended.out, ended.err) == (0, f"{page}: 2 runs\n", "")
    assert len(Page(page.read_text("utf-8")).of("article")) == 2
    with history.open("a") as file:
        file.write("{")
    assert conformance("history", "trend", history, "--output", page).only_line == (
        f"error: the history {history} was cut off in line 3; "
        "remove that line, or see what is whole with --partial"
    )
    assert conformance("history", "trend", history, "--output", page, "--partial").code == 0
    assert (
        conformance("history", "trend", history, "--partial", "--output", "/dev/null/p").code == 2
    )
