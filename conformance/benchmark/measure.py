"""Measures one benchmark, in whatever process this is called; the session gives it one of its own.

Nothing is judged by a stopwatch here but the ratio of two, and that only by the gate. What a loader
raises, refuses or delivers wrongly is a row as well.
"""

import gc
import math
import sys
import time
import types
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from statistics import median
from typing import Any

import torch

from conformance.adapter import Adapter
from conformance.benchmark.arm import Arm, WrongData
from conformance.benchmark.clocks import NOW
from conformance.benchmark.counts import Counts, calls, draws, increases, traffic
from conformance.benchmark.declaration import BYTES, Case, Work, cases
from conformance.benchmark.gate import Decision, decide
from conformance.benchmark.interval import interval
from conformance.benchmark.pairs import Pair, burden, calibrated, pairs
from conformance.benchmark.record import Outcome, Row
from conformance.benchmark.revision import Side
from conformance.capability import Unsupported
from conformance.loaders import named

LIMIT_UNITS = 9  # of which the median is the physical limit
SLOW_PAIRS = 3
ROLES = ("loader", "baseline")
SHORT = 1.0  # seconds of a warming pair, after which one is enough
LONG = 10.0  # seconds of checking, which have been warming enough

COUNTED_BATCHES = 3  # fewer do not show what a batch is


@dataclass(frozen=True)
class Settings:
    """How a benchmark is measured.

    Attributes:
        seed: what the order within pairs is drawn from.
        pairs: how many there are at most, without the gate.
        seconds: after which there are no more, if there have been three.
        warm: pairs that are not counted.
        gate: whether the gate decides how many pairs there are, and what they show.
        count: whether to count, too, what the loaders do.
        swapped: import and warm the loader before the baseline.
        slowdown: the share of a unit that the loader works longer; a test of the gate.

    """

    seed: int = 0
    pairs: int = 160
    seconds: float = 3.0
    warm: int = 3
    gate: bool = False
    count: bool = True
    swapped: bool = False
    slowdown: float = 0.0

    def quick(self) -> "Settings":
        """Return settings that only show whether everything runs and delivers what it must."""
        return replace(self, pairs=SLOW_PAIRS, seconds=0.0, warm=1, count=False)


@dataclass(frozen=True)
class Measured:
    """A row, and what it was made of.

    Attributes:
        row: what is recorded.
        loader_seconds: of each unit, for one batch.
        baseline_seconds: the same of the baseline.
        decision: the gate's, where it judged.
        baseline_counts: what the row's counts are compared with.

    """

    row: Row
    loader_seconds: tuple[float, ...] = ()
    baseline_seconds: tuple[float, ...] = ()
    decision: Decision | None = None
    baseline_counts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def does_more(self) -> list[str]:
        """A line for each exact figure in which the loader does more than the baseline."""
        return increases(self.row.benchmark, self.baseline_counts, self.row.counts)


Source = str | Side  # a loader's name, or one of two states of it


def measure_named(
    specification: str, name: str, loader: Source, baseline: Source, settings: Settings
) -> Measured:
    """Measure by names: what is called in a process of its own."""
    # A worker that is started anew imports the main module first; here it is that of a program
    # that has nothing to import.
    sys.modules["__main__"] = types.ModuleType("__main__")
    case = (cases(specification) | cases(specification, scale=True))[name]
    order = (loader, baseline) if settings.swapped else (baseline, loader)
    adapters = {id(source): adapter_of(source) for source in order}
    return measure(case, adapters[id(loader)], adapters[id(baseline)], settings)


def adapter_of(source: Source) -> Adapter:
    """Return the adapter of a loader by name, or of a state of it."""
    return source.adapter() if isinstance(source, Side) else named(source)


def measure(case: Case, loader: Adapter, baseline: Adapter, settings: Settings) -> Measured:
    """Measure a benchmark of a loader and its baseline; what goes wrong is an error row."""
    blank = Row(case.name, case.benchmark.question, case.benchmark.clock, Outcome.ERROR)
    at_work = ""
    try:
        torch.set_num_threads(1)
        work = case.work()
        with ExitStack() as stack:
            arms = {}
            start = time.monotonic()
            for role in ROLES if settings.swapped else reversed(ROLES):
                adapter = loader if role == "loader" else baseline
                at_work = f"{role} {adapter.name}: "
                arms[role] = stack.enter_context(Arm(adapter, work, case.benchmark.clock))
                arms[role].check()
            at_work = ""
            if time.monotonic() - start > LONG:
                settings = replace(settings, warm=0)
            measured = _measured(blank, case, arms["loader"], arms["baseline"], settings)
            for role, arm in arms.items():
                at_work = f"{role} {arm.adapter.name}: "
                arm.check()
            at_work = ""
            counts = {role: counted(arm) if settings.count else {} for role, arm in arms.items()}
    except Unsupported as error:
        return Measured(replace(blank, outcome=Outcome.UNSUPPORTED, message=f"{at_work}{error}"))
    except WrongData as error:
        return Measured(replace(blank, message=f"{at_work}{error}; its time does not count"))
    except Exception as error:
        return Measured(replace(blank, message=f"{at_work}{type(error).__name__}: {error}"))
    row = replace(measured.row, counts=counts["loader"])
    return replace(measured, row=row, baseline_counts=counts["baseline"])


