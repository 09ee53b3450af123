"""The history as one page: for each benchmark the ratio over the runs, drawn and as a table.

The page needs nothing else: no script, no font, no network. Ratios are drawn on a logarithmic
scale, where twice as fast is as far from the line at 1 as half as fast.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

import jinja2
from markupsafe import Markup, escape

from conformance.benchmark.counts import words
from conformance.benchmark.history import Point, Run
from conformance.outcome import printable

WIDTH, HEIGHT = 360, 168  # of a plot, in its own units
LEFT, RIGHT, TOP, BOTTOM = 40, 350, 10, 140  # of the area within it
GLANCE = 200  # the width of the drawing in the first table
# So close that there is one on any scale.
DIGITS = (1, 1.05, 1.1, 1.2, 1.3, 1.5, 1.7, 2, 2.2, 2.5, 2.7, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 9.5)
TICKS = tuple(round(each * 10.0**power, 6) for power in range(-3, 4) for each in DIGITS)
FAR = 1.4  # times: where 1 is farther away, it would take more of a plot than what is drawn
LEAST_SPAN = 1.2  # between the ends of a scale, so that noise does not look like mountains
MARKS = 4  # shapes and colours that the page has for conditions; then they come again

environment = jinja2.Environment(
    loader=jinja2.PackageLoader("conformance.benchmark"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)


@dataclass(frozen=True)
class Scale:
    """Where a ratio is on a logarithmic axis that has `low` at `start` and `high` at `end`.

    The axis is `broken` where 1 is far from all of them: 1 has its place at `one`, and the ratios
    between it and them have none. Otherwise a change by a tenth could not be seen.
    """

    low: float
    high: float
    start: float
    end: float
    one: float
    broken: bool

    @classmethod
    def over(
        cls, points: Sequence[Point], start: float, end: float, *, may_break: bool = False
    ) -> "Scale":
        """Return one that holds all intervals and 1."""
        low = min((point.low for point in points if point.low), default=1.0)
        high = max((point.high for point in points if point.high), default=1.0)
        above, below = low > FAR, high < 1 / FAR
        broken = may_break and (above or below)
        if not broken:
            low, high = min(low, 1.0), max(high, 1.0)
        margin = max((high / low) ** 0.08, math.sqrt(max(LEAST_SPAN / (high / low), 1)))
        gap = (end - start) / 5 if broken else 0.0
        return cls(
            low=low / margin,
            high=high * margin,
            start=start + gap if above else start,
            end=end - gap if below else end,
            one=end if below else start,
            broken=broken,
        )

    def __call__(self, ratio: float) -> float:
        """Return the place, to a tenth of a unit."""
        if self.broken and ratio == 1:
            return self.one
        part = math.log(ratio / self.low) / math.log(self.high / self.low)
        return round(self.start + part * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[float]:
        """Round ratios on the scale, as many as there is room for; 1 is one of them."""
        room = abs(self.end - self.start) / 6
        kept = [1.0]  # and outwards from it
        for each in sorted(TICKS, key=lambda each: abs(math.log(each))):
            on_scale = self.low <= each <= self.high
            if on_scale and all(abs(self(each) - self(other)) >= room for other in kept):
                kept.append(each)
        return sorted(kept)


@dataclass(frozen=True)
class Seen:
    """A point with its run, and where it is drawn."""

    run: Run
    point: Point
    x: float
    mark: int


@dataclass(frozen=True)
class Figure:
    """A benchmark's points, the oldest first."""

    benchmark: str
    points: Sequence[Seen]
    scale: Scale
    current: bool  # whether the latest run has it

    @property
    def title(self) -> tuple[str, str]:
        """The name, and apart from it the parameters."""
        name, _, parameters = self.benchmark.removesuffix("]").partition("[")
        return (name, parameters) if self.benchmark.endswith("]") else (self.benchmark, "")

    @property
    def newest(self) -> Seen:
        """What the latest run that has the benchmark found."""
        return self.points[-1]

    @property
    def measured(self) -> list[Seen]:
        """The points that have a ratio."""
        return [seen for seen in self.points if seen.point.ratio]

    @property
    def lines(self) -> Iterator[list[Seen]]:
        """The points that are joined: comparable ones, up to where one of them has no ratio."""
        for mark in sorted({seen.mark for seen in self.points}):
            own = (seen for seen in self.points if seen.mark == mark)
            for measured, joined in groupby(own, key=lambda seen: seen.point.ratio is not None):
                if measured:
                    yield list(joined)

    @property
    def before(self) -> Point | None:
        """The last point but one under the conditions of the newest, if both were measured."""
        own = [seen for seen in self.measured if seen.mark == self.newest.mark]
        return own[-2].point if len(own) > 1 and own[-1] is self.newest else None

    @property
    def factor(self) -> float | None:
        """By how much the newest ratio differs from the one before, if clearly."""
        old, new = self.before, self.newest.point
        if not (old and old.ratio and old.low and old.high and new.ratio and new.low and new.high):
            return None
        return new.ratio / old.ratio if new.low > old.high or new.high < old.low else None

    @property
    def change(self) -> str:
        """The same in words."""
        if not self.current:
            return "not in the last run"
        if self.newest.point.ratio is None:
            return self.newest.point.outcome
        if self.factor:
            direction = "up" if self.factor > 1 else "down"
            return f"{direction} {abs(self.factor - 1) * 100:.2g} %"
        return "no clear change" if self.before else "first under its conditions"

    @property
    def summary(self) -> str:
        """The plot in words, for those who do not see it."""
        ratios = [seen.point.ratio for seen in self.measured if seen.point.ratio]
        if not ratios:
            return f"{self.benchmark}: never measured in {len(self.points)} runs"
        return (
            f"{self.benchmark}: ratio between {times(min(ratios))} and {times(max(ratios))} in "
            f"{len(ratios)} runs, the last {times(ratios[-1])}; {self.change}"
        )


