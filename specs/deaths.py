"""Worker processes that die: of a crash, a full memory, an exit in somebody's library.

Each epoch runs in a process of its own, so that one that hangs is an answer as well, and several
run at once, as some loaders look after their workers only every few seconds. Batches hold one
sample; errors stand between them as the names of their types.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import Process
from threading import Event
from typing import Any, ClassVar

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Subject,
    Trace,
    Troubled,
    Watched,
    die,
    epoch,
    footprint,
    kind_of,
    left_since,
    plain,
    requirement,
    running,
    told,
)

HANGING = "https://github.com/pytorch/pytorch/issues/1355"
HANGING_AT_START = "https://github.com/pytorch/pytorch/issues/21554"
HANGING_SILENTLY = "https://github.com/pytorch/pytorch/issues/26072"
KILLED = "https://github.com/pytorch/pytorch/issues/8976"
SKIPPED = "https://github.com/pytorch/pytorch/issues/68519"
MANNERS = ("SIGKILL", "SIGSEGV", "exit 0", "exit 1")
SIZE = 20
FATAL = 3
LIMIT = 15  # seconds; some loaders look after their workers only every five
SAMPLES = [[index] for index in range(SIZE)]


def all_at_once(subject: Subject, use: Callable[..., Any], cases: Any) -> dict[Any, Any]:
    """Return what `use` comes to in each case; a text, if it has not come to anything in time."""
    with contextlib.ExitStack() as stack:
        uses = {case: stack.enter_context(subject.start(use, case)) for case in cases}
        return {case: process.answer(LIMIT) for case, process in uses.items()}


class Kept:
    """Errors, and so the iterators that raised them: ending those may take longer than finding."""

    errors: ClassVar[list[Exception]] = []


def until_an_error(loader: Any) -> list[Any]:
    """Return the batches up to an error and the name of its type, or all batches."""
    delivered: list[Any] = []
    try:
        for batch in loader:
            delivered.append(plain(batch))
    except Exception as error:
        Kept.errors.append(error)
        delivered.append(type(error).__name__)
    return delivered


def account(answer: Any, good: list[Any]) -> str:
    """Return "found" if good batches and then an error came; otherwise what came instead."""
    if not isinstance(answer, list):
        return str(answer)
    before, last = answer[:-1], answer[-1:]
    if before == good[: len(before)] and [type(each) for each in last] == [str]:
        return "found"
    return f"delivered {answer}"


def dying_in_a_sample(subject: Subject, manner: str) -> list[Any]:
    dataset = Troubled(SIZE, FATAL, partial(die, manner))
    with subject.open(dataset, num_workers=2) as loader:
        return until_an_error(loader)


@requirement(evidence=[HANGING, HANGING_SILENTLY, KILLED])
def a_worker_that_dies_in_a_sample_is_an_error(subject: Subject) -> None:
    """When fetching a sample ends its worker, a loader MUST raise an error within fifteen seconds.

    Decoders crash, systems short of memory kill, libraries call exit. A loader that waits for a
    worker that is gone holds the machine until somebody looks; one that goes on loses data.
    """
    answers = all_at_once(subject, dying_in_a_sample, MANNERS)
    found = {manner: account(answer, SAMPLES[:FATAL]) for manner, answer in answers.items()}
    assert found == dict.fromkeys(MANNERS, "found")


class Ending:
    """A loader that takes an error for the end of the data; part of mutants."""

    def __init__(self, loader: Any, waits: bool) -> None:
        self.loader, self.waits = loader, waits

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self.loader
        except RuntimeError:
            while self.waits:
                signal.pause()


@a_worker_that_dies_in_a_sample_is_an_error.mutant_loader
def goes_on_without_the_dead(request: LoaderRequest, honest: Honest) -> Any:
    return Ending(honest(request), waits=False)


@a_worker_that_dies_in_a_sample_is_an_error.mutant_loader
def takes_exit_code_0_for_success(request: LoaderRequest, honest: Honest) -> Any:
    clean = getattr(request.dataset, "trouble", None)
    quiet = isinstance(clean, partial) and clean.args == ("exit 0",)
    return Ending(honest(request), waits=quiet) if quiet else honest(request)


def die_as_the_second(manner: str, worker: int) -> None:
    if worker == 1:
        die(manner)


def dying_at_its_start(subject: Subject, manner: str) -> list[Any]:
    init = partial(die_as_the_second, manner)
    with subject.open(Identity(SIZE), num_workers=2, worker_init_fn=init) as loader:
        return until_an_error(loader)


@requirement(evidence=[HANGING_AT_START, HANGING])
def a_worker_that_dies_at_its_start_is_an_error(subject: Subject) -> None:
    """When worker_init_fn ends its worker, a loader MUST raise an error within fifteen seconds.

    A driver or a library that does not stand a fork dies right there, before anything has been
    asked of the worker.
    """
    answers = all_at_once(subject, dying_at_its_start, ("SIGKILL", "SIGSEGV", "exit 1"))
    found = {manner: account(answer, SAMPLES[:1]) for manner, answer in answers.items()}
    assert found == dict.fromkeys(("SIGKILL", "SIGSEGV", "exit 1"), "found")


@a_worker_that_dies_at_its_start_is_an_error.mutant_loader
def has_the_others_do_its_work(request: LoaderRequest, honest: Honest) -> Any:
    return Ending(honest(request), waits=False)


class Deadly:
    """What ends the process that tries to send it to another one."""

    def __init__(self, manner: str) -> None:
        self.manner = manner
        self.home = os.getpid()

    def __reduce__(self) -> tuple[type["Deadly"], tuple[str]]:
        die(self.manner)
        return Deadly, (self.manner,)


def deadly_to_send(manner: str, samples: list[int]) -> list[Any]:
    return [Deadly(manner)] if samples == [FATAL] else samples


def dying_while_it_sends(subject: Subject, manner: str) -> list[Any]:
    collate = partial(deadly_to_send, manner)
    with subject.open(Identity(SIZE), num_workers=2, collate_fn=collate) as loader:
        return until_an_error(loader)


@requirement(evidence=[HANGING, KILLED])
def a_worker_that_dies_while_it_sends_is_an_error(subject: Subject) -> None:
    """When sending a batch ends its worker, a loader MUST raise an error within fifteen seconds.

    Batches are large, and memory runs out when they are copied: what was sent in part must neither
    be waited for nor be delivered.
    """
    answers = all_at_once(subject, dying_while_it_sends, ("SIGKILL", "exit 1"))
    found = {manner: account(answer, SAMPLES[:FATAL]) for manner, answer in answers.items()}
    assert found == dict.fromkeys(("SIGKILL", "exit 1"), "found")


@a_worker_that_dies_while_it_sends_is_an_error.mutant
def delivers_nothing_in_its_place(request: LoaderRequest, batches: Any) -> Iterator[Any]:
    try:
        yield from batches
    except Exception:
        yield None


def killed_between_epochs(subject: Subject, manner: str) -> list[Any]:
    with Trace() as trace:
        dataset = Watched(SIZE, trace)
        with subject.open(dataset, num_workers=2, persistent_workers=True) as loader:
            return [epoch(loader), until_an_error(after_a_death(loader, trace, manner))]


def after_a_death(loader: Any, trace: Trace, manner: str) -> Iterator[Any]:
    """Kill a worker, then iterate. The error may come at once, raised by a handler of signals."""
    workers = [event.pid for event in trace.events("fetch") if event.pid != os.getpid()]
    for pid in workers[:1]:
        os.kill(pid, signal.Signals[manner])
    running(workers[:1], 5)
    yield from loader


@requirement(evidence=[HANGING_SILENTLY, KILLED])
def the_death_of_an_idle_worker_is_no_loss(subject: Subject) -> None:
    """When a persistent worker was killed between epochs, the next one MUST be whole or an error.

    The system kills whoever has the most memory, and that is at night and while a model is being
    evaluated.
    """
    answer = all_at_once(subject, killed_between_epochs, ("SIGKILL",))["SIGKILL"]
    first, second = answer if isinstance(answer, list) else ([], answer)
    verdict = "whole" if second == SAMPLES else account(second, SAMPLES)
    if verdict in ("whole", "found"):
        subject.observe(f"after a worker's death between epochs: {verdict}")
    assert (first, verdict) == (SAMPLES, "whole" if verdict == "whole" else "found")


@the_death_of_an_idle_worker_is_no_loss.mutant_loader
def serves_an_epoch_without_it(request: LoaderRequest, honest: Honest) -> Any:
    return Halved(honest(request), request)


class Halved:
    """A loader that leaves out a dead worker's share of an epoch; part of a mutant."""

    def __init__(self, loader: Any, request: LoaderRequest) -> None:
        self.loader, self.request = loader, request

    def __iter__(self) -> Iterator[Any]:
        workers = {event.pid for event in self.request.dataset.trace.events("fetch")}
        missing = len(workers) - len(running(workers))
        batches: Any = ([index] for index in range(0, SIZE, 2)) if missing else self.loader
        return iter(batches)


