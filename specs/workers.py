"""Who loads when there are workers: how many processes, at the same time, and what each does.

That several samples are under way at once is proved by a meeting: samples that wait for one another
can be had only by a loader that begins them all. How much faster that makes a loader depends on the
dataset, and is not judged.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from conformance import (
    Gated,
    Honest,
    LoaderRequest,
    Subject,
    Trace,
    Watched,
    epoch,
    flat,
    meeting,
    requirement,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"


def impatient(request: LoaderRequest) -> LoaderRequest:
    """Return a request, for mutants, whose dataset waits only shortly for what does not come."""
    request.dataset.trace.patience = 0.3
    return request


@dataclass(frozen=True)
class Epochs:
    """A loader, for mutants, that begins each epoch with a function."""

    begin: Callable[[], Iterator[Any]]

    def __iter__(self) -> Iterator[Any]:
        return self.begin()


@requirement(claims=["D1-019", "D1-021", "D1-100", "D2-015", "D2-018"])
def as_many_processes_load_as_there_are_workers(subject: Subject) -> None:
    """With num_workers=W a loader MUST load in W processes at a time, the main one not being one.

    The number is chosen by the cores and the memory there are: fewer leave cores idle, and every
    further one holds a dataset of its own.
    """
    counts = []
    for workers in (1, 2, 3):
        with (
            Trace() as trace,
            subject.open(
                Gated(9, trace, meeting(range(workers))), batch_size=1, num_workers=workers
            ) as loader,
        ):
            delivered = flat(epoch(loader))
            processes = {event.pid for event in trace.events("fetch")} - {os.getpid()}
            counts.append((delivered, trace.keys("in_vain"), len(processes)))
    assert counts == [(list(range(9)), [], workers) for workers in (1, 2, 3)]


@as_many_processes_load_as_there_are_workers.mutant_loader
def starts_one_worker_for_all(request: LoaderRequest, honest: Honest) -> Any:
    return honest(impatient(request).but(num_workers=1))


@as_many_processes_load_as_there_are_workers.mutant_loader
def starts_one_worker_more(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(num_workers=request.num_workers + 1))


@as_many_processes_load_as_there_are_workers.mutant_loader
def counts_the_main_process_as_a_worker(request: LoaderRequest, honest: Honest) -> Any:
    others = request.num_workers - 1
    factor = request.prefetch_factor if others else None
    return honest(impatient(request).but(num_workers=others, prefetch_factor=factor))


@requirement(claims=["D1-021", "D1-022", "D1-024", "D1-102", "D2-004", "D2-018"])
def several_batches_are_made_at_the_same_time(subject: Subject) -> None:
    """With two workers a loader MUST make two batches at the same time.

    That is what workers can gain: while one batch waits for its disk or its decoder, another is
    under way.
    """
    with (
        Trace() as trace,
        subject.open(Gated(8, trace, meeting([0, 2])), batch_size=2, num_workers=2) as loader,
    ):
        delivered = epoch(loader)
        in_vain = trace.keys("in_vain")
    assert (delivered, in_vain) == ([[0, 1], [2, 3], [4, 5], [6, 7]], [])


@several_batches_are_made_at_the_same_time.mutant_loader
def makes_one_batch_after_another(request: LoaderRequest, honest: Honest) -> Any:
    return honest(impatient(request).but(num_workers=1, prefetch_factor=4))


@several_batches_are_made_at_the_same_time.mutant_loader
def shares_one_batch_among_the_workers(request: LoaderRequest, honest: Honest) -> Any:
    """Load a batch sample by sample, and the next one when it has been delivered."""
    parts = impatient(request).but(batch_size=None, collate_fn=None)
    batches = [range(start, start + 2) for start in range(0, len(request.dataset), 2)]
    return Epochs(lambda: (list(honest(parts.but(sampler=batch))) for batch in batches))


@dataclass(frozen=True)
class Collating:
    """A collate_fn that records the first sample of what it is called with."""

    trace: Trace

    def __call__(self, samples: list[int]) -> list[int]:
        """Collate into a list."""
        self.trace.record("collate", samples[0])
        return list(samples)


@requirement(claims=["D1-101"])
def workers_fetch_and_collate(subject: Subject) -> None:
    """With workers a loader MUST fetch samples and call collate_fn in workers only.

    What the main process does itself holds the training up, and may not be possible there: opening
    the dataset's files in it is what workers were to spare.
    """
    with Trace() as trace:
        dataset, collate = Watched(8, trace), Collating(trace)
        with subject.open(dataset, batch_size=2, num_workers=2, collate_fn=collate) as loader:
            delivered = epoch(loader)
        here = [event.kind for event in trace.events() if event.pid == os.getpid()]
        everywhere = (sorted(trace.keys("fetch")), sorted(trace.keys("collate")))
    assert delivered == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert (everywhere, here) == (([0, 1, 2, 3, 4, 5, 6, 7], [0, 2, 4, 6]), [])


@workers_fetch_and_collate.mutant_loader
def collates_in_the_main_process(request: LoaderRequest, honest: Honest) -> Any:
    collate: Any = request.collate_fn
    loader = honest(request.but(collate_fn=list))
    return Epochs(lambda: map(collate, loader))


@workers_fetch_and_collate.mutant_loader
def makes_the_first_batch_itself(request: LoaderRequest, honest: Honest) -> Any:
    first = honest(request.but(num_workers=0, sampler=range(2)))
    rest = honest(request.but(sampler=range(2, len(request.dataset))))
    return Epochs(lambda: chain(first, rest))


@workers_fetch_and_collate.mutant_loader
def loads_in_the_main_process(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(num_workers=0))


@requirement(claims=["D1-023", "D1-024"], evidence=[DOCS])
def one_worker_makes_a_whole_batch(subject: Subject) -> None:
    """The samples of one batch SHOULD be fetched and collated by one worker.

    A batch then crosses between processes once, as one piece, and what a collate_fn keeps in mind
    is of its own samples. The documents say so in one place and the opposite in another.
    """
    with Trace() as trace:
        dataset, collate = Watched(12, trace), Collating(trace)
        with subject.open(dataset, batch_size=4, num_workers=2, collate_fn=collate) as loader:
            delivered = epoch(loader)
        fetched = {event.key: event.pid for event in trace.events("fetch")}
        collated = {event.key: event.pid for event in trace.events("collate")}
    makers = {index: collated.get(index - index % 4, "nobody") for index in range(12)}
    assert delivered == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert fetched == makers


@one_worker_makes_a_whole_batch.mutant_loader
def deals_the_samples_of_a_batch_out(request: LoaderRequest, honest: Honest) -> Any:
    collate: Any = request.collate_fn
    samples = honest(request.but(batch_size=None, collate_fn=None))
    return Epochs(lambda: map(collate, zip(*[iter(samples)] * 4, strict=True)))


one_worker_makes_a_whole_batch.mutant_loader(collates_in_the_main_process)
