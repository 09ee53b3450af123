"""What became of a loader's ratios over time: a file of JSON lines, a run of one loader in each.

A line is appended in one write, and what stands in the file is never written again. Absolute times
are left out, so nobody can compare them: they tell of the machine as much as of the loader. A ratio
does so much less, but not nothing; so runs are comparable only under equal `Conditions`, and stand
apart otherwise. They are not refused: where each run may get another machine, few would be left.
"""

import fcntl
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from conformance.errors import UsageError

FORMAT = 1
RECORD_FORMAT = 1  # of what `conformance bench` writes
AGAIN = "run `conformance bench` again, or take what is whole with --partial"
Block = tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Point:
    """What a run found for one benchmark.

    `ratio` is the baseline's time divided by the loader's, above 1 if the loader is faster, with
    its 95 % interval; all three are None where nothing was measured.
    """

    benchmark: str
    question: str
    outcome: str
    ratio: float | None
    low: float | None
    high: float | None
    pairs: int
    counts: Mapping[str, int | str]
    message: str


class Conditions(NamedTuple):
    """What has to be equal for two ratios to be comparable."""

    machine: str
    suite: str
    baseline: str


@dataclass(frozen=True)
class Run:
    """One loader's points, and where they come from; as `conformance bench` tells it."""

    suite: str
    loader: Mapping[str, str]
    baseline: Mapping[str, str]
    machine: Mapping[str, Any]
    started: str
    revision: str | None
    complete: bool
    points: Sequence[Point]

    @property
    def conditions(self) -> Conditions:
        """Under which it was measured; the machine's id stands for its Python and torch, too."""
        baseline = f"{self.baseline['name']} {self.baseline['version']}".strip()
        return Conditions(self.machine["id"], self.suite, baseline)

    @property
    def when(self) -> datetime:
        """The time at which it started; UTC, if it does not say."""
        told = datetime.fromisoformat(self.started)
        return told if told.tzinfo else told.replace(tzinfo=UTC)

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells it from every other run."""
        return (self.loader["name"], self.started, self.revision, self.conditions)


def read_record(path: Path, *, partial: bool = False) -> list[Run]:
    """Return what `conformance bench` wrote, a run for each loader.

    Args:
        path: the file.
        partial: take what is there of a record that was cut off.

    Raises:
        UsageError: it cannot be read, is no record, is damaged, cut off, of a newer format, or of a
            gate, whose baseline is another revision each time.

    """
    return [
        _run(
            {**header, "complete": bool(footer.get("complete")), "points": rows},
            f"the record {path} is damaged",
            AGAIN,
        )
        for header, rows, footer in blocks(path, partial=partial)
    ]


def blocks(path: Path, *, partial: bool = False) -> list[Block]:
    """Return the lines of a record as they are, a block for each loader: header, rows, footer.

    Raises:
        UsageError: as `read_record`, but for what is in a line.

    """
    found: list[Block] = []
    for number, line in _lines(path, "record", AGAIN, partial=partial):
        kind = line.get("kind")
        if kind == "header":
            _same_format(path, "record", number, line, RECORD_FORMAT)
            found.append((line, [], {}))
        elif kind not in ("row", "footer") or not found:
            raise UsageError(
                f"{path} is no record of benchmarks: line {number} is no header; "
                "`conformance bench` writes one"
            )
        elif kind == "row":
            found[-1][1].append(line)
        else:
            found[-1][2].update(line)
    if not found:
        raise UsageError(f"{path} is no record of benchmarks: it is empty; {AGAIN}")
    for header, rows, footer in found:
        if header.get("gate"):
            raise UsageError(
                f"the record {path} is a gate's, and its baseline another revision each time; "
                "keep one against a loader: `conformance bench` without --against"
            )
        if not footer.get("complete") and not partial:
            raise UsageError(
                f"the record {path} was cut off after {len(rows)} benchmarks of "
                f"{_name(header)}; {AGAIN}"
            )
    return found


def read_history(path: Path, *, partial: bool = False) -> list[Run]:
    """Return the runs of a history, the oldest first.

    Args:
        path: the file.
        partial: leave out what is damaged.

    Raises:
        UsageError: it cannot be read, is no history, is damaged, cut off or of a newer format.

    """
    remedy = "remove that line, or see what is whole with --partial"
    runs = []
    for number, line in _lines(path, "history", remedy, partial=partial):
        if line.get("kind") != "run":
            raise UsageError(
                f"{path} is no history: line {number} is no run; `conformance history append` "
                "writes one"
            )
        _same_format(path, "history", number, line, FORMAT)
        try:
            runs.append(_run(line, f"the history {path} is damaged at line {number}", remedy))
        except UsageError:
            if not partial:
                raise
    return sorted(runs, key=lambda run: run.when)


def append(path: Path, runs: Iterable[Run]) -> list[Run]:
    """Append those runs that the history does not have, and return them.

    Raises:
        UsageError: the history is not whole, so that nothing may be added; or cannot be written.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # another append waits, and then reads what we wrote
            known = {run.key for run in read_history(path)}
            new = [run for run in runs if run.key not in known]
            text = "".join(
                json.dumps({"kind": "run", "format": FORMAT, **asdict(run)}, allow_nan=False) + "\n"
                for run in new
            )
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UsageError(
            f"the history {path} cannot be written: {error.strerror}; name another with --history"
        ) from error
    return new


