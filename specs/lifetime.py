"""How long worker processes live: an epoch or as long as their loader, and who sees what changes.

Which processes there are is told by the samples, each fetch being recorded with the process that
did it; no stopwatch says who was started anew.
"""

import os
from collections.abc import Iterable, Iterator
from copy import copy, deepcopy
from dataclasses import dataclass
from itertools import islice
from typing import Any

from torch.utils.data import Dataset

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Subject,
    Trace,
    Watched,
    epoch,
    flat,
    kind_of,
    plain,
    requirement,
    running,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
UNSEEN_CHANGES = "https://github.com/pytorch/pytorch/issues/97326"
BATCHES = [[index] for index in range(8)]
IN_THE_END = 5  # seconds within which a process has to have ended


def two_epochs(
    subject: Subject, trace: Trace, **options: Any
) -> tuple[list[Any], set[int], list[int], set[int]]:
    """Return the batches of two epochs of two workers, and the processes that did each.

    Between the two: those of the first that are still running after the time they have to end.
    """
    with subject.open(Watched(8, trace), num_workers=2, **options) as loader:
        delivered = epoch(loader)
        first = {event.pid for event in trace.events("fetch")}
        kept = running(first, 0 if options else IN_THE_END)
        begun = len(trace.events("fetch"))
        delivered += epoch(loader)
        second = {event.pid for event in trace.events("fetch")[begun:]}
    return delivered, first, kept, second


@requirement(claims=["D2-063"])
def workers_last_an_epoch_by_default(subject: Subject) -> None:
    """Unless workers are persistent, those of an epoch MUST end with it, and the next have its own.

    Copies of the dataset that are no longer used fill the memory, and new workers are how a
    program has the next epoch see what it has changed.
    """
    with Trace() as trace:
        delivered, first, kept, second = two_epochs(subject, trace)
    assert (delivered, kept, first & second) == (BATCHES * 2, [], set())


@workers_last_an_epoch_by_default.mutant_loader
def keeps_its_workers_unasked(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(persistent_workers=True))


class AnotherEachTime:
    """A loader that makes a new one for every epoch and keeps them all."""

    def __init__(self, request: LoaderRequest, honest: Honest) -> None:
        self.request, self.honest = request, honest
        self.loaders: list[Any] = []

    def __iter__(self) -> Iterator[Any]:
        self.loaders.append(self.honest(self.request))
        return iter(self.loaders[-1])


@workers_last_an_epoch_by_default.mutant_loader
def starts_new_workers_beside_the_old(request: LoaderRequest, honest: Honest) -> Any:
    return AnotherEachTime(request.but(persistent_workers=True), honest)


@requirement(claims=["D2-024", "D2-062", "D2-064", "D2-065"])
def persistent_workers_serve_every_epoch(subject: Subject) -> None:
    """Persistent workers MUST still run after an epoch, and the next one be loaded by the same.

    Starting them, and whatever they open and import, is what was to be saved.
    """
    with Trace() as trace:
        delivered, first, kept, second = two_epochs(subject, trace, persistent_workers=True)
        # Not every worker need have had something to do in every epoch.
        others = len(first | second) > 2 or os.getpid() in second
    assert (delivered, set(kept), others) == (BATCHES * 2, first, False)


@persistent_workers_serve_every_epoch.mutant_loader
def starts_workers_every_epoch(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(persistent_workers=False))


@persistent_workers_serve_every_epoch.mutant_loader
def keeps_workers_and_starts_others(request: LoaderRequest, honest: Honest) -> Any:
    return AnotherEachTime(request, honest)


@persistent_workers_serve_every_epoch.mutant_loader
def loads_later_epochs_itself(request: LoaderRequest, honest: Honest) -> Any:
    itself = request.but(persistent_workers=False, num_workers=0)
    return Replaced(honest(request), honest(itself))


