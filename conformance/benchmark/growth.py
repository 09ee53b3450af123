"""How the cost of a batch grows, as one picture: a panel for each question, a line for each loader.

Drawn of what `conformance bench --scale` wrote. Unlike elsewhere the points are absolute times and
bytes: they are of one run on one machine, and what is to be seen is how they rise.
"""

import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from conformance.benchmark.history import blocks
from conformance.benchmark.trend import MARKS, Scale, environment, times
from conformance.errors import UsageError

COLUMNS, WIDTH, HEAD = 2, 900, 62
PANEL_WIDTH, PANEL_HEIGHT = WIDTH // COLUMNS, 250
LEFT, RIGHT, TOP, BOTTOM = 62, PANEL_WIDTH - 26, 72, 200  # of the area in a panel
TEXT = 68  # characters of a question in a line
LEAST_SPAN = 10.0  # times, between the ends of an axis, so that noise looks like no mountain
TIMES = (("s", 1e6), ("ms", 1e3), ("µs", 1.0), ("ns", 1e-3))
BYTES = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0))
BASELINE = -1  # its mark, which no loader has
CASE = re.compile(r"(?P<name>.+)\[(?P<fixed>.*,)?(?P<grows>[^=,]+)=(?P<value>\d+)\]")


@dataclass(frozen=True)
class Cost:
    """What one case cost: microseconds a batch or bytes, each None if not measured.

    Attributes:
        title: the benchmark with all parameters but the one that grows.
        grows: that one's name, `value` what it was.
        question: which the benchmark asks.
        ratio: the baseline's cost divided by the loader's, median of the pairs.
        units: of the costs.

    """

    title: str
    grows: str
    value: int
    question: str
    loader: float | None
    baseline: float | None
    limit: float | None
    ratio: float | None
    units: Sequence[tuple[str, float]]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Cost | None":
        """Return the cost in a row of a record; None if nothing in its name grows."""
        case = CASE.fullmatch(row["benchmark"])
        if case is None:
            return None
        fixed = (case["fixed"] or "").rstrip(",")
        in_bytes = row["clock"] in ("memory", "held")
        own = ("loader_bytes", "baseline_bytes") if in_bytes else ("loader_us", "baseline_us")
        loader, baseline = (_cost(row.get(name)) for name in own)
        return cls(
            title=case["name"] + (f"[{fixed}]" if fixed else ""),
            grows=case["grows"].replace("_", " "),
            value=int(case["value"]),
            question=str(row["question"]),
            loader=loader,
            baseline=baseline,
            limit=None if in_bytes else _cost(row.get("limit_us")),
            ratio=_cost(row["ratio"]),
            units=BYTES if in_bytes else TIMES,
        )


@dataclass(frozen=True)
class Measured:
    """A loader's costs, and whose they are compared with."""

    loader: str
    baseline: str
    costs: Sequence[Cost]


@dataclass(frozen=True)
class Line:
    """Points that are joined where they are neighbours."""

    name: str
    mark: int | None
    places: Sequence[tuple[float, float]] = ()
    path: str = ""

    @property
    def style(self) -> str:
        """The class that it is drawn by."""
        return {None: "limit", BASELINE: "base"}.get(self.mark, f"m{self.mark}")


@dataclass(frozen=True)
class Panel:
    """One benchmark, drawn: where it is and what is in it."""

    x: int
    y: int
    title: str
    question: Sequence[str]
    grows: str
    ticks: Sequence[tuple[float, str]]
    columns: Sequence[tuple[float, str, str]]
    lines: Sequence[Line]


def read(path: Path, *, partial: bool = False) -> list[Measured]:
    """Return what a record says of costs that grow, for each loader.

    Raises:
        UsageError: it is no whole record, or there is nothing in it that grows.

    """
    found = []
    for header, rows, _ in blocks(path, partial=partial):
        try:
            costs = [cost for row in rows if (cost := Cost.of(row))]
            told = [header[role] for role in ("loader", "baseline")]
            loader, baseline = (f"{each['name']} {each['version']}".strip() for each in told)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"the record {path} is damaged: {error!r}; run `conformance bench --scale` again"
            ) from error
        found.append(Measured(loader, baseline, costs))
    if not any(measured.costs for measured in found):
        raise UsageError(
            f"nothing grows in the record {path}; write one with `conformance bench --scale`"
        )
    return found


