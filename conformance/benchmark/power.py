"""How good the gate is: its false alarms when nothing changed, and what it finds of what did.

A loader is compared with itself, the one arm doing some more work: none, 5, 10 and 20 %, real work
inside the clock. Each run is what a change would meet in the gate, confirmation included: a process
of its own, and another one, with another hash seed and order of import, for a candidate.

Runs come in rounds of ten. A round's processes are forked from one new interpreter that has
everything imported, as that takes longer than a run; its confirmations from a second one.
"""

import random
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, median

from scipy.stats import binomtest

from conformance.adapter import Adapter
from conformance.benchmark import naive
from conformance.benchmark.declaration import cases
from conformance.benchmark.gate import Decision, confirmed
from conformance.benchmark.measure import Measured, Settings, measure
from conformance.benchmark.revision import Side, twins
from conformance.errors import UsageError
from conformance.isolate import Call, isolated
from conformance.processes import Started

INJECTED = (0.0, 0.05, 0.1, 0.2)
A_ROUND = 10  # runs
DEADLINE = 120.0  # seconds of a run
FOUND_AT_LEAST = 0.95  # of the runs with 10 %; and no false alarm


@dataclass(frozen=True)
class Trial:
    """One run of the gate.

    Attributes:
        benchmark: what was measured.
        run: its number.
        injected: the share of extra work.
        flagged: whether the first process found it slower.
        finding: the gate's, after confirmation.
        slowdown: the median that the first process found.
        pairs: how many that one measured.
        seconds: how long that took, with its calibration.
        before: microseconds for a batch of the old code, the mean of them all.
        after: the same of the new code.

    """

    benchmark: str
    run: int
    injected: float
    flagged: bool
    finding: str
    slowdown: float
    pairs: int
    seconds: float
    before: float
    after: float


@dataclass(frozen=True)
class Rate:
    """What came of all runs with the same injection: shares with their 95 % bounds.

    `stored_5` and `stored_10` are what came of the same runs without pairs: how often the mean of
    one is 5 or 10 % above the stored mean of another one of the old code.
    """

    benchmark: str
    injected: float
    runs: int
    failed: float
    failed_low: float
    failed_high: float
    flagged: float
    inconclusive: float
    slowdown: float
    pairs: float
    seconds: float
    stored_5: float
    stored_10: float


def power(
    specification: str, loader: str, names: Sequence[str], runs: int, seed: int, folder: Path
) -> Generator[Trial]:
    """Run the gate so often on each benchmark and injection, and yield the runs round by round.

    Args:
        specification: the package that the benchmarks are from.
        loader: who is compared with itself.
        names: of the benchmarks.
        runs: how often each injection is made.
        seed: where all choices start.
        folder: an empty one, for the two copies of the loader.

    Raises:
        UsageError: the benchmark cannot be measured with this loader.

    """
    pair = twins(loader, folder)
    for name in names:
        for start in range(0, runs, A_ROUND):
            numbers = range(start, min(runs, start + A_ROUND))
            plan = [(run, share) for run in numbers for share in INJECTED]
            random.Random(f"{seed} {start}").shuffle(plan)
            yield from _round(specification, name, pair, plan, seed)


def rates(trials: Sequence[Trial]) -> list[Rate]:
    """Return what came of the runs, for each benchmark and injection."""
    found = []
    for benchmark in dict.fromkeys(trial.benchmark for trial in trials):
        old = [[t.before] for t in trials if (t.benchmark, t.injected) == (benchmark, 0.0)]
        for share in INJECTED:
            own = [t for t in trials if (t.benchmark, t.injected) == (benchmark, share)]
            failed = sum(trial.finding == "fail" for trial in own)
            new = [[trial.after] for trial in own]
            bounds = binomtest(failed, len(own)).proportion_ci(method="exact")
            found.append(
                Rate(
                    benchmark=benchmark,
                    injected=share,
                    runs=len(own),
                    failed=failed / len(own),
                    failed_low=float(bounds.low),
                    failed_high=float(bounds.high),
                    flagged=sum(trial.flagged for trial in own) / len(own),
                    inconclusive=sum(t.finding == "inconclusive" for t in own) / len(own),
                    slowdown=median(trial.slowdown for trial in own),
                    pairs=median(trial.pairs for trial in own),
                    seconds=median(trial.seconds for trial in own),
                    stored_5=naive.found(old, new, 0.05).share,
                    stored_10=naive.found(old, new, 0.10).share,
                )
            )
    return found


