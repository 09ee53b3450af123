"""What a seed must do: the same seed gives the same epochs, anywhere, and touches nothing else."""

import os
import pickle
import random
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch.utils.data import RandomSampler, random_split

from conformance import Identity, LoaderRequest, Subject, epoch, flat, given, requirement

ISSUES = "https://github.com/pytorch/pytorch/issues"
DOCUMENTATION = "https://docs.pytorch.org/docs/stable/data.html"
RANDOMNESS = "https://docs.pytorch.org/docs/stable/notes/randomness.html"
Honest = Callable[[LoaderRequest], Any]

sizes = st.integers(1, 40)
batch_sizes = st.integers(1, 12)
seeds = st.integers(0, 2**32 - 1)


def seeded(seed: int) -> torch.Generator:
    """Return a new generator of that seed."""
    return torch.Generator().manual_seed(seed)


def shuffled(
    subject: Subject, seed: int, size: int = 20, batch_size: int = 4, epochs: int = 2
) -> list[list[Any]]:
    """Return the samples of the first epochs of a new loader that shuffles by a seed, in order."""
    with subject.open(
        Identity(size), batch_size=batch_size, shuffle=True, generator=seeded(seed)
    ) as loader:
        return [flat(epoch(loader)) for _ in range(epochs)]


class Drawn:
    """A sampler for mutants: each epoch has the order that `draw` returns."""

    def __init__(self, draw: Callable[[], list[int]]) -> None:
        self.draw = draw

    def __iter__(self) -> Iterator[int]:
        return iter(self.draw())


def drawing(request: LoaderRequest, honest: Honest, draw: Callable[[], list[int]]) -> Any:
    """Return a loader for mutants, which shuffles with `draw` instead of its generator."""
    return honest(request.but(shuffle=None, generator=None, sampler=Drawn(draw)))


@requirement(claims=["D2-023", "D2-056", "D2-057", "D2-059", "D2-060"])
@given(size=sizes, batch_size=batch_sizes, seed=seeds)
def equal_seeds_give_equal_epochs(subject: Subject, size: int, batch_size: int, seed: int) -> None:
    """Loaders with equally seeded generators MUST shuffle alike, epoch after epoch.

    Whoever cannot run a training again can neither compare two models nor find a fault.
    """
    first, again = (shuffled(subject, seed, size, batch_size) for _ in range(2))
    assert [len(order) for order in first] == [size, size]
    assert again == first


@equal_seeds_give_equal_epochs.mutant_loader
def ignores_the_generator(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(generator=None))


@equal_seeds_give_equal_epochs.mutant_loader
def seeds_the_first_epoch_only(request: LoaderRequest, honest: Honest) -> Any:
    size, generators = len(request.dataset), iter([request.generator])

    def draw() -> list[int]:
        return torch.randperm(size, generator=next(generators, None)).tolist()

    return drawing(request, honest, draw)


@requirement(claims=["D2-023", "D2-060"])
def a_seed_shuffles_alike_in_every_process(subject: Subject) -> None:
    """With a seeded generator a loader MUST shuffle alike in every run of a program.

    A result is reproduced in another process, by another person.
    """
    here = shuffled(subject, subject.seed)
    assert [len(order) for order in here] == [20, 20]
    there = subject.elsewhere(shuffled, subject.seed)
    assert there == here


@a_seed_shuffles_alike_in_every_process.mutant_loader
def stirs_in_the_process_id(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(generator=seeded(request.generator.initial_seed() ^ os.getpid())))


@requirement(claims=["D2-057", "D2-060"], evidence=[DOCUMENTATION])
def seeding_again_starts_the_epochs_over(subject: Subject) -> None:
    """When its generator is seeded again a loader MUST repeat the epochs that followed the seed.

    It is how an epoch is repeated without building the loader anew, as after a failed step.
    """
    generator = seeded(subject.seed)
    with subject.open(Identity(20), batch_size=4, shuffle=True, generator=generator) as loader:
        first = [flat(epoch(loader)) for _ in range(2)]
        generator.manual_seed(subject.seed)
        again = [flat(epoch(loader)) for _ in range(2)]
    assert [len(order) for order in first] == [20, 20]
    assert again == first


@seeding_again_starts_the_epochs_over.mutant_loader
def copies_the_generator(request: LoaderRequest, honest: Honest) -> Any:
    copy = torch.Generator()
    copy.set_state(request.generator.get_state())
    return honest(request.but(generator=copy))


@seeding_again_starts_the_epochs_over.mutant_loader
def draws_the_next_order_ahead(request: LoaderRequest, honest: Honest) -> Any:
    size, ahead = len(request.dataset), []

    def draw() -> list[int]:
        while len(ahead) < 2:
            ahead.append(torch.randperm(size, generator=request.generator).tolist())
        return ahead.pop(0)

    return drawing(request, honest, draw)


@requirement(claims=["D1-010", "D2-011", "D2-029", "D2-060"])
def a_seeded_shuffle_goes_on_from_epoch_to_epoch(subject: Subject) -> None:
    """With a seeded generator a loader MUST still draw another order for each epoch.

    "The same order at each run" (D2 §generator) is about runs: a seed makes chance repeatable and
    does not remove it. Of five fair orders of 20 samples two are alike with a chance of 4e-18.
    """
    different = {str(order) for order in shuffled(subject, subject.seed, epochs=5)}
    assert len(different) == 5


