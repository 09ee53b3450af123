"""What a run of benchmarks writes: JSON lines, each as soon as it is known.

For each loader a block of its own: a header, a row for each benchmark, a footer. A block without a
footer was cut off, and what it has still counts. Several loaders are several blocks in one file.
"""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch

from conformance.errors import UsageError

FORMAT = 1


class Outcome(StrEnum):
    """What became of a benchmark. The gate says pass, fail or inconclusive."""

    MEASURED = "measured"
    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    UNSUPPORTED = "unsupported"
    VANISHED = "vanished"

    @property
    def broken(self) -> bool:
        """Whether the run is no success because of it."""
        return self in (Outcome.FAIL, Outcome.ERROR, Outcome.VANISHED)


@dataclass(frozen=True)
class Row:
    """One benchmark of one loader.

    Attributes:
        clock: "cpu", "wall", "memory" or "held"; by the latter two there are bytes and no times.
        ratio: the baseline's time divided by the loader's, median of the pairs; above 1 the loader
            is faster. `low` and `high` are its 95 % bootstrap interval.
        loader_us: microseconds a batch, the median; shown and never judged. So is `baseline_us`.
        limit_us: the same for what is physically possible.
        loader_bytes: by how many memory rises, the median. So is `baseline_bytes`.
        cpu_ratio: `ratio` of the CPU time of all processes, where the clock is on the wall.
        counts: what was counted instead of timed.

    """

    benchmark: str
    question: str
    clock: str
    outcome: Outcome
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    pairs: int = 0
    loader_us: float | None = None
    baseline_us: float | None = None
    limit_us: float | None = None
    loader_bytes: float | None = None
    baseline_bytes: float | None = None
    cpu_ratio: float | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True)
class Named:
    """A loader, or what it is compared with."""

    name: str
    version: str


@dataclass(frozen=True)
class Header:
    """Who was measured against whom, where and when.

    Attributes:
        suite: this project's version.
        machine: `id`, `cpu`, `cores`, `python` and `torch`; equal ids are comparable machines.
        revision: the commit that was checked out, if any.
        gate: whether the verdicts are the gate's, against a base revision of the loader itself.

    """

    suite: str
    loader: Named
    baseline: Named
    seed: int
    gate: bool
    revision: str | None = None
    machine: Mapping[str, Any] = field(default_factory=lambda: machine())
    started: str = field(default_factory=lambda: _now())


def machine() -> dict[str, Any]:
    """Return what times depend on. The id is of the kind of machine, not of the single one."""
    about = {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
    }
    kind = json.dumps([about, platform.system(), platform.machine()])
    return {"id": hashlib.sha256(kind.encode()).hexdigest()[:12], **about}


class RecordWriter:
    """Writes blocks to a file. A context, which ends the last block even if it was interrupted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._within = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"the record {path} cannot be written: {error.strerror}; name another file"
            ) from error

    def begin(self, header: Header) -> None:
        """Begin the block of a loader."""
        self._within = True
        self._write({"kind": "header", "format": FORMAT, **asdict(header)})

    def add(self, row: Row) -> None:
        """Write a row."""
        self._write({"kind": "row", **asdict(row)})

    def end(self, *, complete: bool = True) -> None:
        """End the block."""
        self._within = False
        self._write({"kind": "footer", "finished": _now(), "complete": complete})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._within:
            self.end(complete=False)
        self._file.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
        self._file.flush()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"
