"""Judging loaders: `run`."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from conformance.catalogue import catalogue
from conformance.commands.options import (
    REPORT,
    jobs_at_a_time,
    seeding,
    selecting,
    sharding,
    share,
    start_method,
    writable,
)
from conformance.judge import Settings
from conformance.known import read_known, write_known
from conformance.outcome import Result
from conformance.report import terminal
from conformance.report.jsonl import ReportWriter
from conformance.report.summary import summarise
from conformance.run import describe, header, run, warm_up

INTERRUPTED = 130


@click.command("run")
@click.option(
    "--loader", "loaders", multiple=True, required=True, help="Who is judged (may be repeated)."
)
@selecting
@sharding
@click.option("--known", type=click.Path(path_type=Path), help="Accepted deviations (TOML).")
@click.option("--emit-known", type=click.Path(path_type=Path), help="Write what fails as accepted.")
@seeding
@click.option(
    "--examples", type=click.IntRange(1), default=50, show_default=True, help="For each property."
)
@click.option("--strict", is_flag=True, help="A SHOULD that is not met fails, too.")
@click.option(
    "--deadline",
    type=click.FloatRange(1),
    default=30,
    show_default=True,
    help="Seconds for each requirement; ten times as many if workers are not forked.",
)
@start_method
@jobs_at_a_time
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=REPORT,
    show_default=True,
    help="The report file.",
)
@click.pass_obj
def run_(
    specification: str,
    loaders: Sequence[str],
    chapters: Sequence[str],
    words: Sequence[str],
    basis: str | None,
    shard: str | None,
    known: Path | None,
    emit_known: Path | None,
    seed: int,
    examples: int,
    strict: bool,
    deadline: float,
    start_method: str | None,
    jobs: int | None,
    output: Path,
) -> None:
    """Judge loaders: bundled names, entry points, or module:callable."""
    subjects = catalogue(specification)
    requirements = share(subjects.select(chapters, words, basis), shard)
    accepted = read_known(known, subjects) if known else {}
    if emit_known:
        writable(emit_known, "--emit-known")
    warm_up(subjects.package, loaders)
    described = describe(loaders)
    settings = Settings(seed, examples, deadline, start_method)
    order = [
        (loader.name, requirement.name) for loader in described for requirement in requirements
    ]
    interrupted = False
    about = header(subjects, described, settings, shard=shard)
    with ReportWriter(output, about, order) as writer:
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
