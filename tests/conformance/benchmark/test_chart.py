"""A record as one picture."""

from pathlib import Path
from xml.etree import ElementTree as ET

from conformance.benchmark.chart import render
from conformance.benchmark.history import read_record
from tests.conformance.benchmark.records import footer, header, row, write
from tests.conformance.conftest import Command

SVG = "{http://www.w3.org/2000/svg}"


def drawn(path: Path, *lines: object) -> ET.Element:
    return ET.fromstring(render(read_record(write(path, *lines))))


def test_each_loader_has_a_mark_for_each_benchmark_that_was_measured(tmp_path: Path) -> None:
    one = [header(), row("a", 2.0), row("b", 4.0), footer()]
    other = [header(loader={"name": "mine", "version": "3"}), row("a", 1.5), row("b", None)]
    picture = drawn(tmp_path / "record", *one, *other, footer())
    kinds = [each.tag.removeprefix(SVG) for each in picture if "m" in each.get("class", "")]
    marks = [kind for kind in kinds if kind != "line"]
    # One of each in the legend, two circles for the first loader, one square for the other.
    assert sorted(marks) == ["circle"] * 3 + ["rect"] * 2
    texts = [each.text for each in picture.iter(f"{SVG}text")]
    assert texts[0] == "Times as fast as torch 2.13.0"
    assert {"a", "b", "reference 0.1.0", "mine 3", "2.00\N{MULTIPLICATION SIGN}"} <= set(texts)


def test_a_faster_loader_is_farther_to_the_right(tmp_path: Path) -> None:
    rows = [row("slow", 0.5), row("equal", 1.0), row("fast", 3.0)]
    picture = drawn(tmp_path / "record", header(), *rows, footer())
    places = [float(each.get("cx", 0)) for each in picture.iter(f"{SVG}circle")][1:]
    (one,) = (each for each in picture.iter(f"{SVG}line") if each.get("class") == "one")
    assert places == sorted(places)
    assert places[1] == float(one.get("x1", 0))


def test_a_hostile_name_is_text(tmp_path: Path) -> None:
    name = "</text><script>alert(1)</script>"
    picture = drawn(tmp_path / "record", header(), row(name), footer())
    assert not list(picture.iter(f"{SVG}script"))
    assert name in [each.text for each in picture.iter(f"{SVG}text")]


def test_the_picture_is_written(conformance: Command, tmp_path: Path) -> None:
    record = write(tmp_path / "record.jsonl", header(), row(), footer())
    picture = tmp_path / "folder" / "bench.svg"
    ended = conformance("chart", record, "--output", picture)
    assert (ended.code, ended.out) == (0, f"{picture}: 1 loaders\n")
    assert picture.read_text().startswith("<svg ")


def test_only_the_loaders_that_are_named_are_drawn(conformance: Command, tmp_path: Path) -> None:
    blocks = [
        line
        for name in ("reference", "one", "mine")
        for line in (header(loader={"name": name, "version": "1"}), row(), footer())
    ]
    record = write(tmp_path / "record.jsonl", *blocks)
    picture = tmp_path / "bench.svg"
    chosen = ("--loader", "reference", "--loader", "mine")
    assert conformance("chart", record, "--output", picture, *chosen).code == 0
    texts = {each.text for each in ET.parse(picture).iter(f"{SVG}text")}
    assert {"reference 1", "mine 1"} <= texts
    assert "one 1" not in texts
    unknown = conformance("chart", record, "--output", picture, "--loader", "mne")
    assert unknown.only_line == "error: the record has no loader 'mne'; did you mean mine, one?"


def test_what_is_no_record_is_refused(conformance: Command, tmp_path: Path) -> None:
    ended = conformance("chart", tmp_path / "none.jsonl")
    assert ended.code == 2
    assert "none.jsonl" in ended.err
