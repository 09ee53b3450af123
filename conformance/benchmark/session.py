"""A run of benchmarks: each in a process of its own, rows as they come, failures confirmed."""

import os
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.benchmark.declaration import Case, benchmark_modules, cases
from conformance.benchmark.gate import confirmed
from conformance.benchmark.measure import Measured, Settings, Source, measure_named
from conformance.benchmark.record import Header, Named, Outcome, Row
from conformance.benchmark.revision import Side, head, merge_base, sides, unpack
from conformance.errors import UsageError
from conformance.isolate import Call, Ending, isolated, preload
from conformance.loaders import bundled, bundled_module
from conformance.run import IMPORT_DEADLINE, LoaderInfo, describe, version_of

SWAPPED_SEED = 1  # of the hashes in the process that confirms; the first one's is arbitrary


@dataclass(frozen=True)
class Comparison:
    """Who is measured against whom.

    Attributes:
        loader: its name, or the state of it that is in the working tree.
        baseline: the same of what it is compared with.
        header: what the record says of it.
        vanished: benchmarks that the base revision has, and the working tree has no more.

    """

    loader: Source
    baseline: Source
    header: Header
    vanished: tuple[str, ...] = ()


def warm_up(specification: str, loaders: Sequence[str]) -> None:
    """Have the fork server import what each measurement needs."""
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    ours = [bundled_module(name) for name in loaders if name in bundled()]
    preload(["conformance.benchmark.measure", *benchmark_modules(specification), *ours])


def comparisons(
    specification: str,
    loaders: Sequence[str],
    baseline: str,
    revision: str | None,
    seed: int,
    folder: Path,
    words: Sequence[str] = (),
) -> list[Comparison]:
    """Find who is measured: loaders against a baseline, or each against itself as it was.

    Args:
        specification: the package that the benchmarks are from.
        loaders: who is measured.
        baseline: against whom, if no revision is given.
        revision: against the merge base with this; anything that git takes for a commit.
        seed: for the header.
        folder: an empty one, for the states of a loader; it is needed while they are measured.
        words: what is asked for of the benchmarks that the revision has.

    Raises:
        UsageError: a loader cannot be found; or there is no such revision; or the loader, or the
            list of benchmarks, that it had then cannot be had.

    """
    wanted = list(dict.fromkeys(loaders))
    if revision is None:
        warm_up(specification, [*wanted, baseline])
        found = {each.name: each for each in describe([*wanted, baseline])}
        return [
            Comparison(name, baseline, _header(found[name], found[baseline], seed, gate=False))
            for name in wanted
        ]
    commit = merge_base(revision)
    warm_up(specification, wanted)
    tree = unpack(commit, folder)
    known = cases(specification)
    gone = tuple(
        name
        for name in _names_in(tree, commit, specification)
        if name not in known and (not words or any(word in name for word in words))
    )
    found = {each.name: each for each in describe(wanted)}
    return [
        _with_itself(found[name], commit, tree, folder / str(number), seed, gone)
        for number, name in enumerate(wanted)
    ]


def _with_itself(
    loader: LoaderInfo, commit: str, tree: Path, folder: Path, seed: int, gone: tuple[str, ...]
) -> Comparison:
    then, now = sides(loader.name, commit, tree, folder)
    for side in (then, now):
        _importable(side)
    baseline = LoaderInfo(f"{loader.name}@base", commit[:10], ())
    return Comparison(now, then, _header(loader, baseline, seed, gate=True), gone)


def bench(
    specification: str,
    comparison: Comparison,
    asked: Sequence[Case],
    settings: Settings,
    *,
    deadline: float,
) -> Generator[Measured]:
    """Measure one benchmark after the other; yield each as it is done, whatever it came to.

    Args:
        specification: the package whose benchmarks they are.
        comparison: of whom.
        asked: the benchmarks.
        settings: how.
        deadline: seconds for each.

    """
    settings = replace(settings, gate=comparison.header.gate)
    for case in asked:
        first = _once(specification, comparison, case, settings, deadline)
        if first.row.outcome is Outcome.FAIL or (settings.gate and first.does_more):
            again = replace(settings, swapped=not settings.swapped, seed=settings.seed + 1)
            second = _once(specification, comparison, case, again, deadline, fresh=True)
            first = _both(first, second)
        yield first
    for row in vanished(comparison):
        yield Measured(row)


