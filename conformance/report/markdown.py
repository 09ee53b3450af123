"""The report as Markdown, for an issue or a job summary."""

import re

import jinja2

from conformance.catalogue import Catalogue
from conformance.outcome import Outcome, printable
from conformance.report.jsonl import Report
from conformance.report.summary import closing_line, notes, summarise

environment = jinja2.Environment(
    loader=jinja2.PackageLoader("conformance.report"),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
)


def cell(text: str) -> str:
    """Return text that cannot leave its place in a paragraph or a table, whatever it holds."""
    line = re.sub(r"([\\`*_{}\[\]<>()#+!|~&])", r"\\\1", " ".join(printable(text).split()))
    # Nor is a list begun, or a line drawn.
    return re.sub(r"^(\d+(?=\.(?:\s|$))|(?=[-=]))", r"\1\\", line)


def fenced(text: str, language: str = "") -> str:
    """Return text as a code block with a fence longer than any in it."""
    text = printable(text)
    fence = "`" * (1 + max([2, *map(len, re.findall(r"`+", text))]))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def linked(link: str) -> str:
    """Return a link to follow after a text, or what claims to be one as text; nothing for none."""
    if re.fullmatch(r"https?://[^\s<>\\]+", printable(link)):
        return f" <{link}>"
    return f" {cell(link)}" if link else ""


environment.filters |= {"cell": cell, "fenced": fenced, "linked": linked}


def render(report: Report, *, strict: bool = False) -> str:
    """Return a table of who keeps what, one of verdicts, and a section for each one's failures."""
    return environment.get_template("report.md.jinja").render(
        report=report,
        summaries={name: summarise(report.of(name), strict=strict) for name in report.loaders},
        notes=notes(report),
        closing=closing_line(report.results),
        Outcome=Outcome,
    )


def render_catalogue(subjects: Catalogue) -> str:
    """Return a page with every requirement, chapter by chapter."""
    chapters = {
        chapter: [r for r in subjects.requirements.values() if r.chapter == chapter]
        for chapter in subjects.chapters
    }
    return environment.get_template("catalogue.md.jinja").render(chapters=chapters)
