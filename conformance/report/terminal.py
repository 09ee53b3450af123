"""The report for a terminal."""

import shlex
import textwrap
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from conformance.accelerator import NO_ACCELERATOR, lacks_accelerator
from conformance.outcome import Outcome, Result, printable
from conformance.report.jsonl import Report
from conformance.report.summary import closing_line, notes, summarise

SCRIPTS_SHOWN = 2
MARKS = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.UNSUPPORTED: ("-", "dim"),
    Outcome.ERROR: ("!", "magenta"),
    Outcome.TIMEOUT: ("⧖", "red"),
    Outcome.CRASH: ("☠", "red"),
    Outcome.KNOWN: ("~", "yellow"),
    Outcome.DOCUMENTED: ("≠", "cyan"),
    Outcome.UNEXPECTED_PASS: ("?", "yellow"),
}


def show(report: Report, console: Console, *, strict: bool = False, path: str = "FILE") -> None:
    """Print failures first, then the counts and each loader's verdict, the closing line last."""
    for loader in report.loaders:
        results = report.of(loader)
        bad = [r for r in results if r.outcome.broken or r.outcome is Outcome.UNEXPECTED_PASS]
        for number, result in enumerate(bad):
            _failure(result, console, with_script=number < SCRIPTS_SHOWN, path=path)
    console.print(_table(report))
    for loader in report.loaders:
        _verdict(report, loader, console, strict=strict)
    if pending := report.header.get("pending"):
        console.print(f"{len(pending)} claims of the documents are pending: not held yet.")
    for note in notes(report):
        console.print(Text(printable(note), "yellow"))
    console.print(closing_line(report.results))


def headline(result: Result) -> Text:
    """Return a result in a line."""
    mark, style = MARKS[result.outcome]
    return Text.assemble(
        (f"{mark} {result.outcome} ", style),
        f"{result.chapter}.{result.requirement} ({result.loader})",
    )


def _failure(result: Result, console: Console, *, with_script: bool, path: str) -> None:
    verdict = result.verdict
    console.print(headline(result))
    rows = [("required", result.sentence), ("source", ", ".join(result.source))]
    if result.outcome is Outcome.UNEXPECTED_PASS:
        rows.append(("known as", result.known))
        rows.append(("remedy", "it is met now: take it off the list of known deviations"))
    else:
        example = ", ".join(f"{name}={value}" for name, value in verdict.example.items())
        rows += [("asked", verdict.asked), ("with", example), ("message", verdict.message)]
        rows += [("came", f"{name} = {value}") for name, value in verdict.came.items()]
        rows += [("output", textwrap.dedent(verdict.output).strip())]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        if value:
            grid.add_row(f"  {name}", Text(printable(value)))
    console.print(grid)
    if verdict.script and with_script:
        console.print(Text("  reproduce it with this script:", "dim"))
        # Lines stay as long as they are: a script that was wrapped cannot be pasted.
        code = printable(verdict.script.rstrip())
        highlighted = Syntax("", "python", background_color="default").highlight(code)
        console.print(highlighted, soft_wrap=True)
    elif verdict.script:
        options = ["--loader", result.loader, "--report", path]
        command = shlex.join(["conformance", "reproduce", result.requirement, *options])
        console.print(Text(f"  reproduce it with the script that `{command}` prints", "dim"))
    console.print()


def _table(report: Report) -> Table:
    table = Table()
    table.add_column("passed of asked")
    for loader in report.header["loaders"]:
        table.add_column(Text(f"{loader['name']}\n{loader['version']}".strip()))
    for chapter in dict.fromkeys(result.chapter for result in report.results):
        cells = [
            _cell([result for result in report.of(loader) if result.chapter == chapter])
            for loader in report.loaders
        ]
        table.add_row(chapter, *cells)
    return table


def _cell(results: Sequence[Result]) -> Text:
    counts = Counter(result.outcome for result in results)
    asked = len(results) - counts[Outcome.UNSUPPORTED]
    text = Text(f"{counts[Outcome.PASSED]} of {asked}")
    for outcome in Outcome:
        if outcome is not Outcome.PASSED and counts[outcome]:
            mark, style = MARKS[outcome]
            text.append(f"  {mark} {counts[outcome]} {outcome}", style)
    return text


def _verdict(report: Report, loader: str, console: Console, *, strict: bool) -> None:
    results = report.of(loader)
    summary = summarise(results, strict=strict)
    style = "bold green" if summary.conforms else "bold red"
    console.print(Text.assemble((f"{loader} {summary.verdict}", style)))
    console.print(
        f"  MUST {summary.must}, SHOULD {summary.should}; from the documents {summary.documents}, "
        f"from practice {summary.practice}; {summary.counts[Outcome.UNSUPPORTED]} unsupported"
    )
    if lacking := sum(lacks_accelerator(result.verdict) for result in results):
        console.print(f"  {lacking} of those could not be judged on this machine: {NO_ACCELERATOR}")
    for choice in dict.fromkeys(c for result in results for c in result.verdict.observations):
        console.print(Text(f"  · {printable(choice)}"))