class Replaced:
    """A loader whose place another one takes after the first epoch, both being kept."""

    def __init__(self, first: Any, later: Any) -> None:
        self.loaders = [first, later]
        self.epochs = 0

    def __iter__(self) -> Iterator[Any]:
        self.epochs += 1
        return iter(self.loaders[min(self.epochs, 2) - 1])


@dataclass
class Turned:
    """A sampler of four indices that begins with the one of the epoch, as far as it is told."""

    begin: int = 0

    def set_epoch(self, number: int) -> None:
        """Begin with index `number` from now on."""
        self.begin = number

    def __iter__(self) -> Iterator[int]:
        return iter([(self.begin + step) % 4 for step in range(4)])


@requirement(evidence=[UNSEEN_CHANGES])
def persistent_workers_follow_the_sampler(subject: Subject) -> None:
    """With persistent workers a change made to the sampler between epochs MUST take effect.

    A training on several machines calls set_epoch before every epoch; unseen, each epoch has the
    order of the first.
    """
    sampler = Turned()
    delivered = []
    with subject.open(
        Identity(4), sampler=sampler, num_workers=2, persistent_workers=True
    ) as loader:
        for number in range(3):
            sampler.set_epoch(number)
            delivered.append(flat(epoch(loader)))
    assert delivered == [[0, 1, 2, 3], [1, 2, 3, 0], [2, 3, 0, 1]]


@persistent_workers_follow_the_sampler.mutant_loader
def copies_the_sampler(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=copy(request.sampler)))


@dataclass
class Lagging:
    """A sampler whose next order is drawn when it begins with the one before; part of a mutant."""

    sampler: Any
    waiting: Any = None

    def __iter__(self) -> Iterator[int]:
        now, self.waiting = self.waiting, list(self.sampler)
        return iter(self.waiting if now is None else now)


@persistent_workers_follow_the_sampler.mutant_loader
def draws_the_order_an_epoch_ahead(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=Lagging(request.sampler)))


@dataclass
class Offset(Dataset[int]):
    """Six samples: the index and what has been set to be added."""

    added: int = 0

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> int:
        return index + self.added


def before_and_after_a_change(subject: Subject, **options: Any) -> list[list[int]]:
    """Return two epochs, 100 having been added to the samples in between."""
    dataset = Offset()
    with subject.open(dataset, num_workers=2, **options) as loader:
        before = flat(epoch(loader))
        dataset.added = 100
        after = flat(epoch(loader))
    return [before, after]


@requirement(evidence=[UNSEEN_CHANGES, DOCS])
def new_workers_see_the_dataset_as_it_is(subject: Subject) -> None:
    """Unless workers are persistent, an epoch MUST see what was changed in the dataset before it.

    Curricula, annealed augmentations and set_epoch of a dataset work like that.
    """
    epochs = before_and_after_a_change(subject)
    assert epochs == [[0, 1, 2, 3, 4, 5], [100, 101, 102, 103, 104, 105]]


@new_workers_see_the_dataset_as_it_is.mutant_loader
def copies_the_dataset_when_built(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=deepcopy(request.dataset)))


@requirement(claims=["D2-065"], evidence=[UNSEEN_CHANGES, DOCS])
def persistent_workers_agree_on_the_dataset(subject: Subject) -> None:
    """Persistent workers MAY keep the dataset as it was when they began, if they all do.

    They have copies, and a change is not sent after them; but an epoch half of the old samples and
    half of the new is what nobody has asked for.
    """
    before, after = before_and_after_a_change(subject, persistent_workers=True)
    kept = after == before
    choice = "keep the dataset they began with" if kept else "see changes of the dataset"
    subject.observe(f"persistent workers {choice}")
    as_it_began, as_changed = [0, 1, 2, 3, 4, 5], [100, 101, 102, 103, 104, 105]
    assert (before, after) == (as_it_began, as_it_began if kept else as_changed)