def death_and_on(subject: Subject, manner: str) -> list[Any]:
    dataset = Troubled(SIZE, 1, partial(die, manner))
    with subject.open(dataset, num_workers=2) as loader:
        return told(iter(loader))


@requirement(evidence=[SKIPPED, KILLED])
def no_batch_is_missing_after_a_death(subject: Subject) -> None:
    """After a worker's death a loader MUST either deliver no more or every other batch once.

    What was still in the worker's hands is as good as any other batch; those who catch the error
    and go on are not told that it never comes.
    """
    answer = all_at_once(subject, death_and_on, ("SIGKILL",))["SIGKILL"]
    batches = [each for each in answer if not isinstance(each, str)]
    # A text is the answer of a process that hangs or has died itself.
    found = answer if isinstance(answer, str) else len(batches) < len(answer)
    ended = batches in ([], SAMPLES[:1])
    expected = batches if ended else [SAMPLES[0], *SAMPLES[2:]]
    assert (found, batches) == (True, expected)
    subject.observe("after a death an iterator " + ("has ended" if ended else "goes on"))


@no_batch_is_missing_after_a_death.mutant
def goes_on_with_what_others_have(request: LoaderRequest, batches: Any) -> Iterator[Any]:
    return Surviving(batches)


class Surviving:
    """An iterator that raises a death as an error and goes on behind it; part of a mutant."""

    def __init__(self, batches: Any) -> None:
        self.iterator = iter(batches)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return next(self.iterator)
        except RuntimeError:
            self.iterator = iter([[index] for index in range(4, SIZE)])
            raise


