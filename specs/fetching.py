"""How the samples of a batch are fetched: when, by whom, and how often.

In the caller's own process: that is where a loader loads unless it is given workers.
"""

import multiprocessing
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing.process import BaseProcess
from typing import Any

from hypothesis import strategies as st

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Subject,
    Trace,
    Watched,
    epoch,
    flat,
    given,
    plain,
    requirement,
    until,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"

sizes = st.integers(0, 30)
batch_sizes = st.integers(1, 8)


@requirement(claims=["D1-098", "D1-099"])
@given(size=sizes, batch_size=batch_sizes, taken=st.integers(0, 4))
def without_workers_nothing_is_loaded_before_it_is_asked_for(
    subject: Subject, size: int, batch_size: int, taken: int
) -> None:
    """With no workers a loader MUST fetch a batch's samples, in order, only when it is asked for.

    Loading and computing alternate then: memory holds one batch, a loop left early has not paid
    for more, and a dataset may be changed between two steps.
    """
    with Trace() as trace, subject.open(Watched(size, trace), batch_size=batch_size) as loader:
        when_built = trace.keys()
        iterator = iter(loader)
        when_begun = trace.keys()
        delivered = flat(plain(batch) for batch in islice(iterator, taken))
        fetched = trace.keys()
    asked_for = list(range(size))[: taken * batch_size]
    assert (when_built, when_begun, delivered, fetched) == ([], [], asked_for, asked_for)


@without_workers_nothing_is_loaded_before_it_is_asked_for.mutant_loader
def loads_all_when_built(request: LoaderRequest, honest: Honest) -> Any:
    return list(honest(request))


@without_workers_nothing_is_loaded_before_it_is_asked_for.mutant
def loads_all_when_begun(request: LoaderRequest, batches: Iterable[Any]) -> list[Any]:
    return list(batches)


def reading_ahead(batches: Iterable[Any]) -> Iterator[Any]:
    ahead = []
    for batch in batches:
        ahead.append(batch)
        if len(ahead) > 1:
            yield ahead.pop(0)
    yield from ahead


