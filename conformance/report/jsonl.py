"""The report file: a header, a line for each result as it comes, a footer if it is whole."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from conformance.errors import UsageError
from conformance.outcome import Outcome, Result, Verdict

FORMAT = 2
HEADER = ("suite", "python", "torch", "seed", "examples", "loaders")  # what other formats show


@dataclass(frozen=True)
class Report:
    """What a run wrote: about itself, about every loader and requirement, and how it ended."""

    header: Mapping[str, Any]
    results: Sequence[Result]
    footer: Mapping[str, Any]

    @property
    def loaders(self) -> list[str]:
        """The loaders' names, in the order in which they were asked for."""
        return [loader["name"] for loader in self.header["loaders"]]

    def of(self, loader: str) -> list[Result]:
        """Return the results of one loader."""
        return [result for result in self.results if result.loader == loader]


class ReportWriter:
    """Writes each result at once; on leaving, sorts them and adds the footer.

    Sorting makes two runs with equal seeds equal but for the times, however many jobs there were.
    """

    def __init__(
        self, path: Path, header: Mapping[str, Any], order: Sequence[tuple[str, str]]
    ) -> None:
        self.path = path
        self.header = {"kind": "header", "format": FORMAT, **header}
        self.results: list[Result] = []
        self.footer: dict[str, Any] = {}
        self._rank = {key: rank for rank, key in enumerate(order)}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"the report {path} cannot be written: {error.strerror}; name another file"
            ) from error
        self._write(self.header)

    def add(self, result: Result) -> None:
        """Write a result."""
        self.results.append(result)
        self._write(_line(result))

    def report(self) -> Report:
        """Return what has been written so far."""
        return Report(self.header, self.results, self.footer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.results.sort(key=lambda result: self._rank[result.key])
        complete = len(self.results) == len(self._rank)
        self.footer = {"kind": "footer", "complete": complete, "results": len(self.results)}
        self._write(self.footer)
        self._file.close()
        if not self.path.is_file():  # a pipe, or /dev/null, is not ours to replace
            return
        # Replacing the file in one step, so that whatever happens one of the two is there.
        sorted_path = self.path.with_name(f".{self.path.name}.sorted")
        sorted_path.write_text(written(self.report()), "utf-8")
        sorted_path.replace(self.path)

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(f"{_dump(line)}\n")
        self._file.flush()


def written(report: Report) -> str:
    """Return the text of a report's file."""
    lines = [report.header, *(_line(result) for result in report.results), report.footer]
    return "".join(f"{_dump(line)}\n" for line in lines)


def read_report(path: Path, *, partial: bool = False) -> Report:
    """Return the report in a file.

    Args:
        path: the file that a run wrote.
        partial: take what is there of a report that was cut off.

    Raises:
        UsageError: it cannot be read, is no report, is damaged, cut off or of a newer format.

    """
    try:
        data = path.read_bytes()
        # A run that is killed may leave half a line, or half a character.
        whole = data[: data.rfind(b"\n") + 1] if partial else data
        text = whole.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the report {path} cannot be read: {error}") from error
    # Not splitlines(), which breaks a line at characters that JSON leaves in a text.
    lines = text.removesuffix("\n").split("\n") if text else []
    header = _parsed(path, 1, lines[0]) if lines else {}
    if header.get("kind") != "header":
        raise UsageError(
            f"{path} is not a report: its first line is no header; `conformance run` writes one"
        )
    if header.get("format") != FORMAT:
        raise UsageError(
            f"the report {path} has format {header.get('format')}, this version reads {FORMAT}; "
            "read it with the version that wrote it, or run again"
        )
    if absent := [key for key in HEADER if key not in header]:
        raise UsageError(f"the report {path} is damaged: its header has no {absent[0]}; run again")
    rows = [_parsed(path, number, line) for number, line in enumerate(lines[1:], 2)]
    footer = rows.pop() if rows and rows[-1].get("kind") == "footer" else {}
    if not footer and not partial:
        raise UsageError(
            f"the report {path} was cut off after {len(rows)} results: it has no footer; "
            "run again, or see what is there with --partial"
        )
    try:
        results = [as_result(row) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"the report {path} is damaged: {error!r} in a result; run again"
        ) from error
    if footer and footer.get("results") != len(results):
        raise UsageError(
            f"the report {path} is damaged: it holds {len(results)} results, its footer says "
            f"{footer.get('results')}; run again"
        )
    return Report(header, results, footer)


def _dump(line: Mapping[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def _parsed(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise UsageError(
            f"the report {path} is damaged or cut off at line {number}: {error}; "
            "run again, or see what is whole with --partial"
        ) from error
    if not isinstance(row, dict):
        raise UsageError(
            f"{path} is not a report: line {number} is no object; `conformance run` writes one"
        )
    return row


def _line(result: Result) -> dict[str, Any]:
    return {"kind": "result", "outcome": result.outcome, **asdict(result)}


def as_result(row: Mapping[str, Any]) -> Result:
    """Return the result that `asdict` made a row of."""
    given = {field.name: row["verdict"][field.name] for field in fields(Verdict)}
    given["outcome"] = Outcome(given["outcome"])
    given["observations"] = tuple(given["observations"])
    own = {field.name: row[field.name] for field in fields(Result) if field.name in row}
    return Result(**{**own, "source": tuple(own["source"]), "verdict": Verdict(**given)})
