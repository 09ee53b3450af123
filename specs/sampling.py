"""Samplers decide which samples come, how often and in which order, and are obeyed to the letter.

How indices are grouped and counted, and how far ahead they are drawn, is in other chapters.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, count, islice
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance import (
    Honest,
    Identity,
    Iterated,
    LoaderRequest,
    Subject,
    cut,
    epoch,
    flat,
    given,
    requirement,
)

ISSUES = "https://github.com/pytorch/pytorch/issues"
DOCUMENTATION = "https://docs.pytorch.org/docs/stable/data.html"
SIZE = 10
KEYS = ("", "bc", (0, 1), None, 7)

indices_of_some = st.lists(st.integers(0, SIZE - 1), max_size=SIZE)
indices_beyond_the_size = st.lists(st.integers(0, SIZE - 1), min_size=SIZE + 1, max_size=30)
batch_sizes = st.integers(1, 12)


@requirement(claims=["D1-040", "D1-041", "D1-042", "D1-070", "D1-071", "D2-001", "D2-025"])
@given(indices=indices_of_some | indices_beyond_the_size, batch_size=batch_sizes)
def a_sampler_decides_order_repeats_and_omissions(
    subject: Subject, indices: list[int], batch_size: int
) -> None:
    """With a sampler a loader MUST deliver the samples that it names, in its order and as often.

    Balancing, subsets and curricula are samplers; one that is corrected trains on other data.
    """
    with subject.open(Identity(SIZE), batch_size=batch_size, sampler=indices) as loader:
        both = [epoch(loader) for _ in range(2)]
    assert both == [cut(indices, batch_size)] * 2


@a_sampler_decides_order_repeats_and_omissions.mutant_loader
def takes_an_empty_sampler_for_none(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=request.sampler or None))


@a_sampler_decides_order_repeats_and_omissions.mutant_loader
def leaves_repeats_out(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=list(dict.fromkeys(request.sampler or []))))


@a_sampler_decides_order_repeats_and_omissions.mutant
def sorts_each_batch(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    yield from (batch.sort().values for batch in batches)


@a_sampler_decides_order_repeats_and_omissions.mutant
def stops_at_the_size_of_the_dataset(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    return islice(batches, -(-SIZE // (request.batch_size or 1)))


@requirement(claims=["D1-040", "D1-041"], evidence=[DOCUMENTATION])
def any_iterable_is_a_sampler(subject: Subject) -> None:
    """As sampler a loader MUST take whatever can be iterated, with or without a length.

    It is often an array of a subset's indices, a range, or a class with __iter__ alone.
    """
    indices = [3, 1, 4, 1, 5]
    came = []
    for sampler in (
        tuple(indices),
        np.array(indices),
        Iterated(lambda: iter(indices)),
        dict.fromkeys([3, 1, 4]),
        range(9, 4, -2),
        iter(indices),
    ):
        with subject.open(Identity(SIZE), batch_size=3, sampler=sampler) as loader:
            came.append(flat(epoch(loader)))
    assert came == [indices, indices, indices, [3, 1, 4], [9, 7, 5], indices]


@any_iterable_is_a_sampler.mutant_loader
def asks_whether_the_sampler_is_true(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request if request.sampler else request.but(sampler=None))


@any_iterable_is_a_sampler.mutant_loader
def does_without_a_sampler_that_has_no_length(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request if hasattr(request.sampler, "__len__") else request.but(sampler=None))


@requirement(claims=["D1-005", "D1-040", "D1-041"], evidence=[DOCUMENTATION])
@given(keys=st.lists(st.sampled_from(KEYS), max_size=12), batch_size=batch_sizes)
def no_key_of_a_sampler_ends_it_or_is_left_out(
    subject: Subject, keys: list[Any], batch_size: int
) -> None:
    """For every key of a sampler a loader MUST deliver a sample, be the key false or None.

    Datasets are keyed by name or by (bucket, index); that of None may be the background class.
    """
    dataset = {key: place for place, key in enumerate(KEYS)}
    with subject.open(dataset, batch_size=batch_size, sampler=keys) as loader:
        came = epoch(loader)
    assert came == cut([KEYS.index(key) for key in keys], batch_size)


@no_key_of_a_sampler_ends_it_or_is_left_out.mutant_loader
def takes_none_for_the_end(request: LoaderRequest, honest: Honest) -> Any:
    keys = request.sampler or []
    return honest(request.but(sampler=Iterated(lambda: iter(chain(keys, [None]).__next__, None))))


@no_key_of_a_sampler_ends_it_or_is_left_out.mutant_loader
def passes_over_keys_that_are_false(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=[key for key in request.sampler or [] if key or key is None]))


@requirement(claims=["D1-041", "D2-029"], evidence=[DOCUMENTATION])
def a_sampler_is_started_once_an_epoch(subject: Subject) -> None:
    """In each epoch a loader MUST iterate its sampler once, from the start.

    A sampler that counts its epochs, or draws when it starts, gets out of step otherwise.
    """
    starts = count(1)
    sampler = Iterated(lambda: iter([next(starts)] * 3))
    with subject.open(Identity(SIZE), batch_size=2, sampler=sampler) as loader:
        came = [epoch(loader) for _ in range(3)]
    assert came == [[[1, 1], [1]], [[2, 2], [2]], [[3, 3], [3]]]


@a_sampler_is_started_once_an_epoch.mutant
def iterates_once_more_to_count(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    sum(1 for _ in request.sampler or [])
    return batches


@a_sampler_is_started_once_an_epoch.mutant_loader
def asks_the_sampler_once_for_all_epochs(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=list(request.sampler or [])))


class WithEpoch:
    """A sampler whose order turns with the number of the epoch that it was set to."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.number = 0

    def __iter__(self) -> Iterator[int]:
        return iter([(self.number + place) % self.size for place in range(self.size)])

    def __len__(self) -> int:
        return self.size


@requirement(evidence=[f"{ISSUES}/97326"])
def a_change_of_the_sampler_shows_in_the_next_epoch(subject: Subject) -> None:
    """After a change of its sampler a loader MUST deliver the next epoch by the changed sampler.

    With set_epoch a distributed training is shuffled anew; unseen, each epoch has the same order.
    """
    sampler = WithEpoch(4)
    came = []
    with subject.open(Identity(4), batch_size=2, sampler=sampler) as loader:
        for number in (0, 3, 1):
            sampler.number = number
            came.append(epoch(loader))
    assert came == [[[0, 1], [2, 3]], [[3, 0], [1, 2]], [[1, 2], [3, 0]]]


@a_change_of_the_sampler_shows_in_the_next_epoch.mutant_loader
def asks_ahead_for_the_next_epoch(request: LoaderRequest, honest: Honest) -> Any:
    ahead = [list(request.sampler or [])]

    def begin() -> Iterator[int]:
        yield from ahead.pop()
        ahead.append(list(request.sampler or []))

    return honest(request.but(sampler=Iterated(begin)))


a_change_of_the_sampler_shows_in_the_next_epoch.mutant_loader(asks_the_sampler_once_for_all_epochs)
