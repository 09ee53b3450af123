"""What worker_init_fn is called with, where, when, and how often."""

import os
import random
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import get_worker_info

from conformance import (
    Gated,
    Honest,
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


@dataclass(frozen=True)
class Initialising:
    """A worker_init_fn that records what it is called with."""

    trace: Trace

    def __call__(self, worker: int) -> None:
        """Record the call."""
        self.trace.record("init", worker)


@requirement(evidence=[DOCS])
def each_worker_is_initialised_once_before_it_loads(subject: Subject) -> None:
    """In each worker a loader MUST call worker_init_fn once, with its number, before any sample.

    It opens what the worker loads from and seeds what it draws from; neither can wait, and neither
    belongs into the main process.
    """
    with Trace() as trace:
        dataset, init = Gated(6, trace, meeting(range(3))), Initialising(trace)
        with subject.open(dataset, num_workers=3, worker_init_fn=init) as loader:
            delivered = flat(epoch(loader))
        events = trace.events()
    processes = {event.pid for event in events}
    histories = [[event.kind for event in events if event.pid == pid] for pid in processes]
    calls = [(history.count("init"), history[0]) for history in histories]
    numbers = sorted(event.key for event in events if event.kind == "init")
    assert (delivered, numbers) == ([0, 1, 2, 3, 4, 5], [0, 1, 2])
    assert (calls, os.getpid() in processes) == ([(1, "init")] * 3, False)


@each_worker_is_initialised_once_before_it_loads.mutant_loader
def initialises_in_the_main_process(request: LoaderRequest, honest: Honest) -> Any:
    init: Any = request.worker_init_fn
    for worker in range(request.num_workers):
        init(worker)
    return honest(request.but(worker_init_fn=None))


def call_with_next(init: Any, worker: int) -> None:
    """Call a function with the next number; part of a mutant."""
    init(worker + 1)


@each_worker_is_initialised_once_before_it_loads.mutant_loader
def counts_workers_from_one(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(worker_init_fn=partial(call_with_next, request.worker_init_fn)))


@dataclass
class CallingInit:
    """A dataset, for mutants, that calls a worker_init_fn around samples of another."""

    dataset: Any
    init: Any
    first: bool
    always: bool
    called = False

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        sample = None if self.first else self.dataset[index]
        info = get_worker_info()
        if info is not None and (self.always or not self.called):
            self.init(info.id)
        self.called = True
        return self.dataset[index] if self.first else sample


@each_worker_is_initialised_once_before_it_loads.mutant_loader
def initialises_for_every_sample(request: LoaderRequest, honest: Honest) -> Any:
    dataset = CallingInit(request.dataset, request.worker_init_fn, first=True, always=True)
    return honest(request.but(dataset=dataset, worker_init_fn=None))


@each_worker_is_initialised_once_before_it_loads.mutant_loader
def initialises_after_the_first_sample(request: LoaderRequest, honest: Honest) -> Any:
    dataset = CallingInit(request.dataset, request.worker_init_fn, first=False, always=False)
    return honest(request.but(dataset=dataset, worker_init_fn=None))


class Drawing(Gated):
    """Samples that are random numbers, one of each library."""

    def __getitem__(self, index: int) -> Any:
        super().__getitem__(index)
        return (
            random.getrandbits(60),
            int(np.random.randint(2**60, dtype=np.int64)),
            int(torch.randint(2**60, ())),
        )


def seed_all(worker: int) -> None:
    """Seed all generators by the number of the worker."""
    random.seed(1000 + worker)
    np.random.seed(1000 + worker)
    torch.manual_seed(1000 + worker)


def drawn_with(seed: int) -> tuple[int, int, int]:
    """Return what is drawn first from generators of that seed."""
    return (
        random.Random(seed).getrandbits(60),
        int(np.random.RandomState(seed).randint(2**60, dtype=np.int64)),
        int(torch.randint(2**60, (), generator=seeded(seed))),
    )


@requirement(evidence=[RANDOMNESS])
def a_worker_init_fn_has_the_last_word_on_seeds(subject: Subject) -> None:
    """What worker_init_fn seeds MUST stay as it is until the first sample.

    Seeding in it is how trainings are made to repeat; to be seeded over goes unnoticed until they
    do not.
    """
    with (
        Trace() as trace,
        subject.open(
            Drawing(2, trace, meeting(range(2))),
            num_workers=2,
            collate_fn=list,
            worker_init_fn=seed_all,
        ) as loader,
    ):
        draws = flat(epoch(loader))
    assert sorted(map(repr, draws)) == sorted(map(repr, [drawn_with(1000), drawn_with(1001)]))


def call_and_draw(init: Any, worker: int) -> None:
    """Call a function and draw from torch's generator; part of a mutant."""
    init(worker)
    torch.randint(2**60, ())


@a_worker_init_fn_has_the_last_word_on_seeds.mutant_loader
def draws_from_torch_before_it_loads(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(worker_init_fn=partial(call_and_draw, request.worker_init_fn)))


def call_and_seed_numpy(init: Any, worker: int) -> None:
    """Call a function and seed numpy; part of a mutant."""
    init(worker)
    np.random.seed(torch.initial_seed() % 2**31)
    np.random.randint(worker + 2)


@a_worker_init_fn_has_the_last_word_on_seeds.mutant_loader
def seeds_numpy_after_it(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(worker_init_fn=partial(call_and_seed_numpy, request.worker_init_fn)))


def call_and_seed_random(init: Any, worker: int) -> None:
    """Call a function and seed random; part of a mutant."""
    init(worker)
    random.seed(worker)


@a_worker_init_fn_has_the_last_word_on_seeds.mutant_loader
def seeds_random_after_it(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(worker_init_fn=partial(call_and_seed_random, request.worker_init_fn)))


class Shifted(Gated):
    """Samples that are shifted by what a worker_init_fn sets."""

    shift = 0

    def __getitem__(self, index: int) -> Any:
        return super().__getitem__(index) + self.shift


def shift_samples(worker: int) -> None:
    """Set the shift of the worker's own dataset."""
    info: Any = get_worker_info()
    if info is not None:
        info.dataset.shift = 100 * (info.id + 1)


@requirement(evidence=[DOCS])
def a_worker_init_fn_prepares_the_dataset_of_its_worker(subject: Subject) -> None:
    """What worker_init_fn does to get_worker_info().dataset MUST show in the worker's samples.

    Each worker opens its own file or takes its own share in this way, as torch's documentation
    shows.
    """
    with Trace() as trace:
        dataset = Shifted(2, trace, meeting(range(2)))
        with subject.open(dataset, num_workers=2, worker_init_fn=shift_samples) as loader:
            delivered = flat(epoch(loader))
    assert delivered in ([100, 201], [200, 101])
    assert dataset.shift == 0


def prepare_a_copy(init: Any, worker: int) -> None:
    """Call a function and undo what it did to the dataset; part of a mutant."""
    init(worker)
    info: Any = get_worker_info()
    if info is not None:
        info.dataset.shift = 0


@a_worker_init_fn_prepares_the_dataset_of_its_worker.mutant_loader
def loads_from_another_copy_than_it_tells(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(worker_init_fn=partial(prepare_a_copy, request.worker_init_fn)))


@a_worker_init_fn_prepares_the_dataset_of_its_worker.mutant_loader
def calls_it_before_a_worker_knows_itself(request: LoaderRequest, honest: Honest) -> Any:
    init: Any = request.worker_init_fn
    init(0)
    return honest(request.but(worker_init_fn=None))