@a_seeded_shuffle_goes_on_from_epoch_to_epoch.mutant_loader
def seeds_anew_in_every_epoch(request: LoaderRequest, honest: Honest) -> Any:
    seed, size = request.generator.initial_seed(), len(request.dataset)
    return drawing(request, honest, lambda: torch.randperm(size, generator=seeded(seed)).tolist())


@requirement(claims=["D2-023", "D2-057"])
def another_seed_gives_another_order(subject: Subject) -> None:
    """With another seed a loader MUST shuffle differently, in whichever bits the seeds differ.

    An average over five seeds is worth nothing if they all made the same run. Of five fair orders
    of 20 samples two are alike with a chance of 4e-18.
    """
    offsets = (0, 1, 2**8, 2**16, 2**31)
    different = {str(shuffled(subject, subject.seed + offset, epochs=1)) for offset in offsets}
    assert len(different) == 5


@another_seed_gives_another_order.mutant_loader
def has_a_seed_of_its_own(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(generator=seeded(0)))


@another_seed_gives_another_order.mutant_loader
def keeps_sixteen_bits_of_the_seed(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(generator=seeded(request.generator.initial_seed() % 2**16)))


@requirement(claims=["D2-013", "D2-057"])
@given(size=sizes, batch_size=batch_sizes, seed=seeds)
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


@requirement(evidence=[RANDOMNESS, "https://github.com/pytorch/data/issues/1440"])
def without_a_generator_the_global_seed_decides(subject: Subject) -> None:
    """Without a generator a loader MUST shuffle as torch.manual_seed decides.

    Scripts seed once, at their top, and expect the whole run to repeat. Two fair orders of 20
    samples are alike with a chance of 4e-19.
    """
    came = []
    for offset in (0, 0, 1):
        torch.manual_seed(subject.seed + offset)
        with subject.open(Identity(20), batch_size=4, shuffle=True) as loader:
            came.append([flat(epoch(loader)) for _ in range(2)])
    first, again, other = came
    assert again == first
    assert other != first


@without_a_generator_the_global_seed_decides.mutant_loader
def is_seeded_by_the_operating_system(request: LoaderRequest, honest: Honest) -> Any:
    generator = torch.Generator()
    generator.seed()
    return honest(request.but(generator=generator))


@without_a_generator_the_global_seed_decides.mutant_loader
def shuffles_with_the_random_module(request: LoaderRequest, honest: Honest) -> Any:
    size = len(request.dataset)
    return drawing(request, honest, lambda: random.sample(range(size), size))


without_a_generator_the_global_seed_decides.mutant_loader(has_a_seed_of_its_own)


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


@requirement(claims=["D1-070", "D1-071"])
@given(size=sizes, pair=st.tuples(batch_sizes, batch_sizes), seed=seeds)
def the_batch_size_leaves_the_order_alone(
    subject: Subject, size: int, pair: tuple[int, int], seed: int
) -> None:
    """With a seeded generator a loader MUST shuffle alike for every batch size.

    The order is drawn first and cut into batches then; who has to make batches smaller, for want
    of memory, wants to see the same data.
    """
    first, other = (shuffled(subject, seed, size, batch_size) for batch_size in pair)
    assert [len(order) for order in first] == [size, size]
    assert other == first


@the_batch_size_leaves_the_order_alone.mutant_loader
def adds_the_batch_size_to_the_seed(request: LoaderRequest, honest: Honest) -> Any:
    seed = request.generator.initial_seed() + (request.batch_size or 0)
    return honest(request.but(generator=seeded(seed)))


@the_batch_size_leaves_the_order_alone.mutant
def draws_a_seed_for_each_batch(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        torch.rand((), generator=request.generator)
        yield batch


@requirement(claims=["D2-058"])
@given(lengths=st.tuples(st.integers(1, 20), st.integers(1, 20)), seed=seeds)
def one_seed_repeats_split_and_shuffle(
    subject: Subject, lengths: tuple[int, int], seed: int
) -> None:
    """If one seed governs a random split and the shuffle of its part, a loader MUST repeat both.

    Else samples move between training and validation from run to run.
    """
    runs = []
    for _ in range(2):
        generator = seeded(seed)
        train, _ = random_split(Identity(sum(lengths)), lengths, generator=generator)
        with subject.open(train, batch_size=4, shuffle=True, generator=generator) as loader:
            runs.append([list(train.indices), *(flat(epoch(loader)) for _ in range(2))])
    first, again = runs
    assert [sorted(order, key=str) for order in first] == [sorted(first[0], key=str)] * 3
    assert again == first


@one_seed_repeats_split_and_shuffle.mutant_loader
def takes_the_whole_dataset_of_a_part(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=request.dataset.dataset))


one_seed_repeats_split_and_shuffle.mutant_loader(ignores_the_generator)


@requirement(evidence=[f"{ISSUES}/10979", f"{ISSUES}/63026"])
def a_seeded_order_is_that_of_torch(subject: Subject) -> None:
    """With a seeded generator a loader SHOULD shuffle as torch's has done since version 1.11.

    Trainings are resumed, and results compared, across versions and loaders.
    """
    both = shuffled(subject, 42, size=10, batch_size=5)
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


@a_seeded_order_is_that_of_torch.mutant_loader
@an_epoch_draws_from_the_generator_as_in_torch.mutant_loader
def draws_one_permutation_as_before_version_1_11(request: LoaderRequest, honest: Honest) -> Any:
    def draw() -> list[int]:
        torch.empty((), dtype=torch.int64).random_(generator=request.generator)
        return torch.randperm(len(request.dataset), generator=request.generator).tolist()

    return drawing(request, honest, draw) if request.shuffle else honest(request)
