"""Chaos: one random fault after another in a loader with workers, and what became of its epochs.

A fault is a value drawn from a seed: which worker, which moment, which end, in which configuration.
So every finding can be replayed. Each fault is injected in isolation, as requirements are judged.
"""

import os
import random
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from typing import Any

import torch
from torch.utils.data import Dataset

from conformance.adapter import Adapter
from conformance.datasets import cut
from conformance.footprint import footprint, left_since
from conformance.isolate import Call, isolated
from conformance.loaders import named
from conformance.processes import die, until
from conformance.request import LoaderRequest
from conformance.trace import Trace

DEADLINE = 120.0  # seconds for an injection, after which it is a hang; spawning workers is slow
GIVEN_UP = 3  # errors in succession after which an iterator is taken for dead
DEATHS = ("SIGKILL", "SIGSEGV", "SIGTERM", "exit 0", "exit 1")
MOMENTS = ("start", "fetch", "collate", "send", "idle")
SURVIVED = "survived"


@dataclass(frozen=True)
class Fault:
    """What goes wrong in which worker, and in what kind of loader.

    Attributes:
        seed: what it was drawn from.
        moment: while starting, fetching, collating, sending, or being idle.
        manner: an exception, a signal or an exit of the worker.
        worker: which one, for the moments "start" and "idle".
        at: at which sample; for "idle", after how many delivered batches.
        epoch: in the first epoch or in the second.

    """

    seed: int
    moment: str
    manner: str
    worker: int
    at: int
    epoch: int
    size: int
    batch_size: int
    num_workers: int
    prefetch_factor: int
    persistent_workers: bool
    in_order: bool
    method: str

    @classmethod
    def drawn(cls, seed: int) -> "Fault":
        """Return the fault of a seed. Slow ways to start workers are drawn less often."""
        choice = random.Random(seed)
        moment = choice.choice(MOMENTS)
        workers = choice.randint(1, 3)
        size = choice.randint(6, 30)
        batch_size = choice.randint(1, 4)
        return cls(
            seed=seed,
            moment=moment,
            manner=choice.choice(DEATHS if moment == "idle" else (*DEATHS, "exception")),
            worker=choice.randrange(workers),
            at=choice.randrange(-(-size // batch_size) if moment == "idle" else size),
            epoch=choice.randrange(2),
            size=size,
            batch_size=batch_size,
            num_workers=workers,
            prefetch_factor=choice.randint(1, 3),
            persistent_workers=choice.random() < 0.5,
            in_order=choice.random() < 0.75,
            method=choice.choices(("fork", "forkserver", "spawn"), (16, 1, 1))[0],
        )


@dataclass(frozen=True)
class Finding:
    """A fault, and what the loader made of it: `SURVIVED`, or what it did wrong."""

    fault: Fault
    outcome: str
    detail: str = ""

    @property
    def told(self) -> str:
        """The finding's circumstances, in a line."""
        fault = self.fault
        kept = "persistent" if fault.persistent_workers else "fresh"
        workers = f"{fault.num_workers} {kept} workers by {fault.method}"
        return f"{fault.manner} while in {fault.moment}, {workers}: {self.detail[-300:]}"


class InjectedError(Exception):
    """The exception that is injected."""


@dataclass(frozen=True)
class Sabotage:
    """Strikes once, at its fault's moment and place, when it is armed."""

    fault: Fault
    trace: Trace

    def strike(self, moment: str, key: int) -> None:
        """Let the fault happen if this is where."""
        where = self.fault.worker if self.fault.moment == "start" else self.fault.at
        if (moment, key) != (self.fault.moment, where):
            return
        if not self.trace.keys("armed") or self.trace.keys("struck"):
            return
        self.trace.record("struck", key)
        if self.fault.manner == "exception":
            raise InjectedError("injected")
        die(self.fault.manner)


@dataclass(frozen=True)
class Sabotaged(Dataset[int]):
    """Samples that are their index, unless fetching one is what the sabotage is about."""

    sabotage: Sabotage

    def __len__(self) -> int:
        return self.sabotage.fault.size

    def __getitem__(self, index: int) -> int:
        self.sabotage.trace.record("fetch", index)
        self.sabotage.strike("fetch", index)
        return index


@dataclass(frozen=True)
class Parcel:
    """A batch; sending it may be what the sabotage is about."""

    samples: torch.Tensor
    sabotage: Sabotage

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        for index in self.samples.tolist():
            self.sabotage.strike("send", index)
        return Parcel, (self.samples, self.sabotage)


@dataclass(frozen=True)
class Collating:
    """A collate function that makes parcels."""

    sabotage: Sabotage

    def __call__(self, samples: Sequence[int]) -> Parcel:
        """Return the parcel of a batch."""
        for index in samples:
            self.sabotage.strike("collate", index)
        return Parcel(torch.tensor(samples), self.sabotage)


@dataclass(frozen=True)
class Starting:
    """A worker_init_fn that notes which process is which worker."""

    sabotage: Sabotage

    def __call__(self, worker: int) -> None:
        """Note the worker's start."""
        self.sabotage.trace.record("start", worker)
        self.sabotage.strike("start", worker)


def chaos(loader: str, seeds: Sequence[int], jobs: int = 1) -> Iterator[Finding]:
    """Inject the fault of each seed into a loader, and yield the findings as they come."""
    calls = [Call(injected, (loader, Fault.drawn(seed))) for seed in seeds]
    for call, ending in isolated(calls, deadline=DEADLINE, jobs=jobs):
        _, fault = call.arguments
        if ending.returned:
            yield ending.value
        elif ending.death:
            yield Finding(fault, "took the main process with it", ending.death)
        else:
            yield Finding(fault, "hung", ending.output)


def injected(loader: str, fault: Fault) -> Finding:
    """Iterate a loader three times, with the fault in one of the first two epochs."""
    # The standard library starts these once for all; what they hold is not the loader's.
    resource_tracker.ensure_running()
    if fault.method == "forkserver":
        forkserver.ensure_running()
    before = footprint()
    with Trace() as trace:
        outcome, detail = _three_epochs(named(loader), fault, Sabotage(fault, trace))
    if outcome == SURVIVED and (left := left_since(before)):
        return Finding(fault, "left something behind", ", ".join(left))
    return Finding(fault, outcome, detail)


def _three_epochs(adapter: Adapter, fault: Fault, sabotage: Sabotage) -> tuple[str, str]:
    request = LoaderRequest(
        Sabotaged(sabotage),
        batch_size=fault.batch_size,
        num_workers=fault.num_workers,
        collate_fn=Collating(sabotage),
        worker_init_fn=Starting(sabotage),
        multiprocessing_context=fault.method,
        prefetch_factor=fault.prefetch_factor,
        persistent_workers=fault.persistent_workers,
        in_order=fault.in_order,
    )
    with adapter.open(request) as loader:
        told = False
        for epoch in range(3):
            if epoch == fault.epoch:
                sabotage.trace.record("armed", epoch)
            answers = _answers(loader, sabotage, strikes=epoch == fault.epoch)
            # A worker that owes nothing may die unnoticed; if it is kept, the next epoch tells.
            faulty = bool(sabotage.trace.keys("struck")) and (
                epoch == fault.epoch or (fault.persistent_workers and not told)
            )
            if (outcome := judged(answers, fault, faulty=faulty)) != SURVIVED:
                return f"{outcome} in {'that' if faulty else 'another'} epoch", repr(answers)
            told |= any(isinstance(answer, str) for answer in answers)
            del answers
    return SURVIVED, ""


def _answers(loader: Any, sabotage: Sabotage, *, strikes: bool) -> list[Any]:
    """Return what each `next` came to: the samples of a batch, or the name of an error."""
    answers: list[Any] = []
    errors = delivered = 0
    try:
        iterator = iter(loader)
    except Exception as error:
        return [type(error).__name__]
    while errors < GIVEN_UP:
        if strikes and (sabotage.fault.moment, sabotage.fault.at) == ("idle", delivered):
            _kill_idle(sabotage, delivered)
        try:
            answers.append(next(iterator).samples.tolist())
            errors, delivered = 0, delivered + 1
        except StopIteration:
            break
        except Exception as error:
            answers.append(type(error).__name__)
            errors += 1
    return answers


def _kill_idle(sabotage: Sabotage, delivered: int) -> None:
    fault, trace = sabotage.fault, sabotage.trace
    if trace.keys("struck"):
        return
    window = (delivered + fault.num_workers * fault.prefetch_factor) * fault.batch_size
    epoch_begin = fault.epoch * fault.size
    until(lambda: len(trace.keys("fetch")) >= epoch_begin + min(window, fault.size), 1.0)
    pids = [event.pid for event in trace.events("start") if event.key == fault.worker]
    if pids and fault.manner.startswith("SIG"):
        trace.record("struck", fault.worker)
        with suppress(ProcessLookupError):
            os.kill(pids[-1], signal.Signals[fault.manner])


def judged(answers: list[Any], fault: Fault, *, faulty: bool) -> str:
    """Return what is wrong with an epoch, if anything.

    Whatever goes wrong, an iterator that goes on after an error has to deliver everything else
    exactly once, and one that does not has to have raised.

    Args:
        answers: the samples of each batch that came, and the name of each error, in order.
        fault: what was asked for.
        faulty: whether the fault struck in this epoch.

    """
    expected = cut(range(fault.size), fault.batch_size)
    expected = [list(batch) for batch in expected]
    delivered = [answer for answer in answers if isinstance(answer, list)]
    errors = [place for place, answer in enumerate(answers) if not isinstance(answer, list)]
    if any(batch not in expected for batch in delivered):
        return "delivered a wrong batch"
    if len({tuple(batch) for batch in delivered}) < len(delivered):
        return "delivered a batch twice"
    if fault.in_order and delivered != sorted(delivered):
        return "delivered batches out of order"
    missing = len(expected) - len(delivered)
    if (fault.moment, fault.manner) == ("start", "exception") and fault.persistent_workers:
        # A worker that was not initialised may not load in any epoch.
        return "lost a batch silently" if missing and not errors else SURVIVED
    if not faulty:
        return "raised an error" if errors else "lost a batch" if missing else SURVIVED
    if missing and not errors:
        return "lost a batch silently"
    went_on = bool(errors) and any(isinstance(answer, list) for answer in answers[errors[0] :])
    if went_on and missing > len(errors):
        return "lost a batch after an error"
    before = answers[: errors[0]] if errors else delivered
    if fault.in_order and before != expected[: len(before)]:
        return "lost a batch before an error"
    return SURVIVED