def _lines(
    path: Path, what: str, remedy: str, *, partial: bool
) -> Iterable[tuple[int, dict[str, Any]]]:
    """Yield each line's number and the object in it."""
    try:
        written = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the {what} {path} cannot be read: {error.strerror}") from error
    *whole, rest = written.split(b"\n")
    if rest and not partial:
        raise UsageError(f"the {what} {path} was cut off in line {len(whole) + 1}; {remedy}")
    for number, line in enumerate(whole, 1):
        try:
            told = json.loads(line)
            if not isinstance(told, dict):
                raise TypeError("it is no object")
        except (ValueError, TypeError, RecursionError) as error:
            if partial:
                continue
            raise UsageError(
                f"the {what} {path} is damaged at line {number}: {error}; {remedy}"
            ) from error
        yield number, told


def _same_format(path: Path, what: str, number: int, line: Mapping[str, Any], known: int) -> None:
    if line.get("format") != known:
        raise UsageError(
            f"the {what} {path} has format {line.get('format')} at line {number}, this version "
            f"reads {known}; use the version that wrote it"
        )


def _run(line: Mapping[str, Any], where: str, remedy: str) -> Run:
    """Return the run that a line, or a record's block, tells of; what it tells besides is left."""
    try:
        points = [_point(row) for row in line["points"]]
        own = {field.name: line[field.name] for field in fields(Run)}
        run = Run(**{**own, "points": points})
        names = (run.loader["name"], run.loader["version"], *run.conditions)
        for text in (*names, run.started, run.revision or ""):
            _of(str, text)
        _of(datetime, run.when)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{where}: {error!r}; {remedy}") from error
    return run


def _point(row: Mapping[str, Any]) -> Point:
    point = Point(**{field.name: row[field.name] for field in fields(Point)})
    for text in (point.benchmark, point.question, point.outcome, point.message):
        _of(str, text)
    _of(int, point.pairs)
    _of(dict, point.counts)
    interval = (point.low, point.ratio, point.high)
    if interval != (None, None, None):
        numbers = [_of((float, int), each) for each in interval]
        if not (0 < numbers[0] <= numbers[1] <= numbers[2] < math.inf):
            raise ValueError(f"{point.benchmark!r} has no interval in {interval}")
    return point


def _of(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {getattr(kind, '__name__', 'number')}")
    return value


def _name(header: Mapping[str, Any]) -> str:
    loader = header.get("loader")
    return str(loader.get("name") if isinstance(loader, dict) else loader)