def _measured(blank: Row, case: Case, loader: Arm, baseline: Arm, settings: Settings) -> Measured:
    gc.collect()
    gc.freeze()
    gc.disable()
    work, few = loader.work, case.benchmark.slow
    memory = case.benchmark.clock in BYTES
    if work.consume and not memory:
        loader.passes = baseline.passes = calibrated(baseline.seconds)
    seed = zlib.crc32(f"{settings.seed} {case.name} {settings.swapped}".encode())
    stream = pairs(loader.unit, baseline.unit, seed)
    if not few:  # the check has been an epoch of warming already
        _warm(stream, settings.warm)
    if settings.slowdown:
        loader.burden = burden(baseline.unit, settings.slowdown, NOW[case.benchmark.clock])
    decision = None
    if settings.gate and not few:
        taken: list[Pair] = []
        decision = decide(_slowdowns(stream, taken), seed)
    else:
        taken = list(_while_there_is_time(stream, settings, few=few))
    ratios = [pair.ratio for pair in taken]
    if not all(0 < ratio < math.inf for ratio in ratios):
        raise ValueError(f"what is measured by the clock {case.benchmark.clock!r} did not rise")
    low, middle, high = interval(ratios, seed)
    batches = loader.passes * work.batches
    seconds = {
        "loader": tuple(pair.loader.seconds / batches for pair in taken),
        "baseline": tuple(pair.baseline.seconds / batches for pair in taken),
    }
    wall = case.benchmark.clock == "wall"
    units = {role: median(getattr(pair, role).seconds for pair in taken) for role in ROLES}
    row = replace(
        blank,
        outcome=Outcome(decision.finding) if decision else Outcome.MEASURED,
        ratio=middle,
        low=low,
        high=high,
        pairs=len(taken),
        loader_us=None if memory else 1e6 * units["loader"] / batches,
        baseline_us=None if memory else 1e6 * units["baseline"] / batches,
        limit_us=_limit(work, case.benchmark.clock),
        loader_bytes=units["loader"] if memory else None,
        baseline_bytes=units["baseline"] if memory else None,
        message=_megabytes(case.benchmark.clock, **units) if memory else "",
        cpu_ratio=median(pair.cpu_ratio for pair in taken) if wall else None,
    )
    return Measured(row, seconds["loader"], seconds["baseline"], decision)


def _warm(stream: Iterator[Pair], count: int) -> None:
    start = time.monotonic()
    for _ in islice(stream, count):
        if time.monotonic() - start > SHORT:
            return


def _slowdowns(stream: Iterator[Pair], taken: list[Pair]) -> Iterator[float]:
    for pair in stream:
        taken.append(pair)
        yield 1 / pair.ratio


def _while_there_is_time(
    stream: Iterator[Pair], settings: Settings, *, few: bool
) -> Iterator[Pair]:
    start = time.monotonic()
    for count, pair in enumerate(stream, 1):
        yield pair
        over = time.monotonic() - start > settings.seconds
        if count >= (SLOW_PAIRS if over or few else settings.pairs):
            return


def _limit(work: Work, clock: str) -> float | None:
    if work.limit is None:
        return None
    took: list[float] = []
    work.limit()
    while len(took) < (LIMIT_UNITS if sum(took) < SHORT else SLOW_PAIRS):
        start = NOW[clock]()
        work.limit()
        took.append(NOW[clock]() - start)
    return 1e6 * median(took) / work.batches


def _megabytes(clock: str, loader: float, baseline: float) -> str:
    what = "the peak" if clock == "memory" else "what is held"
    return f"{what} rises by {loader / 1e6:,.0f} MB, the baseline's by {baseline / 1e6:,.0f} MB"


def counted(arm: Arm) -> Counts:
    """Return what an arm does, exactly: figures that do not depend on the machine's load.

    Of a loader in one process its calls and draws; of one with persistent workers what crosses to
    this process. Others do something else in every epoch.
    """
    request = arm.request
    if arm.work.stages or arm.work.batches < COUNTED_BATCHES:
        return {}
    if request.persistent_workers:
        return traffic(arm.construct)
    if request.num_workers or request.pin_memory:
        return {}
    return {**calls(arm.construct), **draws(arm.construct)}
