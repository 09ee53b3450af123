"""What the suite and a loader are put to: `mutants`, `chaos` and `smoke`."""

import json
import os
import shlex
import textwrap
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from conformance.catalogue import catalogue
from conformance.chaos import SURVIVED
from conformance.chaos import chaos as inject
from conformance.commands.options import (
    jobs_at_a_time,
    seeding,
    selecting,
    sharding,
    share,
    writable,
)
from conformance.judge import Settings
from conformance.kill_matrix import Row, kill_matrix, rows_in, write_matrix
from conformance.requirement import Requirement
from conformance.run import describe, warm_up
from conformance.smoke import smoke as try_out

MATRIX = Path("build/kill-matrix.csv")
FINDINGS = Path("build/chaos.jsonl")


@click.command()
@click.option("--loader", default="reference", show_default=True, help="The honest loader.")
@selecting
@sharding
@seeding
@click.option("--examples", type=click.IntRange(1), default=50, show_default=True)
@jobs_at_a_time
@click.option("--across", is_flag=True, help="By all requirements, not its chapter's. Takes hours.")
@click.option("--resume", is_flag=True, help="Go on where --output was cut off.")
@click.option("--output", type=click.Path(path_type=Path), default=MATRIX, show_default=True)
@click.pass_obj
def mutants(
    specification: str,
    loader: str,
    chapters: Sequence[str],
    words: Sequence[str],
    basis: str | None,
    shard: str | None,
    seed: int,
    examples: int,
    jobs: int | None,
    across: bool,
    resume: bool,
    output: Path,
) -> None:
    """Break a loader in all known ways and see which requirement notices: the kill matrix.

    A shard has the mutants of some requirements, which are judged by all that are selected.
    """
    subjects = catalogue(specification)
    judges = subjects.select(chapters, words, basis)
    owners = share(judges, shard)
    warm_up(subjects.package, [loader])
    describe([loader])
    settings = Settings(seed, examples)
    writable(output)
    rank = {requirement.name: position for position, requirement in enumerate(judges)}
    rows = rows_in(output, list(rank)) if resume else []
    at_a_time = jobs or os.cpu_count() or 1
    asked = (subjects, loader, owners, judges, settings, at_a_time)
    matrix = kill_matrix(*asked, across=across, done=tuple(rows))
    with closing(matrix):
        for row in matrix:
            click.echo(f"{row.requirement}: {row.mutant}: {fate(row)}\n{row.output}".rstrip())
            rows.append(row)
            rows.sort(key=lambda row: rank[row.requirement])
            write_matrix(output, rows, list(rank))  # all there is so far, whatever comes next
    judged = [row for row in rows if not row.lacking]
    killed = sum(row.killed for row in judged)
    Console().print(by_chapter(owners, judged))
    for lacking, count in Counter(row.lacking for row in rows if row.lacking).items():
        click.echo(f"{count} mutants could not be judged on this machine: {lacking}")
    click.echo(f"{killed} of {len(judged)} mutants caught by their requirement; matrix in {output}")
    raise click.exceptions.Exit(0 if killed == len(judged) else 1)


def by_chapter(owners: Sequence[Requirement], rows: Sequence[Row]) -> Table:
    """Return the counts of each chapter: requirements, mutants that were judged, and caught."""
    table = Table(padding=(0, 1, 0, 0), box=None, header_style="bold")
    table.add_column("chapter")
    for title in ("requirements", "mutants", "caught"):
        table.add_column(title, justify="right")
    for chapter, group in groupby(owners, lambda owner: owner.chapter):
        names = {owner.name for owner in group}
        own = [row for row in rows if row.requirement in names]
        counts = (len(names), len(own), sum(row.killed for row in own))
        table.add_row(chapter, *map(str, counts))
    return table


def fate(row: Row) -> str:
    """Return in words what became of a mutant."""
    if row.lacking:
        return f"not judged: {row.lacking}"
    return f"caught by {len(row.killers)}" if row.killed else "NOT CAUGHT by its requirement"


@click.command()
@click.option("--loader", default="reference", show_default=True, help="Who is put to the test.")
@seeding
@click.option("--injections", type=click.IntRange(1), default=100, show_default=True)
@jobs_at_a_time
@click.option("--output", type=click.Path(path_type=Path), default=FINDINGS, show_default=True)
@click.pass_obj
def chaos(
    specification: str, loader: str, seed: int, injections: int, jobs: int | None, output: Path
) -> None:
    """Inject one random fault after another into a loader with workers.

    The faults are those of the seeds from --seed on, so `--seed N --injections 1` replays one.
    """
    warm_up(specification, [loader])
    (described,) = describe([loader])
    seeds = range(seed, seed + injections)
    findings = []
    click.echo(f"{described.name} {described.version}, seeds {seeds.start} to {seeds.stop - 1}")
    with writable(output).open("w", encoding="utf-8") as file:
        for finding in inject(loader, seeds, jobs or os.cpu_count() or 1):
            findings.append(finding)
            file.write(json.dumps(asdict(finding)) + "\n")
            file.flush()
            if finding.outcome != SURVIVED:
                click.echo(f"seed {finding.fault.seed}: {finding.outcome}: {finding.told}")
            elif len(findings) % 100 == 0:
                click.echo(f"{len(findings)} of {injections} injected", err=True)
    for outcome, count in Counter(finding.outcome for finding in findings).most_common():
        click.echo(f"{count:6} {outcome}")
    click.echo(f"findings in {output}; replay one with --seed N --injections 1")
    raise click.exceptions.Exit(int(any(finding.outcome != SURVIVED for finding in findings)))


@click.command()
@click.option("--loader", required=True, help="Whose adapter is tried.")
@click.option(
    "--deadline",
    type=click.FloatRange(1),
    default=20,
    show_default=True,
    help="Seconds for each trial.",
)
@jobs_at_a_time
@click.pass_obj
def smoke(specification: str, loader: str, deadline: float, jobs: int | None) -> None:
    """Tell in seconds whether an adapter works at all, before its loader is judged.

    Exit codes: 0 it works, 1 something is wrong with it, 2 wrong use.
    """
    warm_up(specification, [loader])
    (described,) = describe([loader])
    click.echo(f"{described.name} {described.version}".rstrip())
    wrong = 0
    for finding in try_out(loader, described.capabilities, deadline, jobs or os.cpu_count() or 1):
        wrong += finding.wrong
        click.echo(f"{'✗' if finding.wrong else '·'} {finding.what}")
        if finding.remedy:
            click.echo(textwrap.indent(finding.remedy, "    "))
    if wrong:
        click.echo(f"{wrong} wrong with the adapter: mend it before its loader is judged")
    else:
        click.echo(f"it works: judge it with `conformance run --loader {shlex.quote(loader)}`")
    raise click.exceptions.Exit(int(wrong > 0))