def die_until(trace: Trace, manner: str) -> None:
    if not trace.keys("mended"):
        die(manner)


def epochs_around_a_death(subject: Subject, options: tuple[tuple[str, Any], ...]) -> list[Any]:
    with Trace() as trace:
        dataset = Troubled(SIZE, FATAL, partial(die_until, trace, "SIGKILL"))
        with subject.open(dataset, num_workers=2, **dict(options)) as loader:
            first = until_an_error(loader)
            trace.record("mended", 0)
            return [account(first, SAMPLES[:FATAL]), until_an_error(loader)]


@requirement(evidence=[KILLED, HANGING])
def a_death_does_not_outlive_its_epoch(subject: Subject) -> None:
    """After an epoch in which a worker has died the next one MUST be whole.

    The memory is free again; a training of weeks does not have to be begun anew for it.
    """
    answers = all_at_once(subject, epochs_around_a_death, [()])
    assert answers == {(): ["found", SAMPLES]}


@a_death_does_not_outlive_its_epoch.mutant_loader
def is_broken_for_good(request: LoaderRequest, honest: Honest) -> Any:
    return Offended(honest(request))


class Offended:
    """A loader that repeats the error it has once raised; part of mutants."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[Any]:
        if self.error:
            raise self.error
        try:
            yield from self.loader
        except Exception as error:
            self.error = error
            raise


PERSISTENT = (("persistent_workers", True),)


@requirement(evidence=[KILLED, HANGING])
def persistent_workers_are_replaced_after_a_death(subject: Subject) -> None:
    """With persistent workers, too, the epoch after a worker's death SHOULD be whole.

    Persistent is what the user has asked them to be; who is gone has to be replaced.
    """
    answers = all_at_once(subject, epochs_around_a_death, [PERSISTENT])
    assert answers == {PERSISTENT: ["found", SAMPLES]}


@persistent_workers_are_replaced_after_a_death.mutant_loader
def never_replaces_a_worker(request: LoaderRequest, honest: Honest) -> Any:
    return Offended(honest(request))


def in_a_thread(subject: Subject, manner: str) -> list[Any]:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(dying_in_a_sample, subject, manner).result()


@requirement(evidence=[HANGING, HANGING_SILENTLY])
def a_death_is_found_in_any_thread(subject: Subject) -> None:
    """A loader iterated outside the main thread MUST find a worker's death within fifteen seconds.

    Loops that prefetch to a device, and servers, iterate in threads, where no signal arrives.
    """
    answers = all_at_once(subject, in_a_thread, ("SIGKILL", "exit 1"))
    found = {manner: account(answer, SAMPLES[:FATAL]) for manner, answer in answers.items()}
    assert found == dict.fromkeys(("SIGKILL", "exit 1"), "found")


@a_death_is_found_in_any_thread.mutant_loader
def relies_on_a_signal(request: LoaderRequest, honest: Honest) -> Any:
    return Ending(honest(request), waits=True)


def left_by_a_death(subject: Subject, manner: str) -> list[Any]:
    forgotten(dying_in_a_sample(subject, manner))
    before = footprint()
    return [forgotten(dying_in_a_sample(subject, manner)), left_since(before)]


def forgotten(delivered: list[Any]) -> str:
    """Return what an epoch has come to, with nothing held of it any more."""
    while Kept.errors:
        kind_of(Kept.errors.pop())
    return account(delivered, SAMPLES[:FATAL])


@requirement(evidence=[HANGING, KILLED])
def a_death_leaves_nothing_behind(subject: Subject) -> None:
    """After a worker's death the others MUST be gone with the loop, and all that they held.

    They are orphans with copies of the dataset in a system that is short of memory already.
    """
    with subject.start(left_by_a_death, "SIGKILL") as process:
        answer = process.answer(25)
    assert answer == ["found", []]


@a_death_leaves_nothing_behind.mutant_loader
def leaves_the_others_alone(request: LoaderRequest, honest: Honest) -> Any:
    return Leaving(honest(request))


class Leaving:
    """A loader that leaves a process behind when it fails; part of a mutant."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self.loader
        except RuntimeError:
            Process(target=Event().wait, args=(9,), daemon=True).start()
            raise
