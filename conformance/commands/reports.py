"""What becomes of a report: `report`, `reproduce` and `compare`."""

from pathlib import Path

import click
from rich.console import Console

from conformance.catalogue import catalogue
from conformance.commands.options import REPORT, writable
from conformance.errors import UsageError
from conformance.report import junit, markdown, terminal
from conformance.report.compare import compare as compare_reports
from conformance.report.jsonl import read_report


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "format_",
    type=click.Choice(["terminal", "junit", "markdown"]),
    default="terminal",
    show_default=True,
)
@click.option(
    "--output", type=click.Path(path_type=Path), help="Write to this file instead of the terminal."
)
@click.option("--partial", is_flag=True, help="Take what is there of a report that was cut off.")
@click.option("--strict", is_flag=True, help="A SHOULD that is not met fails, too.")
def report(file: Path, format_: str, output: Path | None, partial: bool, strict: bool) -> None:
    """Show a report, or write it in another format."""
    read = read_report(file, partial=partial)
    if format_ == "terminal":
        if output is None:
            terminal.show(read, Console(highlight=False), strict=strict, path=str(file))
        else:
            with writable(output).open("w", encoding="utf-8") as stream:
                terminal.show(read, Console(file=stream, width=100), strict=strict, path=str(file))
        return
    text = junit.render(read) if format_ == "junit" else markdown.render(read, strict=strict)
    if output is None:
        click.echo(text, nl=False)
    else:
        writable(output).write_text(text, "utf-8")


@click.command()
@click.argument("identifier", metavar="ID")
@click.option("--loader", help="Whose failure, if the report is of several loaders.")
@click.option(
    "--report",
    "file",
    type=click.Path(path_type=Path),
    default=REPORT,
    show_default=True,
    help="Report file.",
)
@click.pass_obj
def reproduce(specification: str, identifier: str, loader: str | None, file: Path) -> None:
    """Print the script that reproduces a failure with the loader alone."""
    name = catalogue(specification).get(identifier).name
    scripts = {
        result.loader: result.verdict.script
        for result in read_report(file, partial=True).results
        if result.requirement == name and result.verdict.script and loader in (None, result.loader)
    }
    if len(scripts) != 1:
        held = (
            f"of {', '.join(scripts)}; choose by --loader"
            if scripts
            else "none; it did not fail there"
        )
        raise UsageError(f"of the scripts for {name} the report {file} has {held}")
    click.echo(next(iter(scripts.values())), nl=False)


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
def compare(before: Path, after: Path) -> None:
    """Show what changes from one report to another; exit with 1 if a promise is no longer kept."""
    changes = compare_reports(read_report(before), read_report(after))
    groups = {
        "no longer kept": [change for change in changes if change.breaks],
        "kept now": [change for change in changes if change.mends],
        "otherwise changed": [change for change in changes if not (change.breaks or change.mends)],
    }
    for title, group in groups.items():
        if group:
            click.echo(f"{title}:")
            for change in group:
                click.echo(f"  {change}\n      {change.result.sentence}")
    if not changes:
        click.echo("nothing changes")
    raise click.exceptions.Exit(1 if groups["no longer kept"] else 0)