@without_workers_nothing_is_loaded_before_it_is_asked_for.mutant
def reads_one_batch_ahead(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return reading_ahead(batches)


@requirement(claims=["D1-020", "D1-098", "D2-014"])
def without_workers_samples_are_fetched_by_the_caller(subject: Subject) -> None:
    """With no workers a loader MUST fetch every sample in the process and thread that iterates.

    Open files and device contexts belong to one, and a dataset need not be safe to share.
    """
    with Trace() as trace, subject.open(Watched(7, trace), batch_size=3) as loader:
        delivered = flat(epoch(loader))
        fetched = [(event.key, event.pid, event.thread) for event in trace.events("fetch")]
    caller = (os.getpid(), threading.get_ident())
    assert (delivered, fetched) == (list(range(7)), [(index, *caller) for index in range(7)])


@without_workers_samples_are_fetched_by_the_caller.mutant_loader
def starts_a_worker_unasked(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(num_workers=1))


@without_workers_samples_are_fetched_by_the_caller.mutant
def loads_in_a_thread(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    with ThreadPoolExecutor(1) as thread:
        yield from thread.submit(list, batches).result()


def others() -> list[threading.Thread | BaseProcess]:
    """Return the threads of this process, and the processes that it has started."""
    return [*threading.enumerate(), *multiprocessing.active_children()]


def left_of(before: list[threading.Thread | BaseProcess]) -> list[str]:
    """Return the names of those that were not there before, and are still there in a second."""
    until(lambda: set(others()) <= set(before), 1.0)
    return [other.name for other in others() if other not in before]


@requirement(claims=["D1-098"])
def an_epoch_left_early_leaves_nothing_running(subject: Subject) -> None:
    """With no workers a loop that is left early MUST NOT leave a thread or a process behind.

    They pile up over the epochs of a long training, and a later fork inherits their locks. Hence
    the second of two loops is looked at: what a library starts once for all is of none. To end may
    take a second.
    """
    for _ in range(2):
        before = others()
        with subject.open(Identity(100), batch_size=2) as loader:
            first = [plain(batch) for batch in islice(loader, 1)]
            behind = left_of(before)
    assert (first, behind) == ([[0, 1]], [])


@an_epoch_left_early_leaves_nothing_running.mutant
def leaves_a_thread_waiting(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    wanted = threading.Event()
    threading.Thread(target=wanted.wait, args=(3,), name="read ahead", daemon=True).start()
    yield from batches
    wanted.set()


@an_epoch_left_early_leaves_nothing_running.mutant
def leaves_a_process_waiting(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    wanted = multiprocessing.Event()
    multiprocessing.Process(target=wanted.wait, args=(3,), daemon=True).start()
    yield from batches
    wanted.set()


@dataclass
class Drawn:
    """A sampler without end that notes what was drawn from it."""

    drawn: list[int]

    def __iter__(self) -> Iterator[int]:
        for number in range(1000):  # an end for loaders that draw everything first
            self.drawn.append(number)
            yield number % 10


@requirement(claims=["D1-069", "D1-070"])
def indices_are_drawn_batch_by_batch(subject: Subject) -> None:
    """With no workers a loader MUST NOT draw more from a sampler than the batches asked for hold.

    Samplers without end exist, and such as choose the next sample by how the last one was learnt.
    """
    drawn: list[int] = []
    with subject.open(Identity(10), batch_size=3, sampler=Drawn(drawn)) as loader:
        batches = [plain(batch) for batch in islice(loader, 3)]
    assert (batches, drawn) == ([[0, 1, 2], [3, 4, 5], [6, 7, 8]], list(range(9)))


@indices_are_drawn_batch_by_batch.mutant_loader
def draws_all_indices_first(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=list(request.sampler or ())))


@indices_are_drawn_batch_by_batch.mutant
def draws_one_batch_ahead(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return reading_ahead(batches)


@requirement(claims=["D1-007"], evidence=[DOCS])
@given(size=sizes, batch_size=batch_sizes)
def a_sample_is_fetched_once_an_epoch(subject: Subject, size: int, batch_size: int) -> None:
    """In every epoch a loader MUST ask the dataset for each sample exactly once.

    Fetching is what costs, and what augments: a sample asked for twice is paid for twice, and one
    kept from an earlier epoch is not augmented anew.
    """
    with Trace() as trace, subject.open(Watched(size, trace), batch_size=batch_size) as loader:
        delivered = [flat(epoch(loader)) for _ in range(2)]
        fetched = sorted(trace.keys())  # several may be fetched at a time
    assert (delivered, fetched) == ([list(range(size))] * 2, sorted([*range(size)] * 2))


@a_sample_is_fetched_once_an_epoch.mutant
def probes_the_first_sample(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    if len(request.dataset):
        request.dataset[0]
    yield from batches


@a_sample_is_fetched_once_an_epoch.mutant_loader
def serves_later_epochs_from_memory(request: LoaderRequest, honest: Honest) -> Any:
    return list(honest(request))


class Bulk(Watched):
    """A dataset that can also be asked for a whole batch."""

    def __getitems__(self, indices: list[int]) -> list[int]:
        self.trace.record("bulk", len(indices))
        return [self[index] for index in indices]


@requirement(evidence=[DOCS])
@given(size=st.integers(1, 20), batch_size=batch_sizes)
def fetching_in_bulk_changes_nothing(subject: Subject, size: int, batch_size: int) -> None:
    """From a dataset with __getitems__ a loader MAY fetch a batch at once, with the same result.

    Whether a dataset offers the faster way must not decide what a training sees.
    """
    with Trace() as trace, subject.open(Bulk(size, trace), batch_size=batch_size) as loader:
        delivered = flat(epoch(loader))
        fetched = trace.keys()
        in_bulk = trace.keys("bulk")
    subject.observe("asks with __getitems__" if in_bulk else "asks with __getitem__")
    assert (delivered, fetched) == (list(range(size)), list(range(size)))


@fetching_in_bulk_changes_nothing.mutant
def asks_again_one_by_one(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        yield [request.dataset[index] for index in plain(batch)]


@fetching_in_bulk_changes_nothing.mutant_loader
def fetches_a_batch_backwards(request: LoaderRequest, honest: Honest) -> Any:
    size, step = len(request.dataset), request.batch_size or 1
    batches = [range(start, min(start + step, size)) for start in range(0, size, step)]
    return honest(request.but(sampler=[index for batch in batches for index in reversed(batch)]))
