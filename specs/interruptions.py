"""What comes from outside: a timeout, Ctrl-C, the end of the program, and what cannot be sent.

A program that is to be interrupted runs in a process of its own; what its workers do is told by a
trace, and so is when the time has come.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import Process
from pickle import PicklingError
from typing import Any, ClassVar

from torch.utils.data import Dataset

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Subject,
    Trace,
    Troubled,
    Until,
    Watched,
    epoch,
    kind_of,
    plain,
    requirement,
    running,
    unhurried,
    until,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
HANGING = "https://github.com/pytorch/pytorch/issues/1355"
SLOW_EXIT = "https://github.com/pytorch/pytorch/issues/47445"
SLOWER_EXIT = "https://github.com/pytorch/pytorch/issues/72269"
PICKLING = "https://github.com/pytorch/pytorch/issues/167387"
BATCHES = [[0], [1], [2]]


def waiting_for_the_third(subject: Subject, trace: Trace, **options: Any) -> list[Any]:
    """Return what an epoch comes to whose third sample is not ready before the loop is over."""
    dataset = Troubled(8, 2, Until(trace, "over", 0), trace)
    delivered: list[Any] = []
    with subject.open(dataset, num_workers=2, **options) as loader:
        try:
            for batch in loader:
                delivered.append(plain(batch))
                trace.record("delivered", len(delivered))
        except (Exception, KeyboardInterrupt) as error:
            delivered.append(kind_of(error))
    trace.record("over", 0)
    return delivered


def left_of_workers(trace: Trace, seconds: float) -> list[int]:
    """Return the processes that have fetched samples and still run after that time."""
    return running({event.pid for event in trace.events("fetch")} - {os.getpid()}, seconds)


def timed_out(subject: Subject, trace: Trace) -> list[Any]:
    # The first batch has to come in time, which includes the start of its worker.
    delivered = waiting_for_the_third(subject, trace, timeout=unhurried(1))
    return [delivered, left_of_workers(trace, 5)]


@requirement(evidence=[DOCS, HANGING])
def a_timeout_ends_the_wait(subject: Subject) -> None:
    """If a batch does not come within timeout seconds, a loader MUST raise an error and end it all.

    It keeps a training from standing still for a night because a drive does not answer.
    """
    with Trace() as trace, subject.start(timed_out, trace) as process:
        answer = process.answer(15)
    error = "TimeoutError" if "TimeoutError" in str(answer) else "RuntimeError"
    subject.observe(f"a timeout is a {error}")
    assert answer == [[[0], [1], error], []]


class Ending:
    """A loader that takes an error for the end of the data; part of mutants."""

    def __init__(self, loader: Any, kind: type[BaseException]) -> None:
        self.loader, self.kind = loader, kind

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self.loader
        except self.kind:
            return


@a_timeout_ends_the_wait.mutant_loader
def waits_without_end(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(timeout=0))


@a_timeout_ends_the_wait.mutant_loader
def ends_the_epoch_when_it_takes_too_long(request: LoaderRequest, honest: Honest) -> Any:
    return Ending(honest(request), RuntimeError)


def interrupted(subject: Subject, trace: Trace) -> list[Any]:
    delivered = waiting_for_the_third(subject, trace)
    return [delivered, left_of_workers(trace, 5)]


@requirement(evidence=[HANGING, SLOW_EXIT])
def an_interrupt_reaches_the_loop(subject: Subject) -> None:
    """Ctrl-C during the wait for a batch MUST raise KeyboardInterrupt there, and end the workers.

    It goes to all processes of a terminal at once. A loader that shields the user from it, or
    leaves workers behind, has to be hunted down with kill.
    """
    with Trace() as trace, subject.start(interrupted, trace) as process:
        until(lambda: waits_for_the_third(trace) or process.exit_code(0) is not None)
        process.interrupt()
        answer = process.answer(15)
    assert answer == [[[0], [1], "KeyboardInterrupt"], []]


def waits_for_the_third(trace: Trace) -> bool:
    return 2 in trace.keys("fetch") and 2 in trace.keys("delivered")


@an_interrupt_reaches_the_loop.mutant_loader
def takes_an_interrupt_for_the_end(request: LoaderRequest, honest: Honest) -> Any:
    return Ending(honest(request), KeyboardInterrupt)


@an_interrupt_reaches_the_loop.mutant
def raises_another_error_for_it(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    try:
        yield from batches
    except KeyboardInterrupt as interrupt:
        raise RuntimeError("a worker was interrupted") from interrupt


@an_interrupt_reaches_the_loop.mutant
def leaves_a_worker_alone(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    start_one_that_stays(request.dataset.trace)
    yield from batches


def start_one_that_stays(trace: Trace) -> None:
    """Start a process that fetches a sample and then stays, whatever comes; part of mutants."""
    Process(target=fetch_and_stay, args=(Watched(100, trace),), daemon=True).start()
    until(lambda: 99 in trace.keys("fetch"))


def fetch_and_stay(dataset: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    dataset[99]
    threading.Event().wait(14)


def in_the_midst(subject: Subject, trace: Trace) -> None:
    with subject.open(Watched(8, trace), num_workers=2) as loader:
        for batch in loader:
            trace.record("delivered", len(plain(batch)))
            Until(trace, "over", 0)()
    trace.record("delivered", 0)


@requirement(evidence=[HANGING])
def workers_do_not_outlive_a_killed_program(subject: Subject) -> None:
    """When its program is killed, the workers of a loader MUST be gone within ten seconds.

    Nobody is left to end them. They hold the memory, the device and the ports that the restarted
    program needs.
    """
    with Trace() as trace, subject.start(in_the_midst, trace) as process:
        until(lambda: trace.keys("delivered") or process.exit_code(0) is not None)
        lengths = trace.keys("delivered")
        if not lengths:
            process.answer()  # raises what has kept it from delivering
        process.kill()
        left = left_of_workers(trace, 10)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert (lengths, left) == ([1], [])


@workers_do_not_outlive_a_killed_program.mutant
def has_a_worker_that_never_looks_up(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    start_one_that_stays(request.dataset.trace)
    yield from batches


class Kept:
    """What is still there when the interpreter ends."""

    things: ClassVar[list[Any]] = []


def leaving(subject: Subject, trace: Trace, workers: int) -> list[Any]:
    """Return an epoch, with the loader still there, as soon as the trace says so."""
    with subject.open(Identity(3), num_workers=workers, persistent_workers=workers > 0) as loader:
        Kept.things.append(loader)
        delivered = epoch(loader)
    trace.record("ready", workers)
    Until(trace, "leave", 0)()
    return delivered


@requirement(evidence=[SLOW_EXIT, SLOWER_EXIT])
def a_program_ends_at_once_with_idle_workers(subject: Subject) -> None:
    """A program with idle persistent workers MUST end within five seconds of one without workers.

    A wait of seconds for each worker, in every test and every job, is the better part of what a
    short program takes; and one that ends with an error has failed to whoever started it.
    """
    with subject.open(Identity(3), num_workers=2, persistent_workers=True):
        pass  # a loader without them need not be asked in two new interpreters
    with (
        Trace() as trace,
        subject.start(leaving, trace, 0, method="spawn") as without,
        subject.start(leaving, trace, 2, method="spawn") as program,
    ):
        until(lambda: len(trace.keys("ready")) == 2 or program.exit_code(0) is not None, 24)
        trace.record("leave", 0)
        answers = [without.answer(26), program.answer(26)]
        codes = [without.exit_code(), program.exit_code(5)]
    assert (answers, codes) == ([BATCHES] * 2, [0, 0])


@a_program_ends_at_once_with_idle_workers.mutant
def has_workers_that_are_waited_for(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    if request.num_workers:
        Process(target=threading.Event().wait, args=(9,), daemon=False).start()
    yield from batches


@dataclass
class Mapped(Dataset[int]):
    """Three samples, made by a function."""

    lazy = True

    function: Callable[[int], int]

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> int:
        return self.function(index)


def do_nothing(worker: int) -> None:
    """Be a worker_init_fn that can be pickled."""


def sent_to_workers(subject: Subject, method: str, part: str) -> Any:
    """Return an epoch of a loader one part of which is a lambda, or its error's name and text."""
    dataset = Mapped(lambda index: index) if part == "dataset" else Mapped(abs)
    options: dict[str, Any] = {"collate_fn": list, "worker_init_fn": do_nothing}
    if part == "collate_fn":
        options[part] = lambda samples: list(samples)
    if part == "worker_init_fn":
        options[part] = lambda worker: do_nothing(worker)
    try:
        with subject.open(
            dataset, num_workers=1, multiprocessing_context=method, **options
        ) as loader:
            return epoch(loader)
    except (PicklingError, AttributeError, TypeError, RuntimeError) as error:
        return "names it" if "lambda" in str(error) else f"{kind_of(error)}: {error}"


@requirement(evidence=[PICKLING, DOCS])
def what_cannot_be_sent_to_workers_is_named(subject: Subject) -> None:
    """A loader that cannot send something to workers that are not forked MUST raise what it is.

    Forking is the default no longer; a program that has worked for years then fails, and the user
    has to learn which of its parts is meant.
    """
    parts = ("dataset", "collate_fn", "worker_init_fn")
    forked = [sent_to_workers(subject, "fork", part) for part in parts]
    spawned = [sent_to_workers(subject, "spawn", part) for part in parts]
    sent = [BATCHES if answer == BATCHES else "names it" for answer in spawned]
    assert (forked, spawned) == ([BATCHES] * 3, sent)


@what_cannot_be_sent_to_workers_is_named.mutant_loader
def says_only_that_it_has_failed(request: LoaderRequest, honest: Honest) -> Any:
    return Vague(honest(request))


class Vague:
    """A loader that tells nothing of what went wrong; part of a mutant."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self.loader
        except Exception as error:
            raise RuntimeError("a worker could not be started") from error


@what_cannot_be_sent_to_workers_is_named.mutant_loader
def loads_nothing_without_a_worker(request: LoaderRequest, honest: Honest) -> Any:
    return Ending(honest(request), Exception)