@persistent_workers_agree_on_the_dataset.mutant
def has_one_worker_that_sees_changes(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    for number, batch in enumerate(batches):
        yield batch + request.dataset.added * (number % 2)


@requirement(evidence=[DOCS])
def loops_of_workers_may_be_nested(subject: Subject) -> None:
    """Two iterators at once MUST each have a whole epoch, unless persistent workers are shared.

    A loop inside a loop over the same data compares every sample with every other; a shared
    position makes it end early, without a word.
    """
    with subject.open(Identity(4), batch_size=2, num_workers=1) as loader:
        pairs = [(plain(one), plain(other)) for one in loader for other in loader]
    assert pairs == [([a, a + 1], [b, b + 1]) for a in (0, 2) for b in (0, 2)]


class OneIterator:
    """A loader that begins anew only when its iterator has ended; part of a mutant."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader
        self.iterator: Iterator[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        self.iterator = self.iterator or iter(self.loader)
        return self

    def __next__(self) -> Any:
        if self.iterator is None:
            raise StopIteration
        try:
            return next(self.iterator)
        except StopIteration:
            self.iterator = None
            raise


@loops_of_workers_may_be_nested.mutant_loader
def has_one_iterator_at_a_time(request: LoaderRequest, honest: Honest) -> Any:
    return OneIterator(honest(request))


@loops_of_workers_may_be_nested.mutant_loader
def shares_its_workers(request: LoaderRequest, honest: Honest) -> Any:
    return OneIterator(honest(request.but(persistent_workers=True)))


@requirement(evidence=[DOCS])
def loops_over_persistent_workers_do_not_mix(subject: Subject) -> None:
    """Of two iterators that share persistent workers, none SHOULD end as if it had been whole.

    One set of workers may serve one loop at a time; but then the other one has to say so, or its
    user takes a part of the data for all of it.
    """
    pairs: list[Any] = []
    with subject.open(Identity(8), batch_size=2, num_workers=1, persistent_workers=True) as loader:
        alone = epoch(loader)
        try:
            pairs += [(plain(one), plain(other)) for one in loader for other in loader]
        except Exception as error:
            pairs.append(kind_of(error))
    refused = [type(pair) for pair in pairs] == [str]
    subject.observe(f"nested loops over persistent workers {'are refused' if refused else 'end'}")
    batches = [[index, index + 1] for index in range(0, 8, 2)]
    every = [(one, other) for one in batches for other in batches]
    assert (alone, pairs) == (batches, pairs if refused else every)


@loops_over_persistent_workers_do_not_mix.mutant_loader
def goes_on_in_one_iterator(request: LoaderRequest, honest: Honest) -> Any:
    return OneIterator(honest(request))


@requirement(evidence=[DOCS])
def an_epoch_left_early_is_not_continued(subject: Subject) -> None:
    """With persistent workers, after a loop is left early the next one MUST be a whole epoch.

    Workers have loaded ahead by then; a batch of the old epoch in the new one is there twice.
    """
    delivered = []
    with subject.open(Identity(8), num_workers=2, persistent_workers=True) as loader:
        for length in (1, 3, 8):
            delivered.append([plain(batch) for batch in islice(loader, length)])
    assert delivered == [BATCHES[:1], BATCHES[:3], BATCHES]


@an_epoch_left_early_is_not_continued.mutant_loader
def goes_on_where_it_was_left(request: LoaderRequest, honest: Honest) -> Any:
    return OneIterator(honest(request))


class Remembering:
    """A loader that has read one batch ahead, and delivers it first; part of a mutant."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader
        self.ahead: list[Any] = []

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            self.ahead.append(batch)
            if len(self.ahead) > 1:
                yield self.ahead.pop(0)
        while self.ahead:
            yield self.ahead.pop(0)


@an_epoch_left_early_is_not_continued.mutant_loader
def delivers_what_was_left_over(request: LoaderRequest, honest: Honest) -> Any:
    return Remembering(honest(request))
