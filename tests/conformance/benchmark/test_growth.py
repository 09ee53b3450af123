"""How the cost grows, as one picture."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from conformance.benchmark.growth import quantity, read, render
from conformance.errors import UsageError
from tests.conformance.benchmark.records import footer, header, row, write
from tests.conformance.conftest import Command

SVG = "{http://www.w3.org/2000/svg}"
MINE = {"name": "mine", "version": "3"}


def cost(value: int, loader: float | None, baseline: float = 100.0, **more: Any) -> Any:
    """Return the row of a case in which so many samples took so many microseconds."""
    name = more.pop("name", "scale.order")
    figures = {"loader_us": loader, "baseline_us": baseline if loader else None}
    return row(f"{name}[samples={value}]", loader and baseline / loader, **{**figures, **more})


def drawn(path: Path, *lines: Any) -> ET.Element:
    return ET.fromstring(render(read(write(path, *lines))))


def panels(picture: ET.Element) -> list[ET.Element]:
    return picture.findall(f"{SVG}g")


def texts(element: ET.Element) -> list[str]:
    return [each.text or "" for each in element.iter(f"{SVG}text")]


def lines(panel: ET.Element) -> dict[str, str]:
    """Return the paths of a panel by what they are drawn by."""
    found = panel.findall(f"{SVG}path")
    return {name: each.get("d", "") for each in found if "line" in (name := each.get("class", ""))}


def points(path: str) -> list[tuple[float, float]]:
    pairs = (each.split() for each in path.replace("M", "L").strip("L").split("L"))
    return [(float(x), float(y)) for x, y in pairs]


def test_a_panel_for_each_benchmark_and_a_line_for_each_loader(tmp_path: Path) -> None:
    other = "scale.start[method=fork]"
    more = [row("overhead.ints"), row("scale.start[method=fork,megabytes=1]")]
    ours = [cost(10, 20.0), cost(100, 40.0), *more]
    theirs = [cost(10, 50.0), cost(100, 90.0)]
    picture = drawn(
        tmp_path / "record", header(), *ours, footer(), header(loader=MINE), *theirs, footer()
    )
    first, second = panels(picture)
    assert (texts(first)[0], texts(second)[0]) == ("scale.order", other)
    assert set(lines(first)) == {"line base", "line m0", "line m1"}
    assert {"torch 2.13.0", "reference 0.1.0", "mine 3"} <= set(texts(picture))
    # Of the first loader it is told how many times as much the baseline takes.
    assert {"5.00\N{MULTIPLICATION SIGN}", "2.50\N{MULTIPLICATION SIGN}"} <= set(texts(first))


def test_tenfold_is_as_far_everywhere_and_more_is_higher(tmp_path: Path) -> None:
    rows = [cost(10**power, 10.0**power, 5000.0) for power in (3, 4, 5, 6)]
    (panel,) = panels(drawn(tmp_path / "record", header(), *rows, footer()))
    places = points(lines(panel)["line m0"])
    steps = {
        (round(x - x_before), round(y_before - y))
        for (x_before, y_before), (x, y) in pairwise(places)
    }
    assert len(steps) == 1
    assert min(steps.pop()) > 0
    (level,) = {y for _, y in points(lines(panel)["line base"])}
    assert places[1][1] < level < places[0][1]
    assert {"10³", "10⁶", "1 ms", "100 ms"} <= set(texts(panel))


def test_no_workers_have_a_place_before_one(tmp_path: Path) -> None:
    rows = [cost(value, 10.0) for value in (0, 1, 2, 4)]
    (panel,) = panels(drawn(tmp_path / "record", header(), *rows, footer()))
    across = [x for x, _ in points(lines(panel)["line m0"])]
    steps = {round(later - earlier) for earlier, later in pairwise(across)}
    assert len(steps) == 1
    assert {"0", "1", "2", "4"} <= set(texts(panel))


def test_bytes_are_drawn_where_there_are_no_times(tmp_path: Path) -> None:
    more: Any = {"loader_bytes": 4e8, "baseline_bytes": 4e9, "clock": "memory", "loader_us": None}
    (panel,) = panels(drawn(tmp_path / "record", header(), cost(10, 10.0, **more), footer()))
    assert {"1 GB"} <= set(texts(panel))
    assert {"line base", "line m0"} == set(lines(panel))


def test_the_limit_is_a_line_if_there_is_one(tmp_path: Path) -> None:
    rows = [cost(10, 10.0, limit_us=1.0), cost(100, 10.0, limit_us=2.0)]
    picture = drawn(tmp_path / "record", header(), *rows, footer())
    assert "line limit" in lines(panels(picture)[0])
    assert "limit, no loader" in texts(picture)
    without = drawn(tmp_path / "record", header(), cost(10, 10.0), footer())
    assert "limit, no loader" not in texts(without)


def test_a_line_is_broken_where_a_point_is_missing(tmp_path: Path) -> None:
    rows = [cost(value, None if value == 100 else 10.0) for value in (1, 10, 100, 1000, 10_000)]
    (panel,) = panels(drawn(tmp_path / "record", header(), *rows, footer()))
    assert lines(panel)["line m0"].count("M") == 2
    assert len(points(lines(panel)["line m0"])) == 4
    assert {"100", "-"} <= set(texts(panel))  # that it was asked is seen


def test_who_has_no_point_has_no_line(tmp_path: Path) -> None:
    ours = [header(), cost(10, 20.0), cost(100, 40.0), footer()]
    theirs = [header(loader=MINE), cost(10, None), footer()]
    picture = drawn(tmp_path / "record", *ours, *theirs)
    assert set(lines(panels(picture)[0])) == {"line base", "line m0"}
    assert "mine 3" in texts(picture)
    (panel,) = panels(drawn(tmp_path / "record", header(), cost(10, None), footer()))
    assert lines(panel) == {}


@pytest.mark.parametrize("name", ["</text><script>alert(1)</script>", 'a"&<b>[c=d]'])
def test_hostile_names_are_text(tmp_path: Path, name: str) -> None:
    row_ = cost(10, 10.0, name=name, question=f"{name}?")
    loader = {"name": name, "version": "<1>"}
    picture = drawn(tmp_path / "record", header(loader=loader), row_, footer())
    assert not list(picture.iter(f"{SVG}script"))
    (panel,) = panels(picture)
    assert texts(panel)[:2] == [name, f"{name}?"]
    assert f"{name} <1>" in texts(picture)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([header(), row("overhead.ints"), footer()], "nothing grows in the record"),
        ([header(), cost(10, 10.0)], "was cut off after 1 benchmarks"),
        ([header(), cost(10, 10.0, loader_us="<b>"), footer()], "'<b>' is no cost"),
        ([header(loader=None), cost(10, 10.0), footer()], "is damaged"),
        ([cost(10, 10.0)], "is no record of benchmarks"),
    ],
)
def test_what_tells_of_no_growth_is_refused(
    tmp_path: Path, lines: Sequence[Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        read(write(tmp_path / "record", *lines))


def test_quantities_are_in_the_largest_unit_that_they_fill() -> None:
    units = (("ms", 1e3), ("µs", 1.0))
    assert [quantity(value, units) for value in (0.5, 1.0, 200.0, 1e3, 5e6)] == [
        "0.5 µs", "1 µs", "200 µs", "1 ms", "5000 ms"
    ]  # fmt: skip


def test_the_picture_is_written(conformance: Command, tmp_path: Path) -> None:
    record = write(tmp_path / "record.jsonl", header(), cost(10, 10.0), footer())
    picture = tmp_path / "folder" / "scale.svg"
    ended = conformance("chart", record, "--scale", "--output", picture)
    assert (ended.code, ended.out) == (0, f"{picture}: 1 loaders\n")
    assert picture.read_text("utf-8").startswith("<svg ")
