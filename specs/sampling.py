"""Samplers decide which samples come, how often and in which order, and are obeyed to the letter.

How indices are grouped and counted, and how far ahead they are drawn, is in other chapters.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count, islice
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch.utils.data import (
    DistributedSampler,
    RandomSampler,
    WeightedRandomSampler,
)

from conformance import (
    FALSE_ALARM,
    Identity,
    LoaderRequest,
    Subject,
    epoch,
    flat,
    given,
    requirement,
    share_p,
)

ISSUES = "https://github.com/pytorch/pytorch/issues"
DOCUMENTATION = "https://docs.pytorch.org/docs/stable/data.html"
SIZE = 10
EPOCHS = 1000
KEYS = ("", "bc", (0, 1), None, 7)
Honest = Callable[[LoaderRequest], Any]

indices_of_some = st.lists(st.integers(0, SIZE - 1), max_size=SIZE)
indices_beyond_the_size = st.lists(st.integers(0, SIZE - 1), min_size=SIZE + 1, max_size=30)
batch_sizes = st.integers(1, 12)


def cut(samples: Sequence[Any], length: int) -> list[list[Any]]:
    """Return the samples in batches of `length`, the last one as short as it comes."""
    return [list(samples[start : start + length]) for start in range(0, len(samples), length)]


def seeded(seed: int) -> torch.Generator:
    """Return a new generator of that seed."""
    return torch.Generator().manual_seed(seed)


class Told:
    """An iterable and nothing else: each iteration is what `begin` returns."""

    def __init__(self, begin: Callable[[], Iterator[Any]]) -> None:
        self.begin = begin

    def __iter__(self) -> Iterator[Any]:
        return self.begin()


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
        Told(lambda: iter(indices)),
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
    return honest(request.but(sampler=Told(lambda: iter(chain(keys, [None]).__next__, None))))


@no_key_of_a_sampler_ends_it_or_is_left_out.mutant_loader
def passes_over_keys_that_are_false(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=[key for key in request.sampler or [] if key or key is None]))


@requirement(claims=["D1-045", "D1-048", "D1-052", "D1-055", "D1-057", "D1-066"])
@given(size=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
def a_random_sampler_brings_every_sample_once(subject: Subject, size: int, seed: int) -> None:
    """With a RandomSampler a loader MUST deliver every sample once, in its new order each epoch.

    So a class of 2 samples in 10 makes up a fifth of each epoch: it is not left out of training
    (as D1 §sampler has it), but weighs little.
    """
    sampler = RandomSampler(Identity(size), generator=seeded(seed))
    with subject.open(Identity(size), batch_size=2, sampler=sampler) as loader:
        came = [epoch(loader) for _ in range(2)]
    alone = RandomSampler(Identity(size), generator=seeded(seed))
    assert came == [cut(list(alone), 2) for _ in range(2)]
    in_order = [sorted(flat(batches)) for batches in came]
    assert in_order == [list(range(size))] * 2


@a_random_sampler_brings_every_sample_once.mutant_loader
def shuffles_without_asking_the_sampler(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(shuffle=True, sampler=None))


@a_random_sampler_brings_every_sample_once.mutant_loader
def asks_the_sampler_once_for_all_epochs(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=list(request.sampler or [])))


@requirement(claims=["D1-050", "D1-058", "D1-060", "D1-062", "D1-065", "D1-067", "D1-068"])
def weights_balance_the_classes(subject: Subject) -> None:
    """With weights of 1 / (size of its class) a loader MUST deliver each class equally often.

    Of 10 samples the last 2 are of class 1. It comes 5 times an epoch on average, not each time (D1
    §sampler prints 4 and 5). In 1000 epochs a half is told from other shares with a false alarm in
    1e-6, and a power over 0.999 for less than 0.46 or more than 0.54; unweighted it would be 0.2.
    """
    weights = [1 / 8] * 8 + [1 / 2] * 2
    sampler = WeightedRandomSampler(weights, len(weights), generator=seeded(subject.seed))
    with subject.open(Identity(10), batch_size=4, sampler=sampler) as loader:
        epochs = [epoch(loader) for _ in range(EPOCHS)]
    drawn = flat(flat(epochs))
    assert len(drawn) == 10 * EPOCHS
    assert epochs == [cut(flat(batches), 4) for batches in epochs]
    p_value = share_p(drawn.count(8) + drawn.count(9), len(drawn), 0.5)
    assert p_value >= FALSE_ALARM


@weights_balance_the_classes.mutant_loader
def shuffles_whatever_the_weights(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=None, shuffle=True))


@weights_balance_the_classes.mutant_loader
def draws_each_sample_at_most_twice(request: LoaderRequest, honest: Honest) -> Any:
    def begin() -> Iterator[int]:
        left = list(range(10)) * 2
        for index in request.sampler or []:
            other = index if index in left else random.choice(left)
            left.remove(other)
            yield other

    return honest(request.but(sampler=Told(begin)))


@requirement(claims=["D1-042", "D1-050", "D1-061"])
@given(number=st.integers(1, 10), replacement=st.booleans(), batch_size=batch_sizes)
def a_weighted_sampler_decides_how_many_samples_come(
    subject: Subject, number: int, replacement: bool, batch_size: int
) -> None:
    """With a WeightedRandomSampler a loader MUST deliver its num_samples draws, repeats and all.

    An epoch may be shorter than the dataset, or hold a rare sample thrice.
    """
    weights = [0.125] * 8 + [0.5] * 2

    def sampler() -> WeightedRandomSampler:
        return WeightedRandomSampler(weights, number, replacement, seeded(subject.seed))

    with subject.open(Identity(10), batch_size=batch_size, sampler=sampler()) as loader:
        came = epoch(loader)
    assert came == cut(list(sampler()), batch_size)


@a_weighted_sampler_decides_how_many_samples_come.mutant
def fills_the_last_batch_up(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        yield batch.repeat(request.batch_size)[: request.batch_size]


a_weighted_sampler_decides_how_many_samples_come.mutant_loader(leaves_repeats_out)


@requirement(evidence=[DOCUMENTATION])
@given(size=st.integers(1, 20), ranks=st.integers(1, 4), number=st.integers(0, 3))
def distributed_samplers_cover_the_dataset(
    subject: Subject, size: int, ranks: int, number: int
) -> None:
    """With the DistributedSamplers of all ranks, loaders MUST together deliver the whole dataset.

    Each rank trains on its part; what a loader leaves out or repeats no other rank makes up for.
    """
    came = []
    for rank in range(ranks):
        sampler: DistributedSampler[int] = DistributedSampler(Identity(size), ranks, rank)
        sampler.set_epoch(number)
        with subject.open(Identity(size), batch_size=2, sampler=sampler) as loader:
            came.append(flat(epoch(loader)))
    shares = [len(share) for share in came]
    assert shares == [-(-size // ranks)] * ranks
    missing = [index for index in range(size) if index not in flat(came)]
    assert missing == []


@distributed_samplers_cover_the_dataset.mutant_loader
def splits_the_split_again(request: LoaderRequest, honest: Honest) -> Any:
    step = getattr(request.sampler, "num_replicas", 1)
    return honest(request.but(sampler=list(request.sampler or [])[::step]))


@distributed_samplers_cover_the_dataset.mutant_loader
def gives_every_rank_the_first_part(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=range(len(list(request.sampler or [])))))


@requirement(claims=["D1-041", "D2-029"], evidence=[DOCUMENTATION])
def a_sampler_is_started_once_an_epoch(subject: Subject) -> None:
    """In each epoch a loader MUST iterate its sampler once, from the start.

    A sampler that counts its epochs, or draws when it starts, gets out of step otherwise.
    """
    starts = count(1)
    sampler = Told(lambda: iter([next(starts)] * 3))
    with subject.open(Identity(SIZE), batch_size=2, sampler=sampler) as loader:
        came = [epoch(loader) for _ in range(3)]
    assert came == [[[1, 1], [1]], [[2, 2], [2]], [[3, 3], [3]]]


@a_sampler_is_started_once_an_epoch.mutant
def iterates_once_more_to_count(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    sum(1 for _ in request.sampler or [])
    return batches


a_sampler_is_started_once_an_epoch.mutant_loader(asks_the_sampler_once_for_all_epochs)


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

    return honest(request.but(sampler=Told(begin)))


a_change_of_the_sampler_shows_in_the_next_epoch.mutant_loader(asks_the_sampler_once_for_all_epochs)
