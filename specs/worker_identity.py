"""What a worker knows of itself, the random numbers it draws, and what worker_init_fn does to it.

Where each worker has to be heard, the first samples meet: none is done before all workers have one.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np
import torch
from torch.utils.data import get_worker_info

from conformance import (
    Gated,
    Honest,
    Iterated,
    LoaderRequest,
    Subject,
    Trace,
    epoch,
    flat,
    meeting,
    requirement,
    seeded,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
RANDOMNESS = "https://docs.pytorch.org/docs/stable/notes/randomness.html#dataloader"
SAME_NUMPY = "https://github.com/pytorch/pytorch/issues/5059"
SAME_EPOCHS = "https://github.com/Lightning-AI/pytorch-lightning/issues/20412"


@dataclass(frozen=True)
class Epochs:
    """A loader, for mutants, that begins each epoch with a function."""

    begin: Callable[[], Iterator[Any]]

    def __iter__(self) -> Iterator[Any]:
        return self.begin()


class Introducing(Gated):
    """Samples that tell what their worker knows of itself."""

    def __getitem__(self, index: int) -> Any:
        super().__getitem__(index)
        info = get_worker_info()
        return (info.id, info.num_workers, info.dataset is self) if info else "not a worker"


@requirement(evidence=[DOCS])
def a_worker_knows_its_number_and_its_dataset(subject: Subject) -> None:
    """In worker i of W get_worker_info() MUST tell i from 0 to W-1, W, and the dataset it loads.

    By it a stream finds its share and a dataset its own file handle. In the main process there is
    nothing to be told, and what asks there must not take itself for a worker.
    """
    with (
        Trace() as trace,
        subject.open(
            Introducing(6, trace, meeting(range(3))), num_workers=3, collate_fn=list
        ) as loader,
    ):
        iterator = iter(loader)
        here = [get_worker_info()]
        answers = flat(epoch(iterator))
        here.append(get_worker_info())
    told = sorted({repr(answer) for answer in answers})
    assert told == ["(0, 3, True)", "(1, 3, True)", "(2, 3, True)"]
    assert (len(answers), here) == (6, [None, None])


@a_worker_knows_its_number_and_its_dataset.mutant_loader
def each_worker_is_a_loader_of_its_own(request: LoaderRequest, honest: Honest) -> Any:
    shares = [range(worker, 6, 3) for worker in range(3)]
    loaders = [honest(request.but(num_workers=1, sampler=share)) for share in shares]
    return Epochs(lambda: (batch for row in zip(*loaders, strict=True) for batch in row))


@dataclass
class Inside:
    """A dataset, for mutants, around another."""

    dataset: Any

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[index]


@a_worker_knows_its_number_and_its_dataset.mutant_loader
def tells_of_a_wrapper_around_the_dataset(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=Inside(request.dataset)))


@a_worker_knows_its_number_and_its_dataset.mutant_loader
def loads_in_a_process_that_knows_nothing(request: LoaderRequest, honest: Honest) -> Any:
    request.dataset.gates = {}
    return honest(request.but(num_workers=0))


class Seeds(Gated):
    """Samples that tell the seed of their worker, and that of its torch generator."""

    def __getitem__(self, index: int) -> Any:
        super().__getitem__(index)
        info = get_worker_info()
        return info.seed if info else "not a worker", torch.initial_seed()


@requirement(evidence=[DOCS, RANDOMNESS])
def a_worker_knows_its_seed(subject: Subject) -> None:
    """In each worker get_worker_info().seed MUST be torch.initial_seed(), and new in every epoch.

    Other libraries' generators are seeded by it in worker_init_fn, as torch's documentation shows.
    """
    halves = cycle([[0, 1], [2, 3]])
    with Trace() as trace:
        dataset = Seeds(4, trace, meeting([0, 1]) | meeting([2, 3]))
        sampler = Iterated(lambda: next(halves))
        with subject.open(dataset, sampler=sampler, num_workers=2, collate_fn=list) as loader:
            answers = flat([*epoch(loader), *epoch(loader)])
    pairs = [answer for answer in answers if isinstance(answer, tuple) and len(answer) == 2]
    assert [seed for seed, _ in pairs] == [initial for _, initial in pairs]
    assert (len(answers), len(set(pairs))) == (4, 4)


def seed_torch_with_5(worker: int) -> None:
    """Seed torch's generator; part of a mutant."""
    torch.manual_seed(5)