def vanished(comparison: Comparison) -> Iterator[Row]:
    """Yield a row for each benchmark that the base has, and that is here no more."""
    for name in comparison.vanished:
        message = f"{comparison.header.baseline.version} has it, and it is here no more"
        yield Row(name, "", "cpu", Outcome.VANISHED, message=message)


def _once(
    specification: str,
    comparison: Comparison,
    case: Case,
    settings: Settings,
    deadline: float,
    *,
    fresh: bool = False,
) -> Measured:
    """Measure in a process of its own.

    With workers, and to confirm, that is a new interpreter: in one from the fork server a loader's
    own workers would be forked from that server as well, with everything loaded.
    """
    arguments = (specification, case.name, comparison.loader, comparison.baseline, settings)
    workers = case.benchmark.clock in ("wall", "held")
    method = "spawn" if fresh or workers else "forkserver"
    hash_seed = SWAPPED_SEED + settings.seed if fresh else None
    call = Call(measure_named, arguments, method, hash_seed)
    with closing(isolated([call], deadline=deadline)) as endings:
        ((_, ending),) = endings
    if ending.returned:
        measured: Measured = ending.value
        return measured
    blank = Row(case.name, case.benchmark.question, case.benchmark.clock, Outcome.ERROR)
    return Measured(replace(blank, message=_death(ending, deadline)))


def _both(first: Measured, second: Measured) -> Measured:
    """Return the first measurement with the verdict of both."""
    if second.row.outcome is Outcome.ERROR:
        told = "; ".join([*_slower(first), *first.does_more])
        message = f"{told}; to confirm it failed: {second.row.message}"
        return replace(first, row=replace(second.row, message=message))
    outcome, messages = first.row.outcome, []
    if outcome is Outcome.FAIL and first.decision and second.decision:
        outcome = Outcome(confirmed(first.decision, second.decision))
        verb = "confirmed" if outcome is Outcome.FAIL else "not confirmed"
        messages = [
            f"{each}; {verb} by another process: {second.decision.median:.2f}"
            for each in _slower(first)
        ]
    if more := [line for line in first.does_more if line in second.does_more]:
        outcome = Outcome.FAIL
        messages += more
    return replace(first, row=replace(first.row, outcome=outcome, message="; ".join(messages)))


def _slower(measured: Measured) -> list[str]:
    decision = measured.decision
    if measured.row.outcome is not Outcome.FAIL or decision is None:
        return []
    return [
        f"{decision.median:.2f} times as slow in {len(decision.slowdowns)} pairs, at least "
        f"{decision.at_least:.2f}"
    ]


def _death(ending: Ending, deadline: float) -> str:
    last = next((line for line in reversed(ending.output.splitlines()) if line.strip()), "")
    how = f"the process {ending.death}" if ending.death else f"not over after {deadline:g} s"
    return f"{how}: {last.strip()}" if last and ending.death else how


def _importable(side: Side) -> None:
    with closing(isolated([Call(_fault, (side,))], deadline=IMPORT_DEADLINE)) as endings:
        ((_, ending),) = endings
    fault = ending.value if ending.returned else ending.death or "it was not over in time"
    if fault:
        raise UsageError(
            f"the loader {side.loader!r} of {side.version[:12]} cannot be imported: {fault}; name "
            "another revision with --against"
        )


def _fault(side: Side) -> str:
    try:
        side.adapter()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _names_in(tree: Path, commit: str, specification: str) -> list[str]:
    """Return the benchmarks of a revision, as its own command line lists them."""
    if not tree.joinpath(*specification.split("."), "benchmarks").is_dir():
        return []
    command = [sys.executable, "-m", "conformance", "--specification", specification]
    command += ["bench", "--list"]
    # Its own harness, if the repository is this project's, and otherwise the one that is running.
    paths = [str(Path(__file__).parents[2]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    ended = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise UsageError(f"the benchmarks of {commit[:10]} cannot be listed: {last}")
    return ended.stdout.split()


def _header(loader: LoaderInfo, baseline: LoaderInfo, seed: int, *, gate: bool) -> Header:
    return Header(
        suite=version_of("dataloader-conformance"),
        loader=Named(loader.name, loader.version),
        baseline=Named(baseline.name, baseline.version),
        seed=seed,
        gate=gate,
        revision=head(),
    )
