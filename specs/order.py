"""Which samples an epoch delivers, and in which order; and what one epoch leaves to the next.

Without shuffling: choosing another order is the sampler's business.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

import torch
from hypothesis import strategies as st
from torch.utils.data import SequentialSampler

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Samples,
    Subject,
    epoch,
    flat,
    given,
    plain,
    requirement,
)

PYTHON = "https://docs.python.org/3/glossary.html#term-iterator"
PULLED_AFTER_THE_END = "https://github.com/pytorch/pytorch/issues/59312"

sizes = st.integers(0, 30)
batch_sizes = st.integers(1, 8)


@dataclass(frozen=True)
class Epochs:
    """A loader, for mutants, that begins each epoch with a function."""

    begin: Callable[[], Iterator[Any]]

    def __iter__(self) -> Iterator[Any]:
        return self.begin()


@requirement(claims=["D1-001", "D1-007"])
@given(samples=st.lists(st.integers(-99, 99), max_size=40), batch_size=batch_sizes)
def an_epoch_is_the_dataset_in_order(subject: Subject, samples: list[int], batch_size: int) -> None:
    """Every epoch MUST deliver each sample of the dataset exactly once, by default in its order.

    A sample lost or repeated spoils a training unseen; a sample moved puts a prediction down to
    another sample's name.
    """
    with subject.open(Samples(samples), batch_size=batch_size) as loader:
        delivered = flat(epoch(loader))
    assert delivered == samples


@an_epoch_is_the_dataset_in_order.mutant_loader
def delivers_indices_for_samples(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=range(len(request.dataset))))


@an_epoch_is_the_dataset_in_order.mutant_loader
def starts_at_the_second_sample(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=range(1, len(request.dataset))))


@an_epoch_is_the_dataset_in_order.mutant_loader
def fills_the_last_batch_from_the_start(request: LoaderRequest, honest: Honest) -> Any:
    size, batch_size = len(request.dataset), request.batch_size or 1
    whole = size + -size % batch_size
    return honest(request.but(sampler=[index % size for index in range(whole)]))


@an_epoch_is_the_dataset_in_order.mutant
def swaps_the_last_two_batches(request: LoaderRequest, batches: Iterable[Any]) -> list[Any]:
    kept = list(batches)
    return kept[:-2] + kept[-2:][::-1]


@requirement(claims=["D1-013", "D1-047", "D2-013"])
@given(size=sizes, batch_size=batch_sizes)
def shuffle_false_is_the_default_order(subject: Subject, size: int, batch_size: int) -> None:
    """With shuffle=False a loader MUST deliver what it delivers by default: the dataset in order.

    Whoever writes the default out, as one does for validation, asks for no other order.
    """
    with subject.open(Identity(size), batch_size=batch_size) as loader:
        by_default = flat(epoch(loader))
    with subject.open(Identity(size), batch_size=batch_size, shuffle=False) as loader:
        unshuffled = flat(epoch(loader))
    assert [by_default, unshuffled] == [list(range(size))] * 2


@shuffle_false_is_the_default_order.mutant_loader
def shuffles_by_default(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(shuffle=request.shuffle is None and len(request.dataset) > 0))


@shuffle_false_is_the_default_order.mutant_loader
def shuffles_whenever_shuffle_is_named(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(shuffle=request.shuffle is not None and len(request.dataset) > 0))


@requirement(claims=["D1-046", "D1-047", "D1-054"])
@given(size=sizes)
def a_sequential_sampler_keeps_the_order(subject: Subject, size: int) -> None:
    """With a SequentialSampler a loader MUST deliver the dataset in order, epoch after epoch.

    It is the default's sampler, and written out where a framework insists on one.
    """
    dataset = Identity(size)
    with subject.open(dataset, batch_size=2, sampler=SequentialSampler(dataset)) as loader:
        epochs = [epoch(loader) for _ in range(3)]
    pairs = [list(range(size))[start : start + 2] for start in range(0, size, 2)]
    assert epochs == [pairs] * 3


@a_sequential_sampler_keeps_the_order.mutant_loader
def iterates_a_sampler_only_once(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=iter(request.sampler or ())))


@a_sequential_sampler_keeps_the_order.mutant_loader
def counts_samples_from_one(request: LoaderRequest, honest: Honest) -> Any:
    size = len(request.dataset)
    return honest(request.but(sampler=[(index + 1) % size for index in range(size)]))


@requirement(claims=["D1-013", "D2-001", "D2-013"], evidence=[PYTHON])
@given(size=sizes, batch_size=batch_sizes, shuffle=st.sampled_from([None, False]))
def every_epoch_is_the_same_without_shuffle(
    subject: Subject, size: int, batch_size: int, shuffle: bool | None
) -> None:
    """Without shuffle a loader MUST deliver the same samples in order however often it is iterated.

    A training iterates one loader once an epoch; what validation measures must stay comparable.
    """
    with subject.open(Identity(size), batch_size=batch_size, shuffle=shuffle) as loader:
        epochs = [flat(epoch(loader)) for _ in range(3)]
    assert epochs == [list(range(size))] * 3


@every_epoch_is_the_same_without_shuffle.mutant_loader
def can_be_iterated_once(request: LoaderRequest, honest: Honest) -> Any:
    return iter(honest(request))


@every_epoch_is_the_same_without_shuffle.mutant_loader
def shuffles_from_the_second_epoch(request: LoaderRequest, honest: Honest) -> Any:
    shuffled = honest(request.but(shuffle=len(request.dataset) > 0))
    loaders = [shuffled, honest(request)]
    return Epochs(lambda: iter(loaders.pop() if len(loaders) > 1 else shuffled))


@requirement(claims=["D2-001"], evidence=[PYTHON])
@given(size=st.integers(1, 30), batch_size=batch_sizes, taken=st.integers(1, 4))
def an_epoch_left_early_does_not_shorten_the_next(
    subject: Subject, size: int, batch_size: int, taken: int
) -> None:
    """After an epoch was left early, the next MUST begin at the beginning and be complete.

    A sanity check or a limit on steps leaves in the middle; what follows must not resume there.
    """
    with subject.open(Identity(size), batch_size=batch_size) as loader:
        left = flat(plain(batch) for batch in islice(loader, taken))
        following = flat(epoch(loader))
    assert (left, following) == (list(range(size))[: taken * batch_size], list(range(size)))


@an_epoch_left_early_does_not_shorten_the_next.mutant_loader
def resumes_where_it_was_left(request: LoaderRequest, honest: Honest) -> Any:
    return iter(honest(request))


@an_epoch_left_early_does_not_shorten_the_next.mutant_loader
def keeps_what_it_had_read_ahead(request: LoaderRequest, honest: Honest) -> Any:
    loader, ahead = honest(request), list[Any]()

    def begin() -> Iterator[Any]:
        for batch in loader:
            ahead.append(batch)
            if len(ahead) > 1:
                yield ahead.pop(0)
        while ahead:
            yield ahead.pop(0)

    return Epochs(begin)


@requirement(evidence=[PYTHON, PULLED_AFTER_THE_END])
@given(size=sizes, batch_size=batch_sizes)
def an_exhausted_iterator_stays_exhausted(subject: Subject, size: int, batch_size: int) -> None:
    """Once its epoch has ended an iterator MUST keep raising StopIteration.

    Code that joins or zips loaders asks again after the end; a next epoch would slip in.
    """
    with subject.open(Identity(size), batch_size=batch_size) as loader:
        iterator = iter(loader)
        delivered = flat(epoch(iterator))
        later = [plain(next(iterator, "nothing")) for _ in range(3)]
    assert (delivered, later) == (list(range(size)), ["nothing"] * 3)


@dataclass
class Restarting:
    """An iterator, for mutants, that begins anew when it has ended."""

    loader: Any

    def __post_init__(self) -> None:
        self.batches = iter(self.loader)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        for batch in self.batches:
            return batch
        self.batches = iter(self.loader)
        raise StopIteration


@an_exhausted_iterator_stays_exhausted.mutant
def starts_over_after_the_end(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return Restarting(batches)


@requirement(evidence=[PYTHON])
@given(size=st.integers(1, 12), batch_size=batch_sizes)
def two_iterators_at_once_are_independent(subject: Subject, size: int, batch_size: int) -> None:
    """Two iterators of one loader that are used at once MUST each deliver a whole epoch.

    Pairs of samples, as in metric learning, come from nested or zipped loops over one loader.
    """
    with subject.open(Identity(size), batch_size=batch_size) as loader:
        nested = [
            (plain(outer), plain(inner))
            for outer in islice(loader, 13)  # a loader that never ends is bounded
            for inner in islice(loader, 13)
        ]
        zipped = [(plain(left), plain(right)) for left, right in zip(loader, loader, strict=False)]
    batches = [
        list(range(size))[start : start + batch_size] for start in range(0, size, batch_size)
    ]
    assert (nested, zipped) == (list(product(batches, batches)), [(b, b) for b in batches])


@two_iterators_at_once_are_independent.mutant_loader
def hands_out_one_iterator(request: LoaderRequest, honest: Honest) -> Any:
    return iter(honest(request))


@two_iterators_at_once_are_independent.mutant_loader
def rewinds_the_iterator_underway(request: LoaderRequest, honest: Honest) -> Any:
    loader, underway = honest(request), list[Any]()

    def begin() -> Iterator[Any]:
        underway[:] = [iter(loader)]
        while (batch := next(underway[0], None)) is not None:
            yield batch

    return Epochs(begin)


@requirement(claims=["D1-010", "D2-011"], evidence=[PYTHON])
@given(size=st.integers(10, 30), taken=st.integers(1, 8))
def two_shuffled_iterators_at_once_are_independent(subject: Subject, size: int, taken: int) -> None:
    """With shuffle a second iterator MUST NOT change which samples the first delivers.

    Each is an epoch; to shuffle shared indices anew makes the one underway lose and repeat samples.
    """
    chance = torch.Generator().manual_seed(subject.seed)
    with subject.open(Identity(size), shuffle=True, generator=chance) as loader:
        iterator = iter(loader)
        first = flat(plain(batch) for batch in islice(iterator, taken))
        second = flat(epoch(loader))
        first += flat(epoch(iterator))
    counts = [[delivered.count(i) for i in range(size)] for delivered in (first, second)]
    assert counts == [[1] * size] * 2


class ShuffledInPlace(list[int]):
    """Indices, for mutants, that are shuffled whenever an iteration over them begins."""

    def __iter__(self) -> Iterator[int]:
        random.shuffle(self)
        return super().__iter__()


@two_shuffled_iterators_at_once_are_independent.mutant_loader
def shuffles_shared_indices(request: LoaderRequest, honest: Honest) -> Any:
    indices = ShuffledInPlace(range(len(request.dataset)))
    return honest(request.but(shuffle=None, generator=None, sampler=indices))
