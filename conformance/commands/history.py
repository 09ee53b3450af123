"""Records of benchmarks: over time `history`, one of them as a picture or a table."""

from collections.abc import Sequence
from pathlib import Path

import click

from conformance.benchmark import beside as tables
from conformance.benchmark import chart as charts
from conformance.benchmark import growth, trend
from conformance.benchmark import history as histories
from conformance.catalogue import catalogue, nearest
from conformance.commands.options import writable
from conformance.errors import UsageError
from conformance.run import describe

HISTORY = Path("build/history.jsonl")
PAGE = Path("build/trend.html")
PICTURE = Path("build/bench.svg")
TABLE = Path("build/beside.md")

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
@click.option("--loader", "loaders", multiple=True, help="Only this one (may be repeated).")
@click.option("--scale", is_flag=True, help="How the cost grows, of what `bench --scale` wrote.")
@partially
def chart(record: Path, output: Path, loaders: Sequence[str], scale: bool, partial: bool) -> None:
    """Draw what `bench` wrote as one picture."""
    if scale and loaders:
        raise UsageError("--scale draws all loaders of its record; leave out --loader")
    if scale:
        costs = growth.read(record, partial=partial)
        count, picture = len(costs), growth.render(costs)
    else:
        runs = _chosen(histories.read_record(record, partial=partial), loaders)
        count, picture = len(runs), charts.render(runs)
    writable(output).write_text(picture, "utf-8")
    click.echo(f"{output}: {count} loaders")


@click.command()
@click.argument("record", metavar="REPORT", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=TABLE,
    show_default=True,
    help="The table (Markdown).",
)
@partially
@click.pass_obj
def beside(specification: str, record: Path, output: Path, partial: bool) -> None:
    """Set what `bench` wrote of several loaders side by side, the first beside all others."""
    runs = histories.read_record(record, partial=partial)
    if len({run.conditions for run in runs}) > 1:
        raise UsageError(
            f"the loaders in {record} were not measured under the same conditions (machine, suite "
            "and baseline), so their ratios do not stand beside each other; measure them in one run"
        )
    about = {each.name: each for each in describe([run.loader["name"] for run in runs])}
    page = tables.render(runs, about, catalogue(specification).harms())
    writable(output).write_text(page, "utf-8")
    click.echo(f"{output}: {len(runs)} loaders")


def _chosen(runs: Sequence[histories.Run], loaders: Sequence[str]) -> list[histories.Run]:
    """Return the runs of these loaders; all, if none is named."""
    measured = [run.loader["name"] for run in runs]
    for name in loaders:
        if name not in measured:
            raise UsageError(f"the record has no loader {name!r}; {nearest(name, measured)}")
    return [run for run in runs if not loaders or run.loader["name"] in loaders]
