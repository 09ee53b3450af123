"""A record as one table: benchmarks down, loaders across, and why one that is ahead may be.

The first loader of the record is the one that the others are set beside. All are measured against
the same baseline, so their ratios can be compared: a loader is ahead where its whole interval is
above that of the first. What it then does not promise is said by its adapter: what it has no
parameter for, and how it is known to deviate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import jinja2

from conformance.adapter import Deviation
from conformance.benchmark.history import Point, Run
from conformance.benchmark.table import figure
from conformance.capability import Capability
from conformance.report.markdown import cell
from conformance.run import LoaderInfo

AHEAD, LEVEL, BEHIND = "▲", "≈", ""
OTHERWISE = "other deviations"
# What a use of the loader is, where the parameter's name does not say it.
USES = {
    Capability.ITERABLE_DATASET: "a stream as its dataset",
    Capability.UNBATCHED: "samples without batches",
    Capability.LAZY_DATASET: "fetching samples when they are asked for (it copies all beforehand)",
    Capability.EMPTY_DATASET: "a dataset without samples",
}

environment = jinja2.Environment(
    loader=jinja2.PackageLoader("conformance.benchmark"),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
)
environment.filters |= {"cell": cell, "figure": figure}


@dataclass(frozen=True)
class Reason:
    """Why a loader deviates, and from how many requirements."""

    text: str
    link: str
    kind: str
    count: int


@dataclass(frozen=True)
class Column:
    """One loader: its points by benchmark, how each stands beside the first's, and what it lacks.

    `reasons` are grouped by what is at stake, the most dangerous first.
    """

    run: Run
    points: Mapping[str, Point]
    standing: Mapping[str, str]
    lacks: Sequence[str]
    reasons: Mapping[str, Sequence[Reason]]

    @property
    def ahead(self) -> list[str]:
        """The benchmarks in which it is ahead of the first loader."""
        return [name for name, mark in self.standing.items() if mark == AHEAD]


def render(runs: Sequence[Run], about: Mapping[str, LoaderInfo], harms: Mapping[str, str]) -> str:
    """Return the page, as Markdown.

    Args:
        runs: of each loader one, all on one machine and against one baseline.
        about: what the adapters say, by the loader's name.
        harms: what is at stake, by requirement, the most dangerous first (`Catalogue.harms`).

    """
    first = runs[0]
    columns = [_column(run, first, about, harms) for run in runs]
    names = dict.fromkeys(point.benchmark for run in runs for point in run.points)
    measured = [
        name
        for name in names
        if any(name in column.points and column.points[name].ratio for column in columns)
    ]
    told = [why(run, point) for run in runs for point in run.points if point.benchmark in measured]
    notes = {text: number for number, text in enumerate(dict.fromkeys(filter(None, told)), 1)}
    return environment.get_template("beside.md.jinja").render(
        first=first,
        columns=columns,
        rows=[
            [cell(name), *(_shown(column, name, notes) for column in columns)] for name in measured
        ],
        notes=notes,
        left_out=[name for name in names if name not in measured],
        questions=_questions(runs),
        AHEAD=AHEAD,
        LEVEL=LEVEL,
    )


def why(run: Run, point: Point) -> str:
    """Return why a point has no ratio; nothing, if it has one."""
    if point.ratio:
        return ""
    role = f"loader {run.loader['name']}: "
    return f"{point.outcome}: {point.message.removeprefix(role)}"


def standing(own: Point, other: Point | None) -> str:
    """Return where a point stands beside another loader's, by their intervals."""
    if not (own.low and own.high):
        return BEHIND
    if not (other and other.low and other.high) or own.low > other.high:
        return AHEAD
    return LEVEL if own.high >= other.low else BEHIND


def _shown(column: Column, name: str, notes: Mapping[str, int]) -> str:
    point = column.points.get(name)
    if point is None:
        return "not run"
    if text := why(column.run, point):
        return f"{cell(point.outcome)} ({notes[text]})"
    interval = f"{figure(point.ratio)} ({figure(point.low)}\N{EN DASH}{figure(point.high)})"
    return f"{column.standing[name]} {interval}".lstrip()


def _questions(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Return the benchmarks that each question has, without what only tells its cases apart."""
    asked: dict[str, list[str]] = {}
    for point in (point for run in runs for point in run.points):
        name = point.benchmark.partition("[")[0]
        if name not in asked.setdefault(point.question, []):
            asked[point.question].append(name)
    return asked


def _column(
    run: Run, first: Run, about: Mapping[str, LoaderInfo], harms: Mapping[str, str]
) -> Column:
    points = {point.benchmark: point for point in run.points}
    beside = {point.benchmark: point for point in first.points}
    info, wanted = about[run.loader["name"]], about[first.loader["name"]]
    lacks = [Capability(name) for name in wanted.capabilities if name not in info.capabilities]
    return Column(
        run=run,
        points=points,
        standing={
            name: BEHIND if run is first else standing(point, beside.get(name))
            for name, point in points.items()
        },
        lacks=[USES.get(capability, f"`{capability}`") for capability in lacks],
        reasons=_reasons(info.deviations, harms),
    )


def _reasons(deviations: Sequence[Deviation], harms: Mapping[str, str]) -> dict[str, list[Reason]]:
    """Return each reason once for each harm, with the number of requirements that it is for."""
    order = [*dict.fromkeys(harms.values()), OTHERWISE]

    def group(deviation: Deviation) -> tuple[int, str, str, str]:
        harm = harms.get(deviation.requirement, OTHERWISE)
        return (order.index(harm), deviation.reason, deviation.link, deviation.kind)

    found: dict[str, list[Reason]] = {}
    for (harm, text, link, kind), same in groupby(sorted(deviations, key=group), key=group):
        reason = Reason(text, link, kind, count=len(list(same)))
        found.setdefault(order[harm], []).append(reason)
    return found
