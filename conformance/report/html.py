"""The report as one page that needs nothing else: loaders across, requirements down.

What is seen at once is HTML; what a cell opens to is JSON inside of it, shown as text on demand.
Whatever comes from a loader is text, in both. A policy in the page allows its own script only.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2

from conformance.outcome import Outcome, Result, printable
from conformance.report.jsonl import Report
from conformance.report.summary import Score, Summary, notes, summarise
from conformance.report.terminal import MARKS
from conformance.requirement import Level

Kills = Mapping[str, Mapping[str, Sequence[str] | str]]
NOT_JUDGED = "not judged"
# Where a browser's fonts may lack what a terminal's have, or show a picture in its place.
SIGNS = {NOT_JUDGED: "·", Outcome.TIMEOUT: "∞", Outcome.CRASH: "☠\N{VARIATION SELECTOR-15}"}
WIDE = 8  # loaders whose names stand upright
KINDS = ("broken", "aside", "absent", "kept", "unsupported")  # the most telling one first
FEW = 60  # requirements that are shown without being asked for


def _text(value: Any) -> Any:
    # What jinja2 has marked as HTML is its own doing: JSON and the two files beside the template.
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


environment = jinja2.Environment(
    loader=jinja2.PackageLoader("conformance.report"),
    autoescape=True,
    finalize=_text,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}


@dataclass(frozen=True)
class Row:
    """One requirement, and the results of all loaders; `None` where one was not judged by it."""

    index: int
    about: Result
    cells: Sequence[Result | None]

    @property
    def words(self) -> str:
        """The requirement's name, to be read and broken into lines."""
        return self.about.requirement.replace("_", " ")


@dataclass(frozen=True)
class Tally:
    """What became of some requirements on one loader."""

    score: Score
    counts: Counter[str]

    @property
    def kind(self) -> str:
        """The most telling of the kinds of outcomes that there are."""
        there = {kind_of(word) for word in self.counts}
        return next(kind for kind in KINDS if kind in there)

    @property
    def besides(self) -> str:
        """What is not passed, in words."""
        words = sorted(self.counts, key=lambda word: KINDS.index(kind_of(word)))
        return ", ".join(f"{self.counts[word]} {word}" for word in words if word != Outcome.PASSED)


@dataclass(frozen=True)
class Choice:
    """What some loaders were seen to do where the documents leave it open."""

    index: int
    row: Row
    text: str
    made: Sequence[bool | None]


def render(report: Report, claims: Mapping[str, Any], kills: Kills, *, strict: bool = False) -> str:
    """Return the page.

    Args:
        report: what was judged.
        claims: what became of the documents' claims (`Catalogue.claims`); errata are shown.
        kills: who catches each mutant, by requirement and mutant, or a text that says why it was
            not judged (`read_matrix`); may be empty.
        strict: whether a SHOULD that is not met counts against a loader.

    """
    rows = list(_rows(report))
    choices = list(_choices(rows))
    script = _asset("page.js")
    loaders = report.header["loaders"]
    return environment.get_template("page.html.jinja").render(
        header=report.header,
        notes=notes(report),
        loaders=loaders,
        upright=len(loaders) <= WIDE,
        summaries=[summarise(report.of(each["name"]), strict=strict) for each in loaders],
        totals=[_tally(row.cells[column] for row in rows) for column in range(len(loaders))],
        groups=list(_groups(rows)),
        choices=choices,
        requirements=len(rows),
        few=len(rows) <= FEW,
        chapters=list(dict.fromkeys(row.about.chapter for row in rows)),
        outcomes=[word for word in (*Outcome, NOT_JUDGED) if _occurs(word, rows)],
        errata={claim: about for claim, about in claims.items() if "erratum" in about},
        kills=_clean(kills),
        mutants=[
            None if isinstance(by, str) else name in by
            for name, its in kills.items()
            for by in its.values()
        ],
        data=_clean(_data(rows, choices, claims, loaders)),
        details=_clean(_details(rows)),
        style=_asset("page.css"),
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        mark=mark_of,
        kind=kind_of,
        word=word_of,
        standing=standing_of,
    )


def standing_of(summary: Summary) -> tuple[str, str]:
    """Return how a loader as a whole is to look, and its sign."""
    if summary.conforms:
        return ("aside", "~") if summary.accepted else ("kept", "✓")
    return ("broken", "✗") if summary.must.asked + summary.should.asked else ("absent", "·")


