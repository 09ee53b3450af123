"""The command line. Exit codes: 0 conforms, 1 does not, 2 wrong use, 130 interrupted."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax

from conformance.catalogue import catalogue, nearest
from conformance.errors import UsageError
from conformance.judge import Settings
from conformance.kill_matrix import kill_matrix, write_matrix
from conformance.known import read_known, write_known
from conformance.loaders import available
from conformance.outcome import Result
from conformance.report import junit, markdown, terminal
from conformance.report.compare import compare as compare_reports
from conformance.report.jsonl import ReportWriter, read_report
from conformance.report.summary import summarise
from conformance.requirement import Basis
from conformance.run import describe, header, run, warm_up

REPORT = Path("conformance-report.jsonl")
MATRIX = Path("build/kill-matrix.csv")
INTERRUPTED = 130


def main() -> None:
    """Run the command line; wrong use ends with one line that says so."""
    try:
        # Outside its standalone mode click returns the code of an Exit.
        sys.exit(cli(standalone_mode=False))
    except UsageError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever was reading (`| head`) has gone; nothing is left to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dataloader-conformance")
def cli() -> None:
    """Judge which promises of PyTorch's DataLoader a loader keeps."""


selection = [
    click.option(
        "--chapter", "chapters", multiple=True, help="Only this chapter (may be repeated)."
    ),
    click.option("-k", "words", multiple=True, help="Only requirements with this in their name."),
    click.option(
        "--basis",
        type=click.Choice([basis.value for basis in Basis]),
        help="Only what rests on this.",
    ),
]


def selecting(command: click.decorators.FC) -> click.decorators.FC:
    """Add the options that select requirements."""
    for option in reversed(selection):
        command = option(command)
    return command


@cli.command("list")
@selecting
@click.option("--loaders", is_flag=True, help="The names that --loader takes, instead.")
@click.option("--markdown", "as_page", is_flag=True, help="The whole catalogue as a page.")
def list_(
    chapters: Sequence[str], words: Sequence[str], basis: str | None, loaders: bool, as_page: bool
) -> None:
    """List the requirements, chapter by chapter."""
    if as_page:
        click.echo(markdown.render_catalogue(catalogue()), nl=False)
        return
    if loaders:
        click.echo("\n".join([*available(), "module:callable  (any callable like the DataLoader)"]))
        return
    console = Console(soft_wrap=True, highlight=False)
    chapter = ""
    for requirement in catalogue().select(chapters, words, basis):
        if requirement.chapter != chapter:
            chapter = requirement.chapter
            console.print(f"\n[bold]{chapter}[/bold]")
        console.print(f"  {requirement.name} [dim]{requirement.level}, {requirement.basis}[/dim]")


@cli.command()
@click.argument("identifier", metavar="ID")
def explain(identifier: str) -> None:
    """Explain a requirement, or a claim of the documents, by its ID."""
    console = Console(highlight=False)
    claims = catalogue().claims()
    if identifier in claims:
        console.print(identifier, style="bold")
        for key, value in claims[identifier].items():
            console.print(f"  {key}: {value}", markup=False)
        return
    if identifier.startswith(("D1-", "D2-")):
        raise UsageError(f"no claim has the id {identifier!r}; {nearest(identifier, claims)}")
    requirement = catalogue().get(identifier)
    console.print(f"{requirement.chapter}.{requirement.name}", style="bold")
    console.print(f"\n{requirement.sentence}\n\n{requirement.reason}\n", markup=False)
    for claim in requirement.claims:
        console.print(f"  {claim}: {claims.get(claim, {}).get('says', '')}", markup=False)
    for link in requirement.evidence:
        console.print(f"  evidence: {link}", markup=False)
    mutants = ", ".join(mutant.name for mutant in requirement.mutants)
    console.print(f"  mutants it catches: {mutants}\n", markup=False)
    console.print(Syntax(requirement.source_text(), "python", background_color="default"))


