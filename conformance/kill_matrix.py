"""The kill matrix: which requirement catches which mutant.

A requirement has to catch its own mutants. Which others it catches shows how far the requirements
overlap: a mutant caught by many of them is a gross one, a requirement that catches nothing but its
own a sharp one.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from conformance.accelerator import NO_ACCELERATOR, lacks_accelerator
from conformance.catalogue import Catalogue, catalogue
from conformance.errors import UsageError
from conformance.isolate import Call, isolated
from conformance.judge import Settings, judge
from conformance.loaders import named
from conformance.mutation import mutated
from conformance.outcome import Outcome, Verdict
from conformance.requirement import Mutant, Requirement

HEAD = ["requirement", "mutant", "killed"]
ROW_DEADLINE = 300.0  # seconds for all requirements on one mutant


@dataclass(frozen=True)
class Row:
    """One mutant, and what each requirement said of it.

    `lacking` is what this machine lacks for the mutant's own requirement to be judged, if anything;
    then it is neither caught nor missed.
    """

    requirement: str
    mutant: str
    outcomes: Mapping[str, Outcome]
    output: str = ""
    lacking: str = ""

    @property
    def killed(self) -> bool:
        """Whether the mutant's own requirement caught it."""
        return self.outcomes.get(self.requirement) is Outcome.FAILED

    @property
    def killers(self) -> list[str]:
        """The requirements that caught it."""
        return [name for name, outcome in self.outcomes.items() if outcome is Outcome.FAILED]


def kill_matrix(
    subjects: Catalogue,
    loader: str,
    requirements: Sequence[Requirement],
    settings: Settings,
    jobs: int = 1,
    *,
    across: bool = True,
) -> Iterator[Row]:
    """Judge every mutant of these requirements by all of them, and yield the rows as they come.

    Unless `across` is asked for, a mutant is judged by the requirements of its own chapter only.
    A row has a process of its own; a requirement that ends the process, or does not end, is one
    that did not catch the mutant.
    """

    def names(owner: Requirement) -> list[str]:
        return [each.name for each in requirements if across or each.chapter == owner.chapter]

    calls: dict[bool, list[Call]] = {False: [], True: []}
    for owner in requirements:
        for mutant in owner.mutants:
            asked = (subjects.package, loader, owner.name, mutant.name, names(owner), settings)
            calls[owner.alone].append(Call(judge_mutant, asked))
    crowd = isolated(calls[False], deadline=ROW_DEADLINE, jobs=jobs)
    single = isolated(calls[True], deadline=ROW_DEADLINE)
    for call, ending in chain(crowd, single):
        _, _, requirement_name, mutant_name, *_ = call.arguments
        verdicts: dict[str, Verdict] = ending.value if ending.returned else {}
        outcomes = {name: verdict.outcome for name, verdict in verdicts.items()}
        how = ending.death or f"was not over after {ROW_DEADLINE:.0f} seconds"
        output = "" if ending.returned else f"the process {how}\n{ending.output}"
        own = verdicts.get(requirement_name)
        lacking = NO_ACCELERATOR if own is not None and lacks_accelerator(own) else ""
        yield Row(requirement_name, mutant_name, outcomes, output, lacking)


def judge_mutant(
    specification: str,
    loader: str,
    requirement: str,
    mutant: str,
    names: Sequence[str],
    settings: Settings,
) -> dict[str, Verdict]:
    """Return the verdict of each requirement on one mutant of a loader."""
    subjects = catalogue(specification)
    adapter = mutated(named(loader), _mutant(subjects.get(requirement), mutant))
    return {name: judge(subjects.get(name), adapter, settings) for name in names}


def write_matrix(path: Path, rows: Sequence[Row]) -> None:
    """Write the matrix as CSV: a row for each mutant, a column for each requirement."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(name for row in rows for name in row.outcomes))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*HEAD, *columns])
        for row in rows:
            cells = ["x" if name in row.killers else "" for name in columns]
            killed = "yes" if row.killed else row.lacking or "NO"
            writer.writerow([row.requirement, row.mutant, killed, *cells])


def read_matrix(path: Path) -> dict[str, dict[str, list[str] | str]]:
    """Return who catches each mutant, by requirement and mutant, from what was written.

    Of a mutant that could not be judged it is the text that says why.

    Raises:
        UsageError: the file cannot be read, or is no kill matrix.

    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            head, *rows = csv.reader(file, strict=True)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the kill matrix {path} cannot be read: {error}") from error
    except (ValueError, csv.Error):
        head, rows = [], []
    if head[:3] != HEAD or any(len(row) != len(head) for row in rows):
        raise UsageError(
            f"{path} is no kill matrix: its columns are not {', '.join(HEAD)} and the "
            "requirements; `conformance mutants` writes one"
        )
    matrix: dict[str, dict[str, list[str] | str]] = {}
    for requirement, mutant, killed, *cells in rows:
        killers = [name for name, cell in zip(head[3:], cells, strict=True) if cell]
        judged = killed in ("yes", "NO")
        matrix.setdefault(requirement, {})[mutant] = killers if judged else killed
    return matrix


def _mutant(requirement: Requirement, name: str) -> Mutant:
    return next(mutant for mutant in requirement.mutants if mutant.name == name)
