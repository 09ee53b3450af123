"""What chance must do: shuffled epochs lose nothing, differ, and forget the dataset's order.

The chapter on reproducibility says how a seed governs chance.
"""

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Sized
from typing import Any

import torch
from hypothesis import strategies as st

from conformance import (
    FALSE_ALARM,
    Honest,
    Identity,
    Iterated,
    LoaderRequest,
    Subject,
    epoch,
    flat,
    given,
    rank_correlation_p,
    requirement,
    uniform_p,
)

MANY = 4096
EPOCHS = 5000


def orders(subject: Subject, count: int, dataset: Sized, **options: Any) -> list[list[Any]]:
    """Return the samples of the first epochs of a new loader, in order."""
    with subject.open(dataset, **options) as loader:
        return [flat(epoch(loader)) for _ in range(count)]


def amiss(order: Iterable[Any], size: int) -> list[str]:
    """Return which of the samples 0 to size - 1 are missing, and what is beyond one of each."""
    due, came = Counter(map(repr, range(size))), Counter(map(repr, order))
    return sorted([*(due - came).elements(), *(came - due).elements()])


@requirement(claims=["D1-001", "D1-002", "D1-010", "D1-049", "D2-011"])
@given(size=st.integers(1, 40), batch_size=st.integers(1, 12))
def a_shuffled_epoch_delivers_every_sample_once(
    subject: Subject, size: int, batch_size: int
) -> None:
    """With shuffle a loader MUST deliver each sample exactly once in every epoch.

    Otherwise part of the data is silently never trained on, or weighs double.
    """
    both = orders(subject, 2, Identity(size), batch_size=batch_size, shuffle=True)
    assert [amiss(order, size) for order in both] == [[], []]


@a_shuffled_epoch_delivers_every_sample_once.mutant_loader
def draws_with_replacement(request: LoaderRequest, honest: Honest) -> Any:
    samples = range(len(request.dataset))
    drawn = Iterated(lambda: random.choices(samples, k=len(samples)))
    return honest(request.but(shuffle=None, sampler=drawn))


@a_shuffled_epoch_delivers_every_sample_once.mutant_loader
def drops_the_last_batch_if_shuffled(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=True))


@a_shuffled_epoch_delivers_every_sample_once.mutant_loader
def is_exhausted_after_an_epoch(request: LoaderRequest, honest: Honest) -> Any:
    return iter(honest(request))


@requirement(claims=["D1-010", "D1-055", "D2-003", "D2-011", "D2-029"])
def every_epoch_is_shuffled_anew(subject: Subject) -> None:
    """With shuffle a loader MUST draw another order for each epoch.

    A model that sees one order again and again fits to that order. Of five fair epochs of 20
    samples two are alike with a chance of 4e-18.
    """
    five = orders(subject, 5, Identity(20), batch_size=4, shuffle=True)
    different = len({str(order) for order in five})
    assert different == 5


@every_epoch_is_shuffled_anew.mutant_loader
def shuffles_once(request: LoaderRequest, honest: Honest) -> Any:
    size = len(request.dataset)
    return honest(request.but(shuffle=None, sampler=random.sample(range(size), size)))


@every_epoch_is_shuffled_anew.mutant_loader
def takes_turns_between_two_orders(request: LoaderRequest, honest: Honest) -> Any:
    size = len(request.dataset)
    turns = itertools.cycle([random.sample(range(size), size) for _ in range(2)])
    return honest(request.but(shuffle=None, sampler=Iterated(lambda: next(turns))))


@requirement(claims=["D1-010", "D1-049", "D2-011"])
def all_orders_are_equally_likely(subject: Subject) -> None:
    """With shuffle every order of the samples MUST be equally likely.

    Otherwise some samples tend to meet in a batch, or to come late, and gradients are biased. Over
    5000 epochs of 4 samples the 24 orders are told from equally likely ones, with a false alarm in
    1e-6, by a power over 0.999 for the naive swap shuffle (orders 0.75 to 1.4 times as likely as is
    fair). Cyclic shuffles and those of whole batches never make most orders.
    """
    seen = Counter(map(str, orders(subject, EPOCHS, Identity(4), batch_size=2, shuffle=True)))
    counts = [seen[str(list(order))] for order in itertools.permutations(range(4))]
    assert sum(counts) == EPOCHS
    p_value = uniform_p(counts)
    assert p_value >= FALSE_ALARM


@all_orders_are_equally_likely.mutant_loader
def swaps_each_with_any(request: LoaderRequest, honest: Honest) -> Any:
    def draw() -> list[int]:
        order = list(range(len(request.dataset)))
        for here in range(len(order)):
            there = random.randrange(len(order))
            order[here], order[there] = order[there], order[here]
        return order

    return honest(request.but(shuffle=None, sampler=Iterated(draw)))


