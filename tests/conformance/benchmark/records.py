"""Records of benchmarks, made up: what `conformance bench` writes."""

import json
from pathlib import Path
from typing import Any

MACHINE = {"id": "0123abcd", "cpu": "A CPU", "cores": 4, "python": "3.11.9", "torch": "2.13.0"}


def row(benchmark: str = "overhead.ints", ratio: float | None = 2.0, **changes: Any) -> Any:
    """Return a row; its interval is 5 % to both sides."""
    return {
        "kind": "row",
        "benchmark": benchmark,
        "question": "What does a batch cost?",
        "clock": "cpu",
        "outcome": "measured" if ratio else "error",
        "ratio": ratio,
        "low": ratio and ratio / 1.05,
        "high": ratio and ratio * 1.05,
        "pairs": 80 if ratio else 0,
        "loader_us": 1234.5 if ratio else None,
        "baseline_us": 9876.5 if ratio else None,
        "limit_us": None,
        "cpu_ratio": None,
        "counts": {"calls_per_batch": 11},
        "message": "" if ratio else "ValueError: no",
        **changes,
    }


def header(day: int = 1, **changes: Any) -> Any:
    """Return the header of a run on a day of May."""
    return {
        "kind": "header",
        "format": 1,
        "suite": "0.1.0",
        "loader": {"name": "reference", "version": "0.1.0"},
        "baseline": {"name": "torch", "version": "2.13.0"},
        "machine": MACHINE,
        "started": f"2026-05-{day:02}T12:00:00+00:00",
        "revision": f"{day:07}" + "e" * 33,
        "seed": 0,
        "gate": False,
        **changes,
    }


def footer(**changes: Any) -> Any:
    """Return the footer of a run that was finished."""
    finished = "2026-05-01T12:10:00+00:00"
    return {"kind": "footer", "finished": finished, "complete": True, **changes}


def write(path: Path, *lines: Any) -> Path:
    """Write these lines, and return where."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def record(path: Path, *rows: Any, day: int = 1, **changes: Any) -> Path:
    """Write the record of one loader, and return where."""
    return write(path, header(day, **changes), *(rows or (row(),)), footer())