@dataclass(frozen=True)
class Section:
    """One loader's figures."""

    loader: str
    runs: Sequence[Run]
    figures: Sequence[Figure]
    overall: Scale
    conditions: Sequence[tuple[int, Run]]  # each one's mark, and its latest run


def render(runs: Sequence[Run], last: int = 100) -> str:
    """Return the page.

    Args:
        runs: the oldest first.
        last: so many of each loader are shown, the latest.

    """
    by_loader: dict[str, list[Run]] = {}
    for run in runs:
        by_loader.setdefault(run.loader["name"], []).append(run)
    return environment.get_template("trend.html.jinja").render(
        sections=[_section(loader, own[-last:]) for loader, own in by_loader.items()],
        drawn=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        **{
            name: globals()[name]
            for name in ("WIDTH", "HEIGHT", "LEFT", "RIGHT", "BOTTOM", "GLANCE", "MARKS")
        },
    )


def _section(loader: str, runs: Sequence[Run]) -> Section:
    latest = {run.conditions: run for run in runs}
    marks = {conditions: mark for mark, conditions in enumerate(latest)}
    step = (RIGHT - LEFT) / len(runs)
    found: dict[str, list[Seen]] = {}
    for number, run in enumerate(runs):
        for point in run.points:
            seen = Seen(run, point, round(LEFT + step * (number + 0.5), 1), marks[run.conditions])
            found.setdefault(point.benchmark, []).append(seen)
    in_order = dict.fromkeys(point.benchmark for run in reversed(runs) for point in run.points)
    figures = []
    for name in in_order:
        points = [seen.point for seen in found[name]]
        scale = Scale.over(points, BOTTOM, TOP, may_break=True)
        figures.append(Figure(name, found[name], scale, found[name][-1].run is runs[-1]))
    overall = Scale.over([figure.newest.point for figure in figures], 6, GLANCE - 6)
    return Section(loader, runs, figures, overall, list(enumerate(latest.values())))


def times(ratio: float) -> str:
    """Return a ratio to three digits."""
    return f"{ratio:#.3g}".rstrip(".") if ratio < 1000 else f"{ratio:.0f}"


def tick(ratio: float) -> str:
    """Return a round ratio as short as it is."""
    return f"{ratio:g}"


def short(run: Run) -> str:
    """Return the revision as one cites it."""
    return printable(run.revision[:7]) if run.revision else "no commit"


def breakable(name: str) -> Markup:
    """Return a name that may go on in the next line after each of its parts."""
    return Markup(re.sub(r"(?<=[._,\[])", "<wbr>", str(escape(printable(name)))))


def letter(mark: int) -> str:
    """Return the name of the conditions with this mark: A to Z, then AA."""
    return chr(ord("A") + mark % 26) * (1 + mark // 26)


def path(points: Sequence[Seen], scale: Scale) -> str:
    """Return the line through the ratios."""
    return "M" + "L".join(f"{seen.x} {scale(seen.point.ratio or 1)}" for seen in points)


def band(points: Sequence[Seen], scale: Scale) -> str:
    """Return the outline of the intervals."""
    upper = [f"{seen.x} {scale(seen.point.high or 1)}" for seen in points]
    lower = [f"{seen.x} {scale(seen.point.low or 1)}" for seen in reversed(points)]
    return "M" + "L".join([*upper, *lower]) + "Z"


environment.filters |= {
    "times": times,
    "tick": tick,
    "short": short,
    "path": path,
    "band": band,
    "printable": printable,
    "breakable": breakable,
    "words": words,
    "letter": letter,
}