@all_orders_are_equally_likely.mutant_loader
def swaps_each_with_an_earlier_one(request: LoaderRequest, honest: Honest) -> Any:
    def draw() -> list[int]:  # Sattolo's algorithm: one slip away from a fair one, cycles only
        order = list(range(len(request.dataset)))
        for here in range(len(order) - 1, 0, -1):
            there = random.randrange(here)
            order[here], order[there] = order[there], order[here]
        return order

    return honest(request.but(shuffle=None, sampler=Iterated(draw)))


@requirement(claims=["D1-010", "D2-011"])
def a_shuffle_moves_samples_anywhere(subject: Subject) -> None:
    """With shuffle a sample's place in an epoch MUST NOT depend on its place in the dataset.

    Datasets are often sorted by class; a shuffle through a buffer then trains on one class after
    the other. Place and index of 4096 samples are uncorrelated but for a chance of 1e-6; the power
    is over 0.999 for buffers of up to 2500 samples.
    """
    [order] = orders(subject, 1, Identity(MANY), batch_size=64, shuffle=True)
    assert amiss(order, MANY) == []
    p_value = rank_correlation_p(order)
    assert p_value >= FALSE_ALARM


@a_shuffle_moves_samples_anywhere.mutant_loader
def shuffles_through_a_buffer(request: LoaderRequest, honest: Honest) -> Any:
    def draw() -> list[int]:
        samples = list(range(len(request.dataset)))
        buffer, order = samples[:1000], []
        for sample in samples[1000:]:
            place = random.randrange(len(buffer))
            order.append(buffer[place])
            buffer[place] = sample
        return order + random.sample(buffer, len(buffer))

    return honest(request.but(shuffle=None, sampler=Iterated(draw)))


@requirement(claims=["D1-010", "D2-011"])
def a_shuffle_parts_neighbours(subject: Subject) -> None:
    """With shuffle it MUST NOT depend on a sample which one comes after it.

    A shuffle of whole batches or shards keeps together what stands together in the dataset, so that
    batches are all alike inside. Samples and their successors, out of 4096, are uncorrelated but
    for a chance of 1e-6; the power is over 0.999 for blocks of 2 samples and more, up to the half.
    """
    [order] = orders(subject, 1, Identity(MANY), batch_size=64, shuffle=True)
    assert amiss(order, MANY) == []
    # The successors of 0, 1, 2, ...; the first sample succeeds the last one.
    following = dict(zip(order, order[1:] + order[:1], strict=True))
    p_value = rank_correlation_p([following[sample] for sample in range(MANY)])
    assert p_value >= FALSE_ALARM


@all_orders_are_equally_likely.mutant_loader
@a_shuffle_parts_neighbours.mutant_loader
def shuffles_whole_batches(request: LoaderRequest, honest: Honest) -> Any:
    size, length = len(request.dataset), request.batch_size or 1
    starts = range(0, size, length)

    def draw() -> list[int]:
        shuffled = random.sample(starts, len(starts))
        return [sample for start in shuffled for sample in range(size)[start : start + length]]

    return honest(request.but(shuffle=None, sampler=Iterated(draw)))


@a_shuffle_parts_neighbours.mutant_loader
def shuffles_shards_and_each_inside(request: LoaderRequest, honest: Honest) -> Any:
    shards = torch.arange(len(request.dataset)).reshape(8, -1)

    def draw() -> list[int]:
        shuffled = [shards[i][torch.randperm(shards.shape[1])] for i in torch.randperm(8).tolist()]
        return torch.cat(shuffled).tolist()

    return honest(request.but(shuffle=None, sampler=Iterated(draw)))


@requirement(claims=["D1-013", "D2-013"])
@given(size=st.integers(1, 40), seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)))
def without_shuffle_the_seed_changes_nothing(
    subject: Subject, size: int, seeds: tuple[int, int]
) -> None:
    """With shuffle=False a loader MUST deliver the dataset in order, whatever the seed.

    Predictions are matched with their samples by position; a validation score should not wander.
    """
    came = []
    with subject.open(Identity(size), batch_size=4, shuffle=False) as loader:
        for seed in seeds:
            torch.manual_seed(seed)
            random.seed(seed)
            came.append(flat(epoch(loader)))
    untouched = torch.equal(torch.get_rng_state(), torch.manual_seed(seeds[-1]).get_state())
    # Where it draws, a look at the validation set changes how training goes on (pytorch#20749).
    subject.observe(
        f"an epoch without shuffle {'leaves' if untouched else 'advances'} the global random state"
    )
    assert came == [list(range(size))] * 2


@without_shuffle_the_seed_changes_nothing.mutant_loader
def takes_false_for_unspecified_and_shuffles(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(shuffle=request.shuffle is not None))


@without_shuffle_the_seed_changes_nothing.mutant_loader
def starts_at_a_random_sample(request: LoaderRequest, honest: Honest) -> Any:
    def draw() -> list[int]:
        samples = list(range(len(request.dataset)))
        start = random.randrange(len(samples) + 1)
        return samples[start:] + samples[:start]

    return honest(request.but(shuffle=None, sampler=Iterated(draw)))
