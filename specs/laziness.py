"""How far loading runs ahead of the loop: as far as it was asked for, and no further.

Proved by events. The main process stops asking, and waits until the trace shows what was loaded in
the meantime; the other way round there is no event for nothing being loaded, so what is not to
happen gets a moment in which it can: too short a moment may miss an error, and never invents one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance import (
    Gated,
    Honest,
    Identity,
    Iterated,
    LoaderRequest,
    Subject,
    Trace,
    Watched,
    cut,
    epoch,
    meeting,
    plain,
    requirement,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
MOMENT = 0.1  # seconds


@dataclass(frozen=True)
class OneByOne:
    """A loader, for mutants, that makes a loader for each batch when it is asked for it."""

    request: LoaderRequest
    honest: Honest

    def __iter__(self) -> Iterator[Any]:
        self.request.dataset.trace.patience = 0.3
        size, batch_size = len(self.request.dataset), self.request.batch_size or 1
        for batch in cut(range(size), batch_size):
            yield from self.honest(self.request.but(sampler=batch))


@requirement(claims=["D1-102", "D1-103"], evidence=[DOCS])
def batches_are_loaded_while_the_main_process_is_busy(subject: Subject) -> None:
    """With workers a loader MUST load the next batches while the loop is busy with one.

    Then the next is there when it is asked for. Without, a model waits for its data each step,
    whatever the number of workers.
    """
    with (
        Trace() as trace,
        subject.open(Watched(12, trace), batch_size=2, num_workers=2) as loader,
    ):
        iterator = iter(loader)
        first = plain(next(iterator, None))
        assert first == [0, 1]
        loaded_meanwhile = trace.wait_for("fetch", [2, 3, 4, 5])
        rest = epoch(iterator)
    assert (loaded_meanwhile, rest) == (True, [[2, 3], [4, 5], [6, 7], [8, 9], [10, 11]])


@batches_are_loaded_while_the_main_process_is_busy.mutant_loader
def loads_a_batch_when_it_is_asked_for(request: LoaderRequest, honest: Honest) -> Any:
    return OneByOne(request, honest)


@batches_are_loaded_while_the_main_process_is_busy.mutant_loader
def loads_without_workers(request: LoaderRequest, honest: Honest) -> Any:
    request.dataset.trace.patience = 0.3
    return honest(request.but(num_workers=0))


@batches_are_loaded_while_the_main_process_is_busy.mutant_loader
def loads_one_batch_ahead(request: LoaderRequest, honest: Honest) -> Any:
    request.dataset.trace.patience = 0.3
    return honest(request.but(num_workers=1, prefetch_factor=1))


@requirement(claims=["D1-102"], evidence=[DOCS])
def several_batches_are_under_way_while_the_main_process_is_busy(subject: Subject) -> None:
    """With two workers a loader MUST load two batches at a time while the loop is busy with one.

    Loading is slow where it waits, for a disk or a decoder; workers that wait one after another
    gain nothing. Here a sample of each batch waits for the other.
    """
    with Trace() as trace:
        dataset = Gated(12, trace, meeting([4, 6]))
        with subject.open(dataset, batch_size=2, num_workers=2) as loader:
            iterator = iter(loader)
            first = plain(next(iterator, None))
            assert first == [0, 1]
            loaded_meanwhile = trace.wait_for("fetch", [4, 6])
            rest = epoch(iterator)
        in_vain = trace.keys("in_vain")
    assert (loaded_meanwhile, in_vain) == (True, [])
    assert rest == [[2, 3], [4, 5], [6, 7], [8, 9], [10, 11]]


@several_batches_are_under_way_while_the_main_process_is_busy.mutant_loader
def loads_ahead_in_one_worker(request: LoaderRequest, honest: Honest) -> Any:
    request.dataset.trace.patience = 0.3
    return honest(request.but(num_workers=1, prefetch_factor=4))


several_batches_are_under_way_while_the_main_process_is_busy.mutant_loader(
    loads_a_batch_when_it_is_asked_for
)


AHEAD = [(1, None, 2), (1, 1, 1), (1, 3, 3), (2, 1, 2), (2, 2, 4)]  # workers, factor, batches


@requirement(evidence=[DOCS])
def as_much_is_loaded_ahead_as_was_asked_for(subject: Subject) -> None:
    """While the loop is busy a loader MUST have prefetch_factor x num_workers batches loaded ahead.

    The factor, 2 unless given, is set by how uneven the batches are: the store that it fills is
    what a slow one is bridged with.
    """
    for workers, factor, ahead in AHEAD:
        with (
            Trace() as trace,
            subject.open(
                Watched(16, trace), batch_size=2, num_workers=workers, prefetch_factor=factor
            ) as loader,
        ):
            iterator = iter(loader)
            first = plain(next(iterator, None))
            assert first == [0, 1]
            loaded_ahead = trace.wait_for("fetch", range(2 * (1 + ahead)))
            rest = epoch(iterator)
        assert (loaded_ahead, rest) == (True, cut([*range(2, 16)], 2))


@as_much_is_loaded_ahead_as_was_asked_for.mutant_loader
def shares_the_factor_among_the_workers(request: LoaderRequest, honest: Honest) -> Any:
    request.dataset.trace.patience = 0.3
    return honest(request.but(prefetch_factor=1) if request.num_workers > 1 else request)


@as_much_is_loaded_ahead_as_was_asked_for.mutant_loader
def has_one_batch_ahead_for_each_worker(request: LoaderRequest, honest: Honest) -> Any:
    request.dataset.trace.patience = 0.3
    return honest(request.but(prefetch_factor=1))


@as_much_is_loaded_ahead_as_was_asked_for.mutant_loader
def has_two_batches_ahead_for_each_worker(request: LoaderRequest, honest: Honest) -> Any:
    request.dataset.trace.patience = 0.3
    return honest(request.but(prefetch_factor=None))


@requirement(evidence=[DOCS])
def no_more_is_loaded_ahead_than_was_asked_for(subject: Subject) -> None:
    """A loader MUST NOT have more than prefetch_factor x num_workers batches begun and undelivered.

    Each waits in memory, and a batch may be gigabytes. After the n-th batch is delivered no sample
    of a batch beyond the (n + prefetch_factor x num_workers)-th may have been asked for.
    """
    for workers, factor, ahead in [(1, 1, 1), (2, 1, 2), (2, None, 4)]:
        with (
            Trace() as trace,
            subject.open(
                Watched(20, trace), batch_size=2, num_workers=workers, prefetch_factor=factor
            ) as loader,
        ):
            iterator = iter(loader)
            too_many = []
            for number in (1, 2, 3):
                batch = plain(next(iterator, None))
                assert batch == [2 * number - 2, 2 * number - 1]
                allowed = 2 * (number + ahead)
                trace.wait_for("fetch", range(allowed))
                trace.wait_for("fetch", [allowed], timeout=MOMENT if number == 1 else 0)
                too_many.append(max(0, len(trace.keys("fetch")) - allowed))
            rest = epoch(iterator)
        assert (too_many, rest) == ([0, 0, 0], cut([*range(6, 20)], 2))


@no_more_is_loaded_ahead_than_was_asked_for.mutant_loader
def loads_one_batch_more(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(prefetch_factor=(request.prefetch_factor or 2) + 1))


@no_more_is_loaded_ahead_than_was_asked_for.mutant_loader
def loads_all_that_there_is(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(prefetch_factor=100))


@no_more_is_loaded_ahead_than_was_asked_for.mutant_loader
def has_always_two_ahead_for_each_worker(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(prefetch_factor=None))


@requirement(evidence=[DOCS])
def workers_begin_when_an_epoch_begins(subject: Subject) -> None:
    """With workers a loader SHOULD begin to load when iter is called, before the first next.

    Starting workers and loading a first batch take time that a training can use, as for building
    its model; after a validation the next epoch's first batch is there.
    """
    with subject.open(Identity(4), batch_size=2, num_workers=1) as loader:
        delivered = epoch(loader)
    assert delivered == [[0, 1], [2, 3]]
    with (
        Trace() as trace,
        subject.open(Watched(4, trace), batch_size=2, num_workers=1) as loader,
    ):
        when_built = trace.keys("fetch")
        iterator = iter(loader)
        begun = trace.wait_for("fetch", [0, 1])
        delivered = epoch(iterator)
    assert (when_built, begun, delivered) == ([], True, [[0, 1], [2, 3]])


@workers_begin_when_an_epoch_begins.mutant_loader
def begins_with_the_first_batch(request: LoaderRequest, honest: Honest) -> Any:
    loader = honest(request)
    if isinstance(request.dataset, Watched):
        request.dataset.trace.patience = 0.3
    return Iterated(lambda: (batch for batches in [loader] for batch in batches))


@workers_begin_when_an_epoch_begins.mutant_loader
def begins_when_it_is_built(request: LoaderRequest, honest: Honest) -> Any:
    begun = iter(honest(request))
    if isinstance(request.dataset, Watched):
        request.dataset.trace.wait_for("fetch", [0, 1])
    return begun
