"""Measuring loaders: `bench` and `bench-power`."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from conformance.benchmark.declaration import cases, chosen
from conformance.benchmark.measure import Settings
from conformance.benchmark.power import Trial, good_enough, neighbours, power, rates
from conformance.benchmark.record import RecordWriter, Row
from conformance.benchmark.session import bench, comparisons
from conformance.benchmark.table import power_table, show
from conformance.catalogue import nearest
from conformance.commands.options import seeding, writable
from conformance.errors import UsageError

POWER = Path("build/bench-power.jsonl")
POWER_OF = "overhead.python_integers[batch_size=32]"
RECORD = Path("build/bench.jsonl")
INTERRUPTED = 130


@click.command("bench")
@click.option("--loader", "loaders", multiple=True, help="Who is measured (may be repeated).")
@click.option("--baseline", default="torch", show_default=True, help="What it is compared with.")
@click.option("--against", metavar="REV", help="Compare with itself at the merge base with REV.")
@click.option("-k", "words", multiple=True, help="Only benchmarks with this in their name.")
@click.option("--quick", is_flag=True, help="See that all run and deliver; ratios mean little.")
@click.option("--without-slow", is_flag=True, help="Leave out what takes seconds each time.")
@click.option("--scale", is_flag=True, help="Those that show how the cost grows, instead.")
@click.option("--list", "only_list", is_flag=True, help="List the benchmarks instead.")
@seeding
@click.option(
    "--deadline",
    type=click.FloatRange(1),
    default=300,
    show_default=True,
    help="Seconds for each benchmark.",
)
@click.option("--output", type=click.Path(path_type=Path), default=RECORD, show_default=True)
@click.pass_obj
def bench_(
    specification: str,
    loaders: Sequence[str],
    baseline: str,
    against: str | None,
    words: Sequence[str],
    quick: bool,
    without_slow: bool,
    scale: bool,
    only_list: bool,
    seed: int,
    deadline: float,
    output: Path,
) -> None:
    """Measure how many times as fast as a baseline a loader is.

    With --against the baseline is the loader itself as it was, and the exit code tells whether it
    has become slower: 1 if so. It is 1 as well if a benchmark failed to run, or delivered what it
    should not have.
    """
    if scale and against:
        raise click.UsageError("--scale is for no gate; leave out --against")
    known = cases(specification, scale=scale)
    names = chosen(known, words)
    if only_list:
        click.echo("\n".join(names))
        return
    if not loaders:
        raise click.UsageError("name who is measured, as in --loader reference")
    swift = quick or without_slow
    asked = [known[name] for name in names if not (swift and known[name].benchmark.slow)]
    # What is counted in an epoch of millions takes longer than what is timed.
    settings = Settings(seed).quick() if quick else Settings(seed, count=not scale)
    console = Console(highlight=False)
    every: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, RecordWriter(output) as writer:
        for comparison in comparisons(
            specification, loaders, baseline, against, seed, Path(folder), words
        ):
            writer.begin(comparison.header)
            rows: list[Row] = []
            interrupted = False
            results = bench(specification, comparison, asked, settings, deadline=deadline)
            try:
                with closing(results), telling(len(asked)) as tell:
                    for measured in results:
                        rows.append(measured.row)
                        writer.add(measured.row)
                        tell(measured.row)
            except KeyboardInterrupt:
                interrupted = True
            writer.end(complete=not interrupted)
            show(comparison.header, rows, console, left_out=len(names) - len(asked))
            every += rows
            if interrupted:
                click.echo(f"interrupted; the {len(every)} rows so far are in {output}", err=True)
                raise click.exceptions.Exit(INTERRUPTED)
    click.echo(f"the record is in {output}", err=True)
    raise click.exceptions.Exit(int(any(row.outcome.broken for row in every)))


@click.command("bench-power")
@click.option("--loader", default="reference", show_default=True, help="Compared with itself.")
@click.option(
    "--benchmark", "names", multiple=True, default=[POWER_OF], show_default=True, help="On which."
)
@click.option("--runs", type=click.IntRange(1), default=100, show_default=True, help="Of each.")
@click.option("--load", is_flag=True, help="While other processes keep the machine busy.")
@seeding
@click.option("--output", type=click.Path(path_type=Path), default=POWER, show_default=True)
@click.pass_obj
def bench_power(
    specification: str,
    loader: str,
    names: Sequence[str],
    runs: int,
    load: bool,
    seed: int,
    output: Path,
) -> None:
    """Run the gate with nothing changed, and with 5, 10 and 20 % of extra work.

    Exits with 1 if there is a false alarm, or less than 95 % is found of the runs with 10 %.
    """
    known = cases(specification)
    for name in names:
        if name not in known:
            raise UsageError(f"no benchmark is called {name!r}; {nearest(name, known)}")
        if known[name].benchmark.slow:
            raise UsageError(f"{name} is slow, and never judged by the gate; name another")
    trials: list[Trial] = []
    burden = neighbours(os.cpu_count() or 1) if load else nullcontext()
    with (
        tempfile.TemporaryDirectory() as folder,
        writable(output).open("w", encoding="utf-8") as file,
        burden,
    ):
        for trial in power(specification, loader, names, runs, seed, Path(folder)):
            trials.append(trial)
            file.write(json.dumps({"kind": "trial", "load": load, **asdict(trial)}) + "\n")
            file.flush()
        found = rates(trials)
        for rate in found:
            file.write(json.dumps({"kind": "rate", "load": load, **asdict(rate)}) + "\n")
    console = Console(highlight=False)
    for name in names:
        console.print(Text(f"{loader} in {name}, {'under load' if load else 'as it is'}"))
        console.print(power_table([rate for rate in found if rate.benchmark == name]))
    good = good_enough(found)
    console.print(f"the bar of the gate is {'met' if good else 'not met'}; runs in {output}")
    raise click.exceptions.Exit(0 if good else 1)


@contextmanager
def telling(total: int) -> Iterator[Callable[[Row], None]]:
    """Tell on standard error how far the run is: in a line that is overwritten, in a terminal."""
    console = Console(stderr=True, highlight=False)
    with console.status(f"0 of {total} measured") as status:
        done = 0

        def tell(row: Row) -> None:
            nonlocal done
            done += 1
            status.update(f"{done} of {total} measured, {row.benchmark} the last")
            if row.outcome.broken and not console.is_terminal:
                console.print(f"{row.outcome} {row.benchmark}", markup=False)

        yield tell
