"""A record as one picture: for each benchmark the ratio of each loader, on one logarithmic scale.

For a page that somebody else makes, such as a README: an SVG without script, font or network, that
follows the reader's light or dark background.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.benchmark.history import Point, Run
from conformance.benchmark.trend import MARKS, Scale, environment

ROW, TOP = 22, 64  # heights: of a benchmark, of what stands above the first
LABELS, WIDTH = 335, 900  # of the names, and of all
FIGURES = 96  # for the ratio in digits, at the right
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True)
class Line:
    """A benchmark's points, one for each loader that was measured, and how far down they are."""

    benchmark: str
    y: int
    points: Sequence[tuple[int, Point]]


def render(runs: Sequence[Run]) -> str:
    """Return the picture of one record of one loader or more; each has marks of its own."""
    measured = [(number % MARKS, point) for number, run in enumerate(runs) for point in run.points]
    drawn = [(mark, point) for mark, point in measured if point.ratio]
    names = dict.fromkeys(point.benchmark for _, point in drawn)
    lines = [
        Line(name, TOP + ROW * row, [pair for pair in drawn if pair[1].benchmark == name])
        for row, name in enumerate(names)
    ]
    scale = Scale.over([point for _, point in drawn], LABELS + 10, WIDTH - FIGURES)
    return environment.get_template("chart.svg.jinja").render(
        lines=lines,
        loaders=[(number % MARKS, run.loader) for number, run in enumerate(runs)],
        baseline=runs[0].baseline,
        scale=scale,
        ticks=[each for each in TICKS if scale.low <= each <= scale.high],
        width=WIDTH,
        height=TOP + ROW * len(lines) + 8,
        labels=LABELS,
        top=TOP,
        row=ROW,
    )