@a_worker_knows_its_seed.mutant_loader
def seeds_torch_otherwise_than_it_tells(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(worker_init_fn=seed_torch_with_5))


@a_worker_knows_its_seed.mutant_loader
def has_the_same_seeds_in_every_epoch(request: LoaderRequest, honest: Honest) -> Any:
    return Epochs(lambda: iter(honest(request.but(generator=seeded(1)))))


class Drawing(Gated):
    """Samples that are random numbers, one of each library."""

    def __getitem__(self, index: int) -> Any:
        super().__getitem__(index)
        return (
            random.getrandbits(60),
            int(np.random.randint(2**60, dtype=np.int64)),
            int(torch.randint(2**60, ())),
        )


def distinct(draws: list[Any]) -> list[int]:
    """Return how many different numbers of each library there are."""
    tuples = [draw for draw in draws if isinstance(draw, tuple)]
    return [len(set(map(repr, numbers))) for numbers in zip(*tuples, strict=False)]


@requirement(evidence=[SAME_NUMPY, "https://github.com/pytorch/pytorch/issues/41329", SAME_EPOCHS])
def no_two_workers_draw_the_same_random_numbers(subject: Subject) -> None:
    """Each worker MUST draw numbers of its own from random, numpy and torch, others every epoch.

    Augmentations that are the same in all workers, or in all epochs, train on far fewer variants
    than meant, and no error tells. Of 12 numbers of 60 bits two are equal by chance in 1 of 1e16.
    """
    with (
        Trace() as trace,
        subject.open(
            Drawing(6, trace, meeting(range(3))), num_workers=3, collate_fn=list
        ) as loader,
    ):
        draws = flat([*epoch(loader), *epoch(loader)])
    assert distinct(draws) == [12, 12, 12]


def as_it_was(restore: Any, state: Any, worker: int) -> None:
    """Give a generator the state that it had in the main process; part of mutants."""
    restore(state)


@no_two_workers_draw_the_same_random_numbers.mutant_loader
def leaves_numpy_as_it_was_forked(request: LoaderRequest, honest: Honest) -> Any:
    state = np.random.get_state()
    return honest(request.but(worker_init_fn=partial(as_it_was, np.random.set_state, state)))


@no_two_workers_draw_the_same_random_numbers.mutant_loader
def leaves_random_as_it_was_forked(request: LoaderRequest, honest: Honest) -> Any:
    state = random.getstate()
    return honest(request.but(worker_init_fn=partial(as_it_was, random.setstate, state)))


no_two_workers_draw_the_same_random_numbers.mutant_loader(seeds_torch_otherwise_than_it_tells)
no_two_workers_draw_the_same_random_numbers.mutant_loader(has_the_same_seeds_in_every_epoch)


@requirement(evidence=[RANDOMNESS, DOCS])
def equal_seeds_repeat_what_workers_draw(subject: Subject) -> None:
    """With an equally seeded generator, or global seed, workers MUST draw the same for each sample.

    A training cannot be repeated otherwise, however well its order is.
    """
    runs: list[Any] = []
    for generators in ([seeded(subject.seed), seeded(subject.seed)], [None, None]):
        for generator in generators:
            torch.manual_seed(subject.seed if generator is None else len(runs))
            with (
                Trace() as trace,
                subject.open(
                    Drawing(8, trace, {}),
                    batch_size=2,
                    num_workers=2,
                    collate_fn=list,
                    generator=generator,
                ) as loader,
            ):
                runs.append(flat([*epoch(loader), *epoch(loader)]))
    assert [distinct(draws) for draws in runs] == [[16, 16, 16]] * 4
    assert (runs[1], runs[3]) == (runs[0], runs[2])


def seed_numpy_anyhow(worker: int) -> None:
    """Seed numpy from the operating system; part of a mutant."""
    np.random.seed()


@equal_seeds_repeat_what_workers_draw.mutant_loader
def seeds_numpy_anyhow(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(worker_init_fn=seed_numpy_anyhow))


@equal_seeds_repeat_what_workers_draw.mutant_loader
def seeds_workers_without_the_generator(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(generator=None))


@equal_seeds_repeat_what_workers_draw.mutant_loader
def seeds_workers_without_the_global_seed(request: LoaderRequest, honest: Honest) -> Any:
    chance = torch.Generator()
    chance.seed()
    return honest(request.but(generator=request.generator or chance))
