"""Several reports as one: of different loaders, or of the shards of one run."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.errors import UsageError
from conformance.outcome import Result
from conformance.report.jsonl import Report, read_report
from conformance.report.summary import missing_shards

EQUAL = ("suite", "seed", "examples")  # without which results cannot be held against each other
VARYING = (*EQUAL, "python", "torch", "platform", "accelerator", "deadline", "start_method")


def merge(
    reports: Mapping[str, Report], order: Iterable[str] = (), *, force: bool = False
) -> Report:
    """Return one report of all results.

    The header holds what the reports agree on; where they differ it lists the values, and each
    loader says its own. Shards that make a whole become one.

    Args:
        reports: the reports by what they are called in an error.
        order: the names of the requirements in reading order.
        force: merge what does not belong together; the report is marked as such.

    Raises:
        UsageError: the reports are of different suites, seeds or examples, or judge the same twice.

    """
    headers = {name: report.header for name, report in reports.items()}
    mixed = [text for key in EQUAL if (text := _difference(key, headers))]
    if mixed and not force:
        raise UsageError(
            f"the reports do not belong together: {mixed[0]}; judge again by the same, "
            "or merge them all the same with --force, which marks them"
        )
    first, *_ = headers.values()
    loaders = _loaders(headers)
    header = {**first, "loaders": list(loaders.values())}
    for key in VARYING:
        values = _values(key, headers)
        if len(values) > 1:
            header[key] = ", ".join(values)
    if any("started" in each for each in headers.values()):
        header["started"] = min(str(each.get("started")) for each in headers.values())
    marks = dict.fromkeys([*_marks(headers), *mixed])
    if marks:
        header["mixed"] = list(marks)
    results = _results(reports, list(loaders), order)
    complete = all(report.footer.get("complete", False) for report in reports.values())
    return Report(
        header, results, {"kind": "footer", "complete": complete, "results": len(results)}
    )


def read_merged(
    paths: Sequence[Path], order: Iterable[str] = (), *, partial: bool = False, force: bool = False
) -> Report:
    """Return the report in a file, or in several as one.

    Raises:
        UsageError: one cannot be read, is named twice, or they cannot be merged.

    """
    reports: dict[str, Report] = {}
    for path in paths:
        if str(path) in reports:
            raise UsageError(f"the report {path} is named twice; name it once")
        reports[str(path)] = read_report(path, partial=partial)
    if len(reports) == 1:
        return next(iter(reports.values()))
    return merge(reports, order, force=force)


def _loaders(headers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what is said about each loader, with where it was judged if that differs."""
    differing = [key for key in VARYING if len(_values(key, headers)) > 1]
    merged: dict[str, dict[str, Any]] = {}
    for header in headers.values():
        for loader in header["loaders"]:
            judged = {key: str(header.get(key, "unknown")) for key in differing}
            about = {**loader, **({"judged": judged} if judged else {})}
            earlier = merged.setdefault(loader["name"], about)
            if earlier["version"] != about["version"]:
                versions = " and ".join(each["version"] or "none" for each in (earlier, about))
                raise UsageError(
                    f"the reports are of two versions of {loader['name']}, {versions}; leave one "
                    "out, or set them against each other with `conformance compare`"
                )
            if earlier is not about:
                _join(earlier, about)
    for loader in merged.values():
        if "shards" in loader and not missing_shards(loader["shards"]):
            del loader["shards"]
    return merged


def _join(earlier: dict[str, Any], about: Mapping[str, Any]) -> None:
    """Add what a further report says about a loader of which there has been one."""
    if "shards" in earlier or "shards" in about:
        earlier["shards"] = [*earlier.get("shards", []), *about.get("shards", [])]
    for key, value in about.get("judged", {}).items():
        values = dict.fromkeys([*earlier["judged"][key].split(", "), value])
        earlier["judged"][key] = ", ".join(values)


def _results(
    reports: Mapping[str, Report], loaders: Sequence[str], order: Iterable[str]
) -> list[Result]:
    seen: dict[tuple[str, str], str] = {}
    results = []
    for name, report in reports.items():
        for result in report.results:
            other = seen.setdefault(result.key, name)
            if other != name:
                raise UsageError(
                    f"both {other} and {name} judge {result.loader} by {result.requirement}; "
                    "merge reports of different loaders, or the shards of one run"
                )
            results.append(result)
    names = dict.fromkeys([*order, *(result.requirement for result in results)])
    rank = {name: position for position, name in enumerate(names)}
    return sorted(results, key=lambda r: (loaders.index(r.loader), rank[r.requirement]))


def _values(key: str, headers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(header.get(key, "unknown")) for header in headers.values()))


def _difference(key: str, headers: Mapping[str, Mapping[str, Any]]) -> str:
    """Return in words that the reports differ in a value, or nothing."""
    if len(_values(key, headers)) == 1:
        return ""
    return f"{key} " + ", ".join(
        f"{h.get(key, 'unknown')} in {name}" for name, h in headers.items()
    )


def _marks(headers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [mark for header in headers.values() for mark in header.get("mixed", [])]
