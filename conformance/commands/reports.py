"""What becomes of a report: `report`, `merge`, `reproduce` and `compare`."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import click
from rich.console import Console

from conformance.catalogue import catalogue
from conformance.commands.options import REPORT, forcing, partially, writable
from conformance.errors import UsageError
from conformance.kill_matrix import read_matrix
from conformance.outcome import printable
from conformance.report import badge, html, junit, markdown, terminal
from conformance.report.compare import by_danger, circumstances, of_one_loader, paired
from conformance.report.compare import compare as compare_reports
from conformance.report.jsonl import Report, read_report, written
from conformance.report.merge import read_merged
from conformance.report.summary import notes


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["terminal", "junit", "markdown", "html", "badge"]),
    default="terminal",
    show_default=True,
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Write to this file instead of the terminal; badges, to this folder.",
)
@click.option(
    "--kill-matrix",
    "kill_matrices",
    multiple=True,
    type=click.Path(path_type=Path),
    help="What `mutants` wrote, for the page to show (may be repeated: shards).",
)
@partially
@click.option("--strict", is_flag=True, help="A SHOULD that is not met fails, too.")
@forcing
@click.pass_obj
def report(
    specification: str,
    files: Sequence[Path],
    format_: str,
    output: Path | None,
    kill_matrices: Sequence[Path],
    partial: bool,
    strict: bool,
    force: bool,
) -> None:
    """Show a report, or several as one, or write it in another format."""
    if kill_matrices and format_ != "html":
        raise UsageError("the kill matrix is shown by the page only; add --format html")
    read = _read(specification, files, partial=partial, force=force)
    if format_ == "terminal":
        path = str(files[0]) if len(files) == 1 else "FILE"
        if output is None:
            terminal.show(read, Console(highlight=False), strict=strict, path=path)
        else:
            with writable(output).open("w", encoding="utf-8") as stream:
                terminal.show(read, Console(file=stream, width=100), strict=strict, path=path)
        return
    if format_ == "badge":
        click.echo(_badges(read, output, strict=strict), nl=False)
        return
    if format_ == "html":
        claims = catalogue(specification).claims()
        kills = dict(chain.from_iterable(read_matrix(each).items() for each in kill_matrices))
        text = html.render(read, claims, kills, strict=strict)
    elif format_ == "junit":
        text = junit.render(read)
    else:
        text = markdown.render(read, strict=strict)
    if output is None:
        click.echo(text, nl=False)
    else:
        writable(output).write_text(text, "utf-8")


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=REPORT,
    show_default=True,
    help="The report file.",
)
@partially
@forcing
@click.pass_obj
def merge(
    specification: str, files: Sequence[Path], output: Path, partial: bool, force: bool
) -> None:
    """Make one report of several: of different loaders, or of the shards of one run."""
    merged = _read(specification, files, partial=partial, force=force)
    writable(output).write_text(written(merged), "utf-8")
    for note in notes(merged):
        click.echo(note, err=True)
    click.echo(
        f"{output}: {len(merged.results)} results of {len(merged.loaders)} loaders "
        f"from {len(files)} reports"
    )


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
@click.argument("before")
@click.argument("after")
@click.option(
    "--report",
    "file",
    type=click.Path(path_type=Path),
    help="BEFORE and AFTER are the names of two loaders in this report, not files.",
)
@partially
@click.pass_obj
def compare(specification: str, before: str, after: str, file: Path | None, partial: bool) -> None:
    """Show what changes from one report to another; exit with 1 if a promise is no longer kept.

    What loses data unseen comes first, what is noticed at once last.
    """
    if file:
        whole = read_report(file, partial=partial)
        pair = (of_one_loader(whole, before), of_one_loader(whole, after))
    else:
        pair = (
            read_report(Path(before), partial=partial),
            read_report(Path(after), partial=partial),
        )
    changes = compare_reports(*pair)
    click.echo("\n".join(circumstances(*pair)))
    several = len(paired(*pair)) > 1
    for title, group in by_danger(changes, catalogue(specification).harms()):
        click.echo(f"{title}:")
        for change in group:
            whose = f"{change.result.loader}: " if several else ""
            click.echo(f"  {whose}{change}\n      {change.result.sentence}")
            if change.why:
                click.echo(f"      {printable(change.why)}")
    lost, won = (sum(getattr(c, kind) for c in changes) for kind in ("breaks", "mends"))
    click.echo(
        f"{lost} no longer kept, {won} kept now, {len(changes) - lost - won} otherwise changed"
        if changes
        else "nothing changes"
    )
    raise click.exceptions.Exit(1 if lost else 0)


def _read(
    specification: str, files: Sequence[Path], *, partial: bool = False, force: bool = False
) -> Report:
    # The specification's order is asked for only where there is something to put in order.
    order = catalogue(specification).requirements if len(files) > 1 else ()
    return read_merged(files, order, partial=partial, force=force)


def _badges(read: Report, folder: Path | None, *, strict: bool) -> str:
    """Return the only loader's badge, or write all to a folder and return Markdown with links."""
    badges = badge.render(read, strict=strict)
    if folder is None:
        if len(badges) > 1:
            raise UsageError(
                f"the report is of {len(badges)} loaders and each has a badge; name a folder for "
                "them with --output"
            )
        return "".join(each.svg for each in badges)
    for each in badges:
        writable(folder / each.file).write_text(each.svg, "utf-8")
    links = "".join(f"{each.markdown}\n" for each in badges)
    writable(folder / "badges.md").write_text(links, "utf-8")
    return links
