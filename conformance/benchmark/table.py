"""The table of a run: how many times as fast, how sure, and how long a batch took."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.benchmark.power import Rate
from conformance.benchmark.record import Header, Outcome, Row
from conformance.outcome import printable

STYLES = {
    Outcome.MEASURED: "",
    Outcome.PASS: "green",
    Outcome.FAIL: "bold red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.ERROR: "magenta",
    Outcome.UNSUPPORTED: "dim",
    Outcome.VANISHED: "bold red",
}


def show(header: Header, rows: Sequence[Row], console: Console, *, left_out: int = 0) -> None:
    """Print a loader's table, then what there is to say of single rows, the counts last."""
    loader, baseline = header.loader, header.baseline
    console.print(
        Text(f"{loader.name} {loader.version} measured against {baseline.name} {baseline.version}")
    )
    console.print(_table(header, rows))
    for row in rows:
        if row.message:
            text = Text(f"{row.outcome} ", STYLES[row.outcome])
            console.print(text.append(f"{row.benchmark}: {printable(row.message)}", ""))
    if left_out:
        console.print(f"{left_out} slow benchmarks were left out.")
    counts = Counter(row.outcome for row in rows)
    console.print(", ".join(f"{counts[each]} {each}" for each in Outcome if counts[each]))


def _table(header: Header, rows: Sequence[Row]) -> Table:
    table = Table(padding=(0, 1, 0, 0), box=None, header_style="bold")
    table.add_column("benchmark", overflow="fold")
    table.add_column("times\nas fast", justify="right", no_wrap=True)
    table.add_column("µs a batch\nbaseline", justify="right", no_wrap=True)
    table.add_column("\nlimit", justify="right", no_wrap=True)
    table.add_column("\nverdict", no_wrap=True)
    for row in rows:
        measured = row.ratio is not None
        ratio = f"{figure(row.ratio)}\n{figure(row.low)}-{figure(row.high)}" if measured else "-"
        times = f"{figure(row.loader_us)}\n{figure(row.baseline_us)}" if measured else "-"
        verdict = Text(row.outcome if header.gate or not measured else "", STYLES[row.outcome])
        table.add_row(Text(row.benchmark), ratio, times, figure(row.limit_us), verdict)
    return table


def power_table(found: Sequence[Rate]) -> Table:
    """Return the table of what the gate found of what was injected."""
    table = Table(padding=(0, 1, 0, 0), box=None, header_style="bold")
    for title in ("extra\nwork", "\nruns", "found slower\n(95 % bounds)", "not\nsure"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("times\nas slow", "\npairs", "\nseconds", "stored mean\n+5, +10 %"):
        table.add_column(title, justify="right", no_wrap=True)
    for rate in found:
        table.add_row(
            f"{rate.injected:.0%}",
            str(rate.runs),
            f"{rate.failed:.0%} ({rate.failed_low:.0%}-{rate.failed_high:.0%})",
            f"{rate.inconclusive:.0%}",
            figure(rate.slowdown),
            f"{rate.pairs:g}",
            figure(rate.seconds),
            f"{rate.stored_5:.0%}, {rate.stored_10:.0%}",
        )
    return table


def figure(value: float | None) -> str:
    """Return a number with as many places as it is worth showing."""
    if value is None:
        return "-"
    if value < 10:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"
