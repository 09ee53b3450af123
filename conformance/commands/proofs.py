"""What the suite and a loader are put to: `mutants` and `chaos`."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from conformance.catalogue import catalogue
from conformance.chaos import SURVIVED
from conformance.chaos import chaos as inject
from conformance.commands.options import jobs_at_a_time, seeding, selecting, writable
from conformance.judge import Settings
from conformance.kill_matrix import Row, kill_matrix, write_matrix
from conformance.run import describe, warm_up

MATRIX = Path("build/kill-matrix.csv")
FINDINGS = Path("build/chaos.jsonl")


@click.command()
@click.option("--loader", default="reference", show_default=True, help="The honest loader.")
@selecting
@seeding
@click.option("--examples", type=click.IntRange(1), default=50, show_default=True)
@jobs_at_a_time
@click.option("--across", is_flag=True, help="By all requirements, not its chapter's. Takes hours.")
@click.option("--output", type=click.Path(path_type=Path), default=MATRIX, show_default=True)
@click.pass_obj
def mutants(
    specification: str,
    loader: str,
    chapters: Sequence[str],
    words: Sequence[str],
    basis: str | None,
    seed: int,
    examples: int,
    jobs: int | None,
    across: bool,
    output: Path,
) -> None:
    """Break a loader in all known ways and see which requirement notices: the kill matrix."""
    subjects = catalogue(specification)
    requirements = subjects.select(chapters, words, basis)
    warm_up(subjects.package, [loader])
    describe([loader])
    settings = Settings(seed, examples)
    writable(output)
    rows = []
    at_a_time = jobs or os.cpu_count() or 1
    matrix = kill_matrix(subjects, loader, requirements, settings, at_a_time, across=across)
    for row in matrix:
        rows.append(row)
        click.echo(f"{row.requirement}: {row.mutant}: {fate(row)}\n{row.output}".rstrip())
    rank = {requirement.name: position for position, requirement in enumerate(requirements)}
    rows.sort(key=lambda row: rank[row.requirement])
    write_matrix(output, rows)
    judged = [row for row in rows if not row.lacking]
    killed = sum(row.killed for row in judged)
    for lacking, count in Counter(row.lacking for row in rows if row.lacking).items():
        click.echo(f"{count} mutants could not be judged on this machine: {lacking}")
    click.echo(f"{killed} of {len(judged)} mutants caught by their requirement; matrix in {output}")
    raise click.exceptions.Exit(0 if killed == len(judged) else 1)


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
