"""The kill matrix: which requirement catches which mutant.

A requirement has to catch its own mutants. Which others it catches shows how far the requirements
overlap: a mutant caught by many of them is a gross one, a requirement that catches nothing but its
own a sharp one.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path

from conformance.accelerator import NO_ACCELERATOR, lacks_accelerator
from conformance.catalogue import Catalogue, catalogue
from conformance.errors import UsageError
from conformance.isolate import Call, Ending, isolated
from conformance.judge import Settings, judge
from conformance.loaders import named
from conformance.mutation import mutated
from conformance.outcome import Outcome, Verdict
from conformance.requirement import Mutant, Requirement

CAUGHT, MISSED = "yes", "NO"
HEAD = ["requirement", "mutant", "killed"]
CHAPTER_DEADLINE = 300.0  # seconds for a chapter's requirements on one mutant


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
    owners: Sequence[Requirement],
    judges: Sequence[Requirement],
    settings: Settings,
    jobs: int = 1,
    *,
    across: bool = True,
    done: Collection[Row] = (),
) -> Generator[Row]:
    """Judge every mutant of the `owners` by the `judges`, and yield each row when it is whole.

    Unless `across` is asked for, a mutant is judged by the requirements of its own chapter only.
    Mutants whose rows are `done` are left out. A mutant and a chapter have a process of their own;
    where one does not come to its end, none of that chapter's requirements has caught the mutant,
    and the row's output says so.
    """
    chapters = {name: list(group) for name, group in groupby(judges, lambda each: each.chapter)}
    calls: dict[bool, list[Call]] = {False: [], True: []}
    left_out = {(row.requirement, row.mutant) for row in done}
    for owner in owners:
        for mutant in owner.mutants:
            if (owner.name, mutant.name) in left_out:
                continue
            for chapter in chapters if across else [owner.chapter]:
                names = [each.name for each in chapters[chapter]]
                asked = (subjects.package, loader, owner.name, mutant.name, names, settings)
                alone = any(each.alone for each in (owner, *chapters[chapter]))
                calls[alone].append(Call(judge_mutant, asked))
    missing = Counter((call.arguments[2], call.arguments[3]) for call in chain(*calls.values()))
    ended: dict[tuple[str, str], list[tuple[Call, Ending]]] = defaultdict(list)
    crowd = isolated(calls[False], deadline=CHAPTER_DEADLINE, jobs=jobs)
    single = isolated(calls[True], deadline=CHAPTER_DEADLINE)
    with closing(crowd), closing(single):
        for call, ending in chain(crowd, single):
            key = (call.arguments[2], call.arguments[3])
            ended[key].append((call, ending))
            if len(ended[key]) == missing[key]:
                yield _row(*key, ended.pop(key), [each.name for each in judges])


def _row(
    requirement: str, mutant: str, parts: Iterable[tuple[Call, Ending]], order: Sequence[str]
) -> Row:
    verdicts: dict[str, Verdict] = {}
    output = ""
    for call, ending in parts:
        if ending.returned:
            verdicts |= ending.value
            continue
        first, *_ = names = call.arguments[4]
        how = ending.death or f"was not over after {CHAPTER_DEADLINE:.0f} seconds"
        output += f"the process {how}, judging by {first} and {len(names) - 1} more\n"
        output += ending.output
    own = verdicts.get(requirement)
    return Row(
        requirement,
        mutant,
        {name: verdicts[name].outcome for name in order if name in verdicts},
        output,
        NO_ACCELERATOR if own is not None and lacks_accelerator(own) else "",
    )


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
    return {name: judge(subjects.get(name), adapter, settings, shrink=False) for name in names}


def write_matrix(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Write the matrix as CSV: a row for each mutant, a column for each of these requirements."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*HEAD, *columns])
        for row in rows:
            killers = set(row.killers)
            cells = ["x" if name in killers else "" for name in columns]
            killed = CAUGHT if row.killed else row.lacking or MISSED
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
        judged = killed in (CAUGHT, MISSED)
        matrix.setdefault(requirement, {})[mutant] = killers if judged else killed
    return matrix


def rows_in(path: Path, columns: Sequence[str]) -> list[Row]:
    """Return the rows that were written for these requirements; none, if nothing was.

    Raises:
        UsageError: the file cannot be read, or is no kill matrix, or one of other requirements.

    """
    if not path.exists() or path.stat().st_size == 0:
        return []
    matrix = read_matrix(path)
    with path.open(newline="", encoding="utf-8") as file:
        written = next(csv.reader(file))[len(HEAD) :]
    if written != list(columns):
        raise UsageError(
            f"{path} cannot be gone on with: it is of {len(written)} requirements, which are not "
            f"the {len(columns)} that are selected; leave out --resume, or select the same"
        )
    return [
        Row(requirement, mutant, {}, lacking=killers)
        if isinstance(killers, str)
        else Row(requirement, mutant, dict.fromkeys(killers, Outcome.FAILED))
        for requirement, mutants in matrix.items()
        for mutant, killers in mutants.items()
    ]


def _mutant(requirement: Requirement, name: str) -> Mutant:
    return next(mutant for mutant in requirement.mutants if mutant.name == name)
