"""A badge for each loader, for a README: how many of the MUSTs that apply to it it keeps."""

import re
from dataclasses import dataclass
from typing import Any

import jinja2

from conformance.outcome import printable
from conformance.report.jsonl import Report
from conformance.report.markdown import cell
from conformance.report.summary import Summary, notes, summarise

LABEL = "conformance"
LETTER = 6.5  # pixels of an average letter in 11 px Verdana
CONFORMS, BREAKS, OPEN = "#15803d", "#b91c1c", "#57606a"

environment = jinja2.Environment(
    loader=jinja2.PackageLoader("conformance.report"),
    autoescape=True,
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
)


@dataclass(frozen=True)
class Badge:
    """One loader's badge: a file name that is one anywhere, an SVG, and the Markdown to show it."""

    file: str
    svg: str
    markdown: str


def render(report: Report, *, strict: bool = False) -> list[Badge]:
    """Return a badge for each loader, in the report's order."""
    badges: list[Badge] = []
    taken: set[str] = set()
    for loader in report.header["loaders"]:
        summary = summarise(report.of(loader["name"]), strict=strict)
        file = _file(loader["name"], taken)
        taken.add(file)
        look = _look(loader, summary, unfinished=bool(notes(report)))
        svg = environment.get_template("badge.svg.jinja").render(badge=look)
        text = f"![{cell(look['title'])}]({file})"
        badges.append(Badge(file, svg, text))
    return badges


def _look(loader: dict[str, Any], summary: Summary, *, unfinished: bool) -> dict[str, Any]:
    must = summary.must
    value = f"{must.passed}/{must.asked} MUST" + (" so far" if unfinished else "")
    colour = CONFORMS if summary.conforms else BREAKS if must.asked else OPEN
    label_width, value_width = (round(LETTER * len(text)) + 12 for text in (LABEL, value))
    name = printable(" ".join(f"{loader['name']} {loader['version']}".split()))
    return {
        "label": LABEL,
        "value": value,
        "colour": OPEN if unfinished else colour,
        "label_width": label_width,
        "width": label_width + value_width,
        "title": f"{name}: {LABEL} {value}, {summary.verdict}",
    }


def _file(loader: str, taken: set[str]) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", loader).strip(".-") or "loader"
    names = [f"{stem}.svg", *(f"{stem}-{number}.svg" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name.lower() not in {each.lower() for each in taken})
