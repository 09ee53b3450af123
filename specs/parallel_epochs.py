"""That an epoch is the same with workers as without: which batches, in which order, how often."""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

import torch

from conformance import (
    Honest,
    Identity,
    Iterated,
    LoaderRequest,
    Subject,
    cut,
    epoch,
    flat,
    requirement,
    seeded,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
STARTED_TWICE = "https://github.com/nvidia-cosmos/cosmos-rl/pull/621"
CHOICES = [  # number of samples, batch_size, drop_last, and the batches of an epoch
    (0, 2, False, []),
    (1, 2, False, [[0]]),
    (7, 2, False, [[0, 1], [2, 3], [4, 5], [6]]),
    (7, 2, True, [[0, 1], [2, 3], [4, 5]]),
]


@requirement(claims=["D1-002", "D1-019"], evidence=[DOCS])
def workers_do_not_change_an_epoch(subject: Subject) -> None:
    """With workers a loader MUST deliver the batches that it delivers without, in the same order.

    Workers are set by the machine; a training must not depend on where it runs. With fewer batches
    than workers some have nothing to do.
    """
    epochs = []
    for size, batch_size, drop_last, _ in CHOICES:
        for workers in (1, 2, 3):
            with subject.open(
                Identity(size), batch_size=batch_size, drop_last=drop_last, num_workers=workers
            ) as loader:
                epochs.append(epoch(loader))
    assert epochs == [batches for *_, batches in CHOICES for _ in range(3)]


@workers_do_not_change_an_epoch.mutant
def swaps_the_batches_of_two_workers(request: LoaderRequest, batches: Iterable[Any]) -> list[Any]:
    kept = list(batches)
    if request.num_workers > 1 and len(kept) > 2:
        kept[1], kept[2] = kept[2], kept[1]
    return kept


@workers_do_not_change_an_epoch.mutant
def waits_for_as_many_batches_as_workers(
    request: LoaderRequest, batches: Iterable[Any]
) -> list[Any]:
    kept = list(batches)
    return kept[: len(kept) - len(kept) % (request.num_workers or 1)]


@workers_do_not_change_an_epoch.mutant_loader
def deals_out_samples_instead_of_batches(request: LoaderRequest, honest: Honest) -> Any:
    indices, workers = range(len(request.dataset)), request.num_workers or 1
    order = [index for worker in range(workers) for index in indices[worker::workers]]
    return honest(request.but(sampler=order))


@workers_do_not_change_an_epoch.mutant_loader
def drops_a_short_batch_of_workers(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=request.num_workers > 1 or request.drop_last))


@requirement(claims=["D1-002", "D1-010", "D2-011"], evidence=[DOCS])
def workers_do_not_change_a_shuffle(subject: Subject) -> None:
    """With an equally seeded generator a loader MUST shuffle alike with any number of workers.

    Otherwise a result can be repeated only on a machine with as many cores.
    """
    runs = []
    for workers in (0, 1, 2, 3):
        with subject.open(
            Identity(20),
            batch_size=3,
            shuffle=True,
            generator=seeded(subject.seed),
            num_workers=workers,
        ) as loader:
            runs.append([epoch(loader), epoch(loader)])
    delivered = [sorted(map(repr, flat(batches))) for run in runs for batches in run]
    assert delivered == [sorted(map(repr, range(20)))] * 8
    assert runs == [runs[0]] * 4


@workers_do_not_change_a_shuffle.mutant_loader
def draws_one_seed_for_each_worker(request: LoaderRequest, honest: Honest) -> Any:
    torch.randint(2**62, (request.num_workers,), generator=request.generator)
    return honest(request)


@workers_do_not_change_a_shuffle.mutant_loader
def shuffles_in_a_worker(request: LoaderRequest, honest: Honest) -> Any:
    generator = None if request.num_workers else request.generator
    return honest(request.but(generator=generator))


