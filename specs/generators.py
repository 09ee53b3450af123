"""What a loader does to the generator that it is given, and that it keeps off all others."""

import pickle
import random
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch.utils.data import RandomSampler

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Subject,
    epoch,
    flat,
    given,
    requirement,
    seeded,
)

ISSUES = "https://github.com/pytorch/pytorch/issues"
SEEDING = "https://github.com/Project-MONAI/MONAI/pull/1087"

sizes = st.integers(1, 40)
seeds = st.integers(0, 2**32 - 1)


@requirement(claims=["D2-013", "D2-057"])
@given(size=sizes, batch_size=st.integers(1, 12), seed=seeds)
def a_generator_alone_does_not_shuffle(
    subject: Subject, size: int, batch_size: int, seed: int
) -> None:
    """With a generator and no shuffle a loader MUST deliver the dataset in order in every epoch.

    The generator also seeds workers; a validation loader may have one and is not to be shuffled.
    """
    with subject.open(Identity(size), batch_size=batch_size, generator=seeded(seed)) as loader:
        both = [flat(epoch(loader)) for _ in range(2)]
    assert both == [list(range(size))] * 2


@a_generator_alone_does_not_shuffle.mutant_loader
def takes_a_generator_as_a_wish_to_shuffle(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(shuffle=True))


def global_states() -> dict[str, int]:
    """Return a checksum of each global random state."""
    return {
        "torch": zlib.crc32(torch.get_rng_state().numpy().tobytes()),
        "numpy": zlib.crc32(pickle.dumps(np.random.get_state())),
        "random": zlib.crc32(pickle.dumps(random.getstate())),
    }


@requirement(evidence=[f"{ISSUES}/80119", f"{ISSUES}/20749"])
@given(size=sizes, shuffle=st.booleans(), seed=seeds)
def a_generator_keeps_off_the_global_random_state(
    subject: Subject, size: int, shuffle: bool, seed: int
) -> None:
    """With a generator a loader MUST NOT draw from any global random state, nor seed it.

    Else a look at the validation set changes how training goes on: its dropout, its next shuffle.
    """
    before = global_states()
    with subject.open(
        Identity(size), batch_size=4, shuffle=shuffle, generator=seeded(seed)
    ) as loader:
        both = [flat(epoch(loader)) for _ in range(2)]
    after = global_states()
    assert [len(order) for order in both] == [size, size]
    assert after == before


@a_generator_keeps_off_the_global_random_state.mutant_loader
def seeds_everything_with_it(request: LoaderRequest, honest: Honest) -> Any:
    torch.manual_seed(request.generator.initial_seed())
    return honest(request.but(generator=None))


@a_generator_keeps_off_the_global_random_state.mutant
def draws_for_workers_with_the_random_module(request: LoaderRequest, batches: Any) -> Any:
    random.getrandbits(64)
    return batches


@a_generator_keeps_off_the_global_random_state.mutant
def draws_for_workers_with_numpy(request: LoaderRequest, batches: Any) -> Any:
    np.random.randint(2**31)
    return batches


@requirement(evidence=[f"{ISSUES}/122697", SEEDING])
def being_made_changes_no_random_state(subject: Subject) -> None:
    """While a loader is made, no random state MUST change, be it global or its generator's.

    A validation loader made in the middle of a training must not begin its random numbers anew.
    """
    generator = seeded(3)
    torch.rand(5), np.random.rand(5), random.random(), torch.rand(5, generator=generator)
    before = (global_states(), generator.get_state().tolist())
    with (
        subject.open(Identity(4), shuffle=True) as loader,
        subject.open(Identity(4), shuffle=True, generator=generator) as seeded_loader,
    ):
        after = (global_states(), generator.get_state().tolist())
        orders = [sorted(flat(epoch(loader))), sorted(flat(epoch(seeded_loader)))]
    unchanged = [one == other for one, other in zip(after, before, strict=True)]
    assert (orders, unchanged) == ([[0, 1, 2, 3]] * 2, [True, True])


@being_made_changes_no_random_state.mutant_loader
def draws_its_order_when_it_is_made(request: LoaderRequest, honest: Honest) -> Any:
    order = torch.randperm(len(request.dataset), generator=request.generator).tolist()
    return honest(request.but(shuffle=None, sampler=order))


@being_made_changes_no_random_state.mutant_loader
def starts_its_generator_anew(request: LoaderRequest, honest: Honest) -> Any:
    generator = request.generator or torch.default_generator
    generator.manual_seed(generator.initial_seed())
    return honest(request)


@requirement(evidence=[f"{ISSUES}/10979", f"{ISSUES}/63026"])
def a_seeded_order_is_that_of_torch(subject: Subject) -> None:
    """With a seeded generator a loader SHOULD shuffle as torch's has done since version 1.11.

    Trainings are resumed, and results compared, across versions and loaders.
    """
    with subject.open(Identity(10), batch_size=5, shuffle=True, generator=seeded(42)) as loader:
        both = [flat(epoch(loader)) for _ in range(2)]
    assert both == [[6, 5, 4, 0, 8, 9, 2, 1, 3, 7], [3, 6, 5, 8, 9, 4, 2, 0, 7, 1]]


@a_seeded_order_is_that_of_torch.mutant_loader
def draws_no_seed_for_workers(request: LoaderRequest, honest: Honest) -> Any:
    sampler = RandomSampler(request.dataset, generator=request.generator)
    return honest(request.but(shuffle=None, generator=None, sampler=sampler))


@requirement(evidence=[f"{ISSUES}/63026", f"{ISSUES}/20749"])
def an_epoch_draws_from_the_generator_as_in_torch(subject: Subject) -> None:
    """After an epoch a loader SHOULD leave its generator in the state in which torch's leaves it.

    What else draws from the generator, a second loader or an augmentation, then goes on alike.
    """
    following = []
    for shuffle in (False, True):
        generator = seeded(42)
        with subject.open(
            Identity(10), batch_size=5, shuffle=shuffle, generator=generator
        ) as loader:
            epoch(loader)
        following.append(torch.randint(1_000_000, (), generator=generator).item())
    assert following == [286876, 409749]


@an_epoch_draws_from_the_generator_as_in_torch.mutant_loader
def draws_only_to_shuffle(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request if request.shuffle else request.but(generator=None))


@a_seeded_order_is_that_of_torch.mutant
@an_epoch_draws_from_the_generator_as_in_torch.mutant
def draws_one_permutation_as_before_version_1_11(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    before = request.generator.get_state()
    yield from batches
    if request.shuffle:  # go back to where the second permutation has not been drawn
        request.generator.set_state(before)
        torch.empty((), dtype=torch.int64).random_(generator=request.generator)
        torch.randperm(len(request.dataset), generator=request.generator)