def good_enough(found: Sequence[Rate]) -> bool:
    """Whether there is no false alarm, and enough is found of a slow-down of 10 %."""
    return all(
        rate.failed == 0 if rate.injected == 0 else rate.failed >= FOUND_AT_LEAST
        for rate in found
        if rate.injected in (0.0, 0.1)
    )


@contextmanager
def neighbours(count: int) -> Iterator[None]:
    """Keep the machine busy, by so many processes that work and rest in turn."""
    context = get_context("spawn")
    started = [context.Process(target=_bursts, args=(n,), daemon=True) for n in range(count)]
    for process in started:
        process.start()
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.join()


def _bursts(seed: int) -> None:
    choice = random.Random(seed)
    while True:
        end = time.monotonic() + choice.uniform(0.001, 0.1)
        while time.monotonic() < end:
            pass
        time.sleep(choice.uniform(0.001, 0.1))


def _round(
    specification: str,
    name: str,
    pair: tuple[Side, Side],
    plan: Sequence[tuple[int, float]],
    seed: int,
) -> Iterator[Trial]:
    settings = Settings(seed, gate=True, count=False)
    first = _measured(specification, name, pair, plan, settings)
    doubtful = [key for key in plan if first[key].decision.finding == "fail"]
    again = replace(settings, swapped=True, seed=seed + 1)
    second = _measured(specification, name, pair, doubtful, again) if doubtful else {}
    for key in plan:
        decision = first[key].decision
        again_found = second[key].decision if key in second else decision
        yield Trial(
            benchmark=name,
            run=key[0],
            injected=key[1],
            flagged=decision.finding == "fail",
            finding=confirmed(decision, again_found),
            slowdown=decision.median,
            pairs=len(decision.slowdowns),
            seconds=first[key].seconds,
            before=first[key].before,
            after=first[key].after,
        )


@dataclass(frozen=True)
class Answer:
    """What one run of the gate found, and the times of both arms, as `Trial` has them."""

    decision: Decision
    seconds: float
    before: float
    after: float


Found = dict[tuple[int, float], Answer]


def _measured(
    specification: str,
    name: str,
    pair: tuple[Side, Side],
    plan: Sequence[tuple[int, float]],
    settings: Settings,
) -> Found:
    """Measure what is planned in processes forked from one new interpreter."""
    hash_seed = random.Random(f"{settings.seed} {plan[0]}").randrange(2**32)
    arguments = (specification, name, pair, plan, settings)
    call = Call(_all, arguments, "spawn", hash_seed)
    with closing(isolated([call], deadline=DEADLINE * len(plan))) as endings:
        ((_, ending),) = endings
    fault = ending.value if isinstance(ending.value, str) else ending.output
    if not ending.returned or fault is ending.value:
        raise UsageError(f"the gate could not be run on {name}: {fault.strip()}")
    found: Found = ending.value
    return found


def _all(
    specification: str,
    name: str,
    pair: tuple[Side, Side],
    plan: Sequence[tuple[int, float]],
    settings: Settings,
) -> Found | str:
    base, head = pair
    if settings.swapped:
        loader, baseline = head.adapter(), base.adapter()
    else:
        baseline, loader = base.adapter(), head.adapter()
    found: Found = {}
    for run, share in plan:
        own = replace(settings, seed=1000 * settings.seed + run, slowdown=share)
        with Started(_one, specification, name, loader, baseline, own) as process:
            answer = process.answer(DEADLINE)
        if isinstance(answer, str):
            return answer
        found[run, share] = answer
    return found


def _one(
    specification: str, name: str, loader: Adapter, baseline: Adapter, settings: Settings
) -> Answer | str:
    start = time.monotonic()
    measured: Measured = measure(cases(specification)[name], loader, baseline, settings)
    if measured.decision is None:
        return measured.row.message
    return Answer(
        decision=measured.decision,
        seconds=time.monotonic() - start,
        before=1e6 * fmean(measured.baseline_seconds),
        after=1e6 * fmean(measured.loader_seconds),
    )
