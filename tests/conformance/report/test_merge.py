"""Several reports as one: put together, refused, or marked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import UsageError
from conformance.outcome import Outcome, Result
from conformance.report.jsonl import FORMAT, Report, read_report, written
from conformance.report.merge import merge, read_merged
from conformance.report.summary import notes
from tests.conformance.examples import report, result

ONE, TWO = result(loader="one"), result(loader="two")


def of(*results: Result, about: dict[str, Any] | None = None, **header: Any) -> Report:
    """Return a report with this in its header; `about` is said of each loader."""
    made = report(*results)
    loaders = [{**loader, **(about or {})} for loader in made.header["loaders"]]
    return replace(made, header={**made.header, "loaders": loaders, **header})


def shard(text: str, *results: Result) -> Report:
    return of(*results, about={"shards": [text]})


def test_loaders_stand_side_by_side() -> None:
    merged = merge({"a": of(TWO), "b": of(ONE)})
    assert merged.loaders == ["two", "one"]
    assert merged.results == [TWO, ONE]
    assert merged.footer == {"kind": "footer", "complete": True, "results": 2}
    assert merged.header == report(TWO, ONE).header


def test_results_stand_in_the_order_of_the_specification() -> None:
    later, first, new = (result(requirement=name) for name in ("later", "first", "new"))
    merged = merge({"a": of(new, later), "b": of(first, about={})}, ["first", "later"])
    assert merged.results == [first, later, new]


def test_what_differs_is_listed_and_each_loader_says_its_own() -> None:
    merged = merge({"a": of(ONE, torch="2.9"), "b": of(TWO, torch="2.13", platform="here")})
    assert (merged.header["torch"], merged.header["platform"]) == ("2.9, 2.13", "unknown, here")
    judged = [loader["judged"] for loader in merged.header["loaders"]]
    assert judged == [
        {"torch": "2.9", "platform": "unknown"},
        {"torch": "2.13", "platform": "here"},
    ]
    assert notes(merged) == []


def test_the_earliest_beginning_counts() -> None:
    merged = merge({"a": of(ONE, started="2026-02-01"), "b": of(TWO, started="2026-01-01")})
    assert merged.header["started"] == "2026-01-01"


@pytest.mark.parametrize(("key", "value"), [("suite", "0.2"), ("seed", 7), ("examples", 9)])
def test_what_was_judged_otherwise_is_refused_or_marked(key: str, value: Any) -> None:
    reports = {"a.jsonl": of(ONE), "b.jsonl": of(TWO, **{key: value})}
    difference = f"{key} {reports['a.jsonl'].header[key]} in a.jsonl, {value} in b.jsonl"
    with pytest.raises(UsageError) as caught:
        merge(reports)
    assert str(caught.value) == (
        f"the reports do not belong together: {difference}; judge again by the same, or merge "
        "them all the same with --force, which marks them"
    )
    forced = merge(reports, force=True)
    assert forced.header["mixed"] == [difference]
    assert notes(forced) == [f"Merged although they do not belong together: {difference}."]
    again = merge({"c.jsonl": forced, "d.jsonl": of(result(loader="three"))}, force=True)
    assert difference in again.header["mixed"]


def test_a_loader_is_judged_once_by_each_requirement() -> None:
    with pytest.raises(UsageError) as caught:
        merge({"a": of(ONE), "b": of(replace(ONE, verdict=result(Outcome.FAILED).verdict))})
    assert str(caught.value) == (
        "both a and b judge one by some_requirement; merge reports of different loaders, or the "
        "shards of one run"
    )


def test_two_versions_of_a_loader_are_not_one() -> None:
    other = of(result(requirement="other"), about={"version": "2.0"})
    with pytest.raises(UsageError) as caught:
        merge({"a": of(ONE), "b": other})
    assert str(caught.value) == (
        "the reports are of two versions of one, 1.0 and 2.0; leave one out, or set them against "
        "each other with `conformance compare`"
    )


def test_shards_that_make_a_whole_become_one() -> None:
    results = [result(requirement=name) for name in "abc"]
    shards = {f"{n}": shard(f"{n}/3", each) for n, each in enumerate(results, 1)}
    merged = merge(shards, "abc")
    assert (merged.header, merged.results) == (report(*results).header, results)


def test_shards_that_are_missing_are_told() -> None:
    first, third = shard("1/3", result(requirement="a")), shard("3/3", result(requirement="c"))
    merged = merge({"1": first, "3": third, "whole": of(TWO)})
    assert notes(first) == ["one: of its shards 1/3 is here; 2/3, 3/3 is missing."]
    assert notes(merged) == ["one: of its shards 1/3, 3/3 is here; 2/3 is missing."]
    completed = merge({"all": merged, "2": shard("2/3", result(requirement="b"))})
    assert notes(completed) == []


def test_shards_from_several_machines_say_so() -> None:
    shards = {
        machine: of(result(requirement=machine), about={"shards": [f"{n}/2"]}, platform=machine)
        for n, machine in enumerate(("here", "there"), 1)
    }
    (loader,) = merge(shards).header["loaders"]
    assert loader["judged"] == {"platform": "here, there"}
    assert "shards" not in loader


def test_a_run_that_was_not_finished_stays_so() -> None:
    merged = merge({"a": of(ONE), "b": report(TWO, complete=False)})
    assert merged.footer["complete"] is False
    assert notes(merged) == ["The run was not finished: what is missing was not judged."]


def test_files_are_read_as_one(tmp_path: Path) -> None:
    paths = []
    for each in (ONE, TWO):
        paths.append(tmp_path / f"{each.loader}.jsonl")
        footer = {"kind": "footer", "complete": True, "results": 1}
        header = {"kind": "header", "format": FORMAT, **of(each).header}
        paths[-1].write_text(written(Report(header, [each], footer)), "utf-8")
    assert read_merged(paths).results == [ONE, TWO]
    assert read_merged(paths[:1]) == read_report(paths[0])
    with pytest.raises(UsageError, match=r"one\.jsonl is named twice; name it once$"):
        read_merged([paths[0], paths[0]])