@cli.command("run")
@click.option(
    "--loader", "loaders", multiple=True, required=True, help="Who is judged (may be repeated)."
)
@selecting
@click.option("--known", type=click.Path(path_type=Path), help="Accepted deviations (TOML).")
@click.option("--emit-known", type=click.Path(path_type=Path), help="Write what fails as accepted.")
@click.option("--seed", type=int, default=0, show_default=True, help="Where all choices start.")
@click.option(
    "--examples", type=click.IntRange(1), default=50, show_default=True, help="For each property."
)
@click.option("--strict", is_flag=True, help="A SHOULD that is not met fails, too.")
@click.option(
    "--deadline",
    type=click.FloatRange(1),
    default=30,
    show_default=True,
    help="Seconds for each requirement.",
)
@click.option("--jobs", type=click.IntRange(1), help="How many at a time.  [default: the cores]")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=REPORT,
    show_default=True,
    help="The report file.",
)
def run_(
    loaders: Sequence[str],
    chapters: Sequence[str],
    words: Sequence[str],
    basis: str | None,
    known: Path | None,
    emit_known: Path | None,
    seed: int,
    examples: int,
    strict: bool,
    deadline: float,
    jobs: int | None,
    output: Path,
) -> None:
    """Judge loaders: bundled names, entry points, or module:callable."""
    subjects = catalogue()
    requirements = subjects.select(chapters, words, basis)
    accepted = read_known(known, subjects) if known else {}
    if emit_known:
        _writable(emit_known, "--emit-known")
    warm_up(subjects.package, loaders)
    described = describe(loaders)
    settings = Settings(seed, examples, deadline)
    order = [
        (loader.name, requirement.name) for loader in described for requirement in requirements
    ]
    interrupted = False
    with ReportWriter(output, header(subjects, described, settings), order) as writer:
        results = run(
            subjects,
            described,
            requirements,
            settings,
            jobs=jobs or os.cpu_count() or 1,
            known=accepted,
        )
        try:
            with closing(results), progressing(len(order)) as step:
                for result in results:
                    writer.add(result)
                    step(result)
        except KeyboardInterrupt:
            interrupted = True
    report = writer.report()
    console = Console(highlight=False)
    terminal.show(report, console, strict=strict, path=str(output))
    if emit_known:
        count = write_known(emit_known, report.results)
        click.echo(f"{emit_known}: {count} accepted deviations written", err=True)
    if interrupted:
        click.echo(
            f"interrupted; the {len(report.results)} results so far are in {output}", err=True
        )
        raise click.exceptions.Exit(INTERRUPTED)
    conform = all(summarise(report.of(name), strict=strict).conforms for name in report.loaders)
    raise click.exceptions.Exit(0 if conform else 1)


@cli.command()
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
            with _writable(output).open("w", encoding="utf-8") as stream:
                terminal.show(read, Console(file=stream, width=100), strict=strict, path=str(file))
        return
    text = junit.render(read) if format_ == "junit" else markdown.render(read, strict=strict)
    if output is None:
        click.echo(text, nl=False)
    else:
        _writable(output).write_text(text, "utf-8")


@cli.command()
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
def reproduce(identifier: str, loader: str | None, file: Path) -> None:
    """Print the script that reproduces a failure with the loader alone."""
    name = catalogue().get(identifier).name
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


@cli.command()
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


@cli.command()
@click.option("--loader", default="reference", show_default=True, help="The honest loader.")
@selecting
@click.option("--seed", type=int, default=0, show_default=True, help="Where all choices start.")
@click.option("--examples", type=click.IntRange(1), default=50, show_default=True)
@click.option("--jobs", type=click.IntRange(1), help="How many at a time.  [default: the cores]")
@click.option("--output", type=click.Path(path_type=Path), default=MATRIX, show_default=True)
def mutants(
    loader: str,
    chapters: Sequence[str],
    words: Sequence[str],
    basis: str | None,
    seed: int,
    examples: int,
    jobs: int | None,
    output: Path,
) -> None:
    """Break a loader in all known ways and see which requirement notices: the kill matrix."""
    subjects = catalogue()
    requirements = subjects.select(chapters, words, basis)
    warm_up(subjects.package, [loader])
    describe([loader])
    settings = Settings(seed, examples)
    _writable(output)
    rows = []
    for row in kill_matrix(subjects, loader, requirements, settings, jobs or os.cpu_count() or 1):
        rows.append(row)
        caught = f"caught by {len(row.killers)}" if row.killed else "NOT CAUGHT by its requirement"
        click.echo(f"{row.requirement}: {row.mutant}: {caught}\n{row.output}".rstrip())
    rank = {requirement.name: position for position, requirement in enumerate(requirements)}
    rows.sort(key=lambda row: rank[row.requirement])
    write_matrix(output, rows)
    killed = sum(row.killed for row in rows)
    click.echo(f"{killed} of {len(rows)} mutants caught by their requirement; matrix in {output}")
    raise click.exceptions.Exit(0 if killed == len(rows) else 1)


@contextmanager
def progressing(total: int) -> Iterator[Callable[[Result], None]]:
    """Show progress on standard error: a bar in a terminal, now and then a line elsewhere."""
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("judging", total=total)

            def step(result: Result) -> None:
                if result.outcome.broken:
                    bar.console.print(terminal.headline(result))
                bar.update(task, advance=1, description=f"{result.loader} {result.chapter}")

            yield step
        return
    done = 0

    def line(result: Result) -> None:
        nonlocal done
        done += 1
        if result.outcome.broken:
            click.echo(terminal.headline(result).plain, err=True)
        if done % 50 == 0 or done == total:
            click.echo(f"{done} of {total} judged", err=True)

    yield line


def _writable(path: Path, option: str = "--output") -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}; name another with {option}"
        ) from error
    return path