def render(found: Sequence[Measured]) -> str:
    """Return the picture."""
    titles = dict.fromkeys(cost.title for measured in found for cost in measured.costs)
    panels = [_panel(number, title, found) for number, title in enumerate(titles)]
    own = [Line(measured.loader, n % MARKS) for n, measured in enumerate(found)]
    legend = [Line(found[0].baseline, BASELINE), *own]
    if any(cost.limit for measured in found for cost in measured.costs):
        legend.append(Line("limit, no loader", None))
    return environment.get_template("growth.svg.jinja").render(
        panels=panels,
        legend=legend,
        baseline=found[0].baseline,
        told=found[0].loader,
        width=WIDTH,
        height=HEAD + PANEL_HEIGHT * -(-len(panels) // COLUMNS),
        left=LEFT,
        right=RIGHT,
        top=TOP,
        bottom=BOTTOM,
    )


def _panel(number: int, title: str, found: Sequence[Measured]) -> Panel:
    own = [[cost for cost in each.costs if cost.title == title] for each in found]
    every = [cost for costs in own for cost in costs]
    values = sorted({cost.value for cost in every})
    across = _scale(map(_place(values), values), LEFT + 16, RIGHT - 16)
    columns = {value: across(_place(values)(value)) for value in values}
    drawn = {
        # What the baseline took beside each loader is as good; one of them is enough.
        Line(found[0].baseline, BASELINE): {cost.value: cost.baseline for cost in reversed(every)},
        Line("", None): {cost.value: cost.limit for cost in reversed(every)},
        **{
            Line(each.loader, n % MARKS): {cost.value: cost.loader for cost in costs}
            for n, (each, costs) in enumerate(zip(found, own, strict=True))
        },
    }
    costs = [cost for line in drawn.values() for cost in line.values() if cost]
    up = _scale(costs, BOTTOM, TOP, LEAST_SPAN, margin=1.25)
    ratios = {cost.value: cost.ratio for cost in own[0]}
    return Panel(
        x=PANEL_WIDTH * (number % COLUMNS),
        y=HEAD + PANEL_HEIGHT * (number // COLUMNS),
        title=title,
        question=textwrap.wrap(every[0].question, TEXT)[:2],
        grows=every[0].grows,
        ticks=[(up(tick), quantity(tick, every[0].units)) for tick in _ticks(up)],
        columns=[
            (x, _number(value, values), f"{times(ratio)}\N{MULTIPLICATION SIGN}" if ratio else "-")
            for value, x in columns.items()
            for ratio in [ratios.get(value)]
        ],
        lines=[
            Line(line.name, line.mark, [place for part in parts for place in part], _path(parts))
            for line, points in drawn.items()
            if (parts := _parts(columns, points, up))
        ],
    )


def _parts(
    columns: Mapping[int, float], points: Mapping[int, float | None], up: Scale
) -> list[list[tuple[float, float]]]:
    """Return where the points are, those apart between which one is missing."""
    in_order = [(x, points.get(value)) for value, x in columns.items()]
    return [
        [(x, up(cost)) for x, cost in group if cost]
        for there, group in groupby(in_order, key=lambda point: bool(point[1]))
        if there
    ]


def _path(parts: Iterable[Sequence[tuple[float, float]]]) -> str:
    return "".join("M" + "L".join(f"{x} {y}" for x, y in part) for part in parts)


def _place(values: Sequence[int]) -> Any:
    """Return what tells a value's place on a logarithmic axis: nothing is a step before the first.

    The step is that from the first to the second.
    """
    some = [value for value in values if value] or [1]
    before = some[0] ** 2 / some[1] if len(some) > 1 else some[0] / 2
    return lambda value: value or before


def _scale(
    values: Iterable[float], start: float, end: float, span: float = 1.001, margin: float = 1.0
) -> Scale:
    found = list(values) or [1.0]
    low, high = min(found), max(found)
    margin = max(margin, math.sqrt(span / (high / low)))
    return Scale(low / margin, high * margin, start, end, one=start, broken=False)


def _ticks(scale: Scale) -> list[float]:
    """Return the powers of ten on a scale, and where there are few 2 and 5 times those, too."""
    powers = range(math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high)) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5)):
        ticks = [digit * 10.0**power for power in powers for digit in digits]
        ticks = [tick for tick in ticks if scale.low <= tick <= scale.high]
        if len(ticks) > 2:
            break
    return ticks


def _number(value: int, values: Sequence[int]) -> str:
    """Return a value as the axis has it, a power of ten as one where the axis goes far."""
    power = len(str(value)) - 1
    if max(values) < 10**5 or value != 10**power:
        return str(value)
    return "10" + str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def quantity(value: float, units: Sequence[tuple[str, float]]) -> str:
    """Return a cost in the largest unit of which there is one."""
    name, size = next((unit for unit in units if value >= unit[1] * 0.999), units[-1])
    return f"{value / size:g} {name}"


def _cost(value: Any) -> float | None:
    """Return a cost of a record; none that is not above zero has a place on the axis."""
    if value is None:
        return None
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is no cost")
    return float(value) if value > 0 else None