@requirement(claims=["D1-069", "D1-072"], evidence=[DOCS])
def workers_take_batches_and_samples_as_they_are_chosen(subject: Subject) -> None:
    """With workers a batch_sampler, a sampler and batch_size=None MUST mean what they mean without.

    A batch is made by one worker however it was put together, be it empty or a single sample.
    """
    mixed: Any = [[3], [], [0, 1, 2], [1, 1], [4]]
    keys = [4, 0, 0, 2, 1]
    epochs = []
    for workers in (1, 3):
        with subject.open(
            Identity(5), batch_sampler=mixed, collate_fn=list, num_workers=workers
        ) as loader:
            epochs.append(epoch(loader))
        with subject.open(Identity(5), batch_size=2, sampler=keys, num_workers=workers) as loader:
            epochs.append(epoch(loader))
        with subject.open(
            Identity(5), batch_size=None, sampler=keys, num_workers=workers
        ) as loader:
            epochs.append(epoch(loader))
    assert epochs == [mixed, cut(keys, 2), keys] * 2


@workers_take_batches_and_samples_as_they_are_chosen.mutant_loader
def gives_no_worker_an_empty_batch(request: LoaderRequest, honest: Honest) -> Any:
    if request.batch_sampler is None:
        return honest(request)
    return honest(request.but(batch_sampler=[batch for batch in request.batch_sampler if batch]))


@workers_take_batches_and_samples_as_they_are_chosen.mutant_loader
def gives_workers_batches_in_any_case(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(batch_size=1) if request.batch_size is None else request)


@workers_take_batches_and_samples_as_they_are_chosen.mutant_loader
def fetches_a_repeated_sample_once(request: LoaderRequest, honest: Honest) -> Any:
    if request.sampler is None:
        return honest(request)
    return honest(request.but(sampler=list(dict.fromkeys(request.sampler))))


def numbered_epochs() -> Iterated:
    """Return a sampler that yields, thrice, how many times it has been started."""
    starts = count(1)
    return Iterated(lambda: [next(starts)] * 3)


@requirement(claims=["D1-041", "D2-029"], evidence=[DOCS])
def with_workers_a_sampler_is_started_once_an_epoch(subject: Subject) -> None:
    """With workers too a loader MUST iterate its sampler once in each epoch.

    A sampler that counts its epochs, or draws when it starts, gets out of step otherwise.
    """
    with subject.open(
        Identity(9), batch_size=2, sampler=numbered_epochs(), num_workers=2
    ) as loader:
        came = [epoch(loader) for _ in range(2)]
    assert came == [[[1, 1], [1]], [[2, 2], [2]]]


@with_workers_a_sampler_is_started_once_an_epoch.mutant
def starts_the_sampler_to_count(request: LoaderRequest, batches: Iterable[Any]) -> Iterable[Any]:
    sum(1 for _ in request.sampler or ())
    return batches


@with_workers_a_sampler_is_started_once_an_epoch.mutant_loader
def starts_the_sampler_once_for_all_epochs(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=list(request.sampler or ())))


class Batches(Iterated):
    """A batch_sampler of single samples."""

    def __iter__(self) -> Iterator[Any]:
        return iter([[key] for key in super().__iter__()])


@requirement(evidence=[STARTED_TWICE])
def with_workers_a_batch_sampler_is_started_once_an_epoch(subject: Subject) -> None:
    """With workers a loader MUST iterate once an epoch what it takes whole batches or samples from.

    One that resumes a training skips what was seen when it is first started; started again it
    skips nothing, and the training repeats what it has had.
    """
    numbers = numbered_epochs()
    with subject.open(Identity(9), batch_sampler=Batches(numbers.begin), num_workers=2) as loader:
        batched = [epoch(loader) for _ in range(2)]
    with subject.open(
        Identity(9), batch_size=None, sampler=numbered_epochs(), num_workers=2
    ) as loader:
        single = [epoch(loader) for _ in range(2)]
    assert batched == [[[1]] * 3, [[2]] * 3]
    assert single == [[1] * 3, [2] * 3]


class Startable(Iterated):
    """A sampler, for mutants, around one that is started once in vain."""

    def __iter__(self) -> Iterator[Any]:
        iter(self.begin())
        return super().__iter__()


@with_workers_a_batch_sampler_is_started_once_an_epoch.mutant_loader
def starts_a_batch_sampler_in_vain(request: LoaderRequest, honest: Honest) -> Any:
    if request.batch_sampler is None:
        return honest(request)
    return honest(request.but(batch_sampler=Startable(request.batch_sampler.__iter__)))


@with_workers_a_batch_sampler_is_started_once_an_epoch.mutant_loader
def starts_a_sampler_of_single_samples_in_vain(request: LoaderRequest, honest: Honest) -> Any:
    if request.sampler is None:
        return honest(request)
    return honest(request.but(sampler=Startable(request.sampler.__iter__)))
