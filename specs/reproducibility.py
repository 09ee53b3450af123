"""What a seed must do: the same one gives the same epochs, anywhere, and another one others.

How a generator is drawn from, and what else is left alone, is in the chapter on generators.
"""

import os
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from hypothesis import strategies as st
from torch.utils.data import random_split

from conformance import (
    Honest,
    Identity,
    Iterated,
    LoaderRequest,
    Subject,
    epoch,
    flat,
    given,
    requirement,
    seeded,
)

DOCUMENTATION = "https://docs.pytorch.org/docs/stable/data.html"
RANDOMNESS = "https://docs.pytorch.org/docs/stable/notes/randomness.html"

sizes = st.integers(1, 40)
batch_sizes = st.integers(1, 12)
seeds = st.integers(0, 2**32 - 1)


def shuffled(
    subject: Subject, seed: int, size: int = 20, batch_size: int = 4, epochs: int = 2
) -> list[list[Any]]:
    """Return the samples of the first epochs of a new loader that shuffles by a seed, in order."""
    with subject.open(
        Identity(size), batch_size=batch_size, shuffle=True, generator=seeded(seed)
    ) as loader:
        return [flat(epoch(loader)) for _ in range(epochs)]


def drawing(request: LoaderRequest, honest: Honest, draw: Callable[[], list[int]]) -> Any:
    """Return a loader for mutants, which shuffles with `draw` instead of its generator."""
    return honest(request.but(shuffle=None, generator=None, sampler=Iterated(draw)))


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
    size = len(request.dataset)
    ahead: list[list[int]] = []

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