def word_of(result: Result | None) -> str:
    """Return what became of a requirement."""
    return result.outcome if result else NOT_JUDGED


def mark_of(word: str) -> str:
    """Return the sign of an outcome, which tells it without a colour."""
    return SIGNS.get(word) or MARKS[Outcome(word)][0]


def kind_of(word: str) -> str:
    """Return how an outcome is to look: kept, broken, unsupported, absent, or aside."""
    if word == NOT_JUDGED:
        return "absent"
    if Outcome(word).broken:
        return "broken"
    return {"passed": "kept", "unsupported": "unsupported"}.get(word, "aside")


def _rows(report: Report) -> Iterator[Row]:
    found = {result.key: result for result in report.results}
    about = {result.requirement: result for result in reversed(report.results)}
    for index, name in enumerate(dict.fromkeys(r.requirement for r in report.results)):
        cells = [found.get((loader, name)) for loader in report.loaders]
        yield Row(index, about[name], cells)


def _groups(rows: Sequence[Row]) -> Iterator[tuple[str, dict[str, tuple[list[Row], list[Tally]]]]]:
    """Yield MUST and SHOULD, each with its chapters, their rows, and a tally for each loader."""
    for title, binding in (("MUST", True), ("SHOULD", False)):
        chapters: dict[str, list[Row]] = {}
        for row in rows:
            if Level(row.about.level).binding is binding:
                chapters.setdefault(row.about.chapter, []).append(row)
        tallied = {
            chapter: (its, [_tally(cells) for cells in zip(*(r.cells for r in its), strict=True)])
            for chapter, its in chapters.items()
        }
        if tallied:
            yield title, tallied


def _tally(cells: Iterator[Result | None] | Sequence[Result | None]) -> Tally:
    counts = Counter(map(word_of, cells))
    asked = counts.total() - counts[Outcome.UNSUPPORTED] - counts[NOT_JUDGED]
    return Tally(Score(counts[Outcome.PASSED], asked), +counts)


def _choices(rows: Sequence[Row]) -> Iterator[Choice]:
    index = 0
    for row in rows:
        seen = [set(cell.verdict.observations) if cell else None for cell in row.cells]
        told = [o for cell in row.cells if cell for o in cell.verdict.observations]
        for text in dict.fromkeys(told):
            yield Choice(index, row, text, [None if s is None else text in s for s in seen])
            index += 1


def _occurs(word: str, rows: Sequence[Row]) -> bool:
    return any(word_of(cell) == word for row in rows for cell in row.cells)


def _data(
    rows: Sequence[Row],
    choices: Sequence[Choice],
    claims: Mapping[str, Any],
    loaders: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what the page's script needs in order to filter and to open a cell."""
    words = [*Outcome, NOT_JUDGED]
    return {
        "loaders": [{"name": each["name"], "version": each["version"]} for each in loaders],
        "outcomes": [[word, mark_of(word), kind_of(word)] for word in words],
        "requirements": [
            {
                "name": row.about.requirement,
                "chapter": row.about.chapter,
                "level": row.about.level,
                "basis": row.about.basis,
                "sentence": row.about.sentence,
                "source": row.about.source,
                "cells": [words.index(word_of(cell)) for cell in row.cells],
            }
            for row in rows
        ],
        "choices": [[each.text, [int(made or 0) for made in each.made]] for each in choices],
        "claims": {claim: about.get("says", "") for claim, about in claims.items()},
    }


def _details(rows: Sequence[Row]) -> dict[str, Any]:
    """Return what each cell opens to, by row and column; nothing where there is nothing to say."""
    details = {}
    for row in rows:
        for column, cell in enumerate(row.cells):
            if cell is None:
                continue
            verdict = cell.verdict
            said = {
                "message": verdict.message,
                "known": cell.known,
                "link": cell.link,
                "asked": verdict.asked,
                "example": ", ".join(f"{key}={value}" for key, value in verdict.example.items()),
                "came": list(verdict.came.items()),
                "observations": verdict.observations,
                "script": verdict.script,
                "traceback": verdict.traceback,
                "output": verdict.output,
            }
            if said := {key: value for key, value in said.items() if value}:
                details[f"{row.index},{column}"] = said
    return details


def _clean(value: Any) -> Any:
    """Return data with what cannot be shown in its texts spelled out."""
    if isinstance(value, Mapping):
        return {_text(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return _text(value)


def _asset(name: str) -> str:
    return resources.files("conformance.report").joinpath("templates", name).read_text("utf-8")
