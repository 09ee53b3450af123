"""What became of a loader's ratios, `history append` and `history trend`; one run, `chart`."""

from pathlib import Path

import click

from conformance.benchmark import chart as charts
from conformance.benchmark import growth, trend
from conformance.benchmark import history as histories
from conformance.commands.options import writable

HISTORY = Path("build/history.jsonl")
PAGE = Path("build/trend.html")
PICTURE = Path("build/bench.svg")

partially = click.option(
    "--partial", is_flag=True, help="Take what is whole of a file that is damaged or cut off."
)


@click.group()
def history() -> None:
    """Keep the ratios of benchmarks, and draw what became of them."""


@history.command()
@click.argument("record", metavar="REPORT", type=click.Path(path_type=Path))
@click.option(
    "--history",
    "file",
    type=click.Path(path_type=Path),
    default=HISTORY,
    show_default=True,
    help="The history file.",
)
@partially
def append(record: Path, file: Path, partial: bool) -> None:
    """Append what `conformance bench` wrote to a history."""
    runs = histories.read_record(record, partial=partial)
    known = histories.append(file, runs)
    before = [run for run in histories.read_history(file) if run not in known]
    for run in runs:
        name, points = run.loader["name"], len(run.points)
        if run not in known:
            click.echo(f"{file} has this run of {name} already; nothing is appended")
            continue
        own = [old for old in before if old.loader["name"] == name]
        comparable = sum(old.conditions == run.conditions for old in own)
        told = f"{file}: {points} benchmarks of {name} appended to {len(own)} runs"
        if comparable < len(own):
            told += f", {comparable} of them comparable (machine, suite and baseline)"
        click.echo(told)


@history.command("trend")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=PAGE,
    show_default=True,
    help="The page (HTML).",
)
@click.option(
    "--last",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="How many runs of each loader are shown.",
)
@partially
def trend_(file: Path, output: Path, last: int, partial: bool) -> None:
    """Draw a history as one page that needs no network."""
    runs = histories.read_history(file, partial=partial)
    writable(output).write_text(trend.render(runs, last), "utf-8")
    click.echo(f"{output}: {len(runs)} runs")


@click.command()
@click.argument("record", metavar="REPORT", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=PICTURE,
    show_default=True,
    help="The picture (SVG).",
)
@click.option("--scale", is_flag=True, help="How the cost grows, of what `bench --scale` wrote.")
@partially
def chart(record: Path, output: Path, scale: bool, partial: bool) -> None:
    """Draw what `bench` wrote as one picture."""
    if scale:
        costs = growth.read(record, partial=partial)
        loaders, picture = len(costs), growth.render(costs)
    else:
        runs = histories.read_record(record, partial=partial)
        loaders, picture = len(runs), charts.render(runs)
    writable(output).write_text(picture, "utf-8")
    click.echo(f"{output}: {loaders} loaders")
