"""Torch's own samplers, random, weighted and distributed, as a loader follows them.

A sampler is made twice from one seed: the loader's must bring what the other brings by itself.
"""

import random
from collections.abc import Iterable, Iterator
from typing import Any

from hypothesis import strategies as st
from torch.utils.data import DistributedSampler, RandomSampler, WeightedRandomSampler

from conformance import (
    FALSE_ALARM,
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
    seeded,
    share_p,
)

DOCUMENTATION = "https://docs.pytorch.org/docs/stable/data.html"
EPOCHS = 1000


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

    return honest(request.but(sampler=Iterated(begin)))


@requirement(claims=["D1-042", "D1-050", "D1-061"])
@given(number=st.integers(1, 10), replacement=st.booleans(), batch_size=st.integers(1, 12))
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


@a_weighted_sampler_decides_how_many_samples_come.mutant_loader
def leaves_repeats_out(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=list(dict.fromkeys(request.sampler or []))))


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
