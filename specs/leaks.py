"""What a loader leaves behind: no process, thread, descriptor or piece of shared memory.

Everything is done once before the first footprint is taken, as a library may set something up once
for all. Ending takes time: what is gone after five seconds has not been left behind.
"""

import os
import resource
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from multiprocessing import Process
from multiprocessing.shared_memory import SharedMemory
from typing import Any, ClassVar

import torch

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Samples,
    Subject,
    Troubled,
    epoch,
    footprint,
    left_since,
    plain,
    requirement,
    told,
)

HANGING = "https://github.com/pytorch/pytorch/issues/1355"
HELD_MEMORY = "https://github.com/pytorch/pytorch/issues/62066"
DESCRIPTORS = "https://github.com/pytorch/pytorch/issues/973"
MORE_DESCRIPTORS = "https://github.com/pytorch/pytorch/issues/11201"
TENSORS = Samples([torch.tensor([index]) for index in range(6)])
BATCHES = [[[0], [1]], [[2], [3]], [[4], [5]]]
MUTANT_LIVES = 8  # seconds: longer than what a loader started has time to end


def left_by(
    subject: Subject, use: Callable[..., Any], *arguments: Any
) -> tuple[list[Any], list[str]]:
    """Return what a use of a loader came to, and what is left of it, once it has been used before.

    All references to the loader are gone by then.
    """
    use(subject, *arguments)
    before = footprint()
    delivered = use(subject, *arguments)
    return delivered, left_since(before)


def use_for_an_epoch(subject: Subject, workers: int) -> list[Any]:
    with subject.open(TENSORS, batch_size=2, num_workers=workers) as loader:
        return epoch(loader)


@requirement(evidence=[HELD_MEMORY, MORE_DESCRIPTORS])
def an_epoch_leaves_nothing_behind(subject: Subject) -> None:
    """After an epoch a loader MUST NOT keep anything of it: what its workers held is free again.

    A little that is left each time ends a training after days, by then for no visible reason.
    """
    uses = [left_by(subject, use_for_an_epoch, workers) for workers in (0, 2)]
    assert uses == [(BATCHES, []), (BATCHES, [])]


@an_epoch_leaves_nothing_behind.mutant
def leaves_a_thread(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    yield from batches
    if request.num_workers:
        threading.Thread(target=threading.Event().wait, args=(MUTANT_LIVES,), daemon=True).start()


@an_epoch_leaves_nothing_behind.mutant
def leaves_a_descriptor(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    if request.num_workers:
        os.dup(1)
    yield from batches


@an_epoch_leaves_nothing_behind.mutant
def leaves_shared_memory(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    memory = SharedMemory(create=True, size=64)
    memory.unlink()  # the name is gone, what it was for is not
    KeepingItsIterators.iterators.append(iter([memory]))
    yield from batches


def use_for_a_batch(subject: Subject) -> list[Any]:
    with subject.open(Identity(20), batch_size=2, num_workers=2) as loader:
        return [plain(batch) for batch in islice(loader, 1)]


@requirement(evidence=[HANGING, HELD_MEMORY])
def workers_end_when_a_loop_is_left_early(subject: Subject) -> None:
    """When a loop over a loader with workers is left early, everything of it MUST be gone as well.

    Debugging and early stopping leave loops all the time; each would leave its workers, and what
    they had loaded ahead.
    """
    delivered, left = left_by(subject, use_for_a_batch)
    assert (delivered, left) == ([[0, 1]], [])


class KeepingItsIterators:
    """A loader that holds on to every iterator it has made; part of mutants."""

    iterators: ClassVar[list[Iterator[Any]]] = []

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        self.iterators.append(iter(self.loader))
        return self.iterators[-1]


@workers_end_when_a_loop_is_left_early.mutant_loader
def ends_its_workers_only_at_the_end(request: LoaderRequest, honest: Honest) -> Any:
    return KeepingItsIterators(honest(request))


@workers_end_when_a_loop_is_left_early.mutant
def leaves_a_process(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    wait = threading.Event().wait
    Process(target=wait, args=(MUTANT_LIVES,), daemon=True).start()
    yield from batches


def fail() -> None:
    raise ValueError("this sample is broken")


def use_until_an_error(subject: Subject) -> list[Any]:
    dataset = Troubled(20, 2, fail)
    with subject.open(dataset, batch_size=2, num_workers=2) as loader:
        return told(islice(loader, 2))[:2]


@requirement(evidence=[HANGING, HELD_MEMORY])
def workers_end_when_a_loop_ends_in_an_error(subject: Subject) -> None:
    """When an error ends a loop over a loader with workers, everything of it MUST be gone as well.

    Notebooks and servers outlive errors, and those who retry do so many times.
    """
    delivered, left = left_by(subject, use_until_an_error)
    assert (delivered, left) == ([[0, 1], "ValueError"], [])


@workers_end_when_a_loop_ends_in_an_error.mutant
def forgets_its_descriptor_in_an_error(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    descriptor = os.dup(1)
    yield from batches
    os.close(descriptor)


def use_for_two_epochs(subject: Subject) -> list[Any]:
    with subject.open(TENSORS, batch_size=2, num_workers=2, persistent_workers=True) as loader:
        return epoch(loader) + epoch(loader)


@requirement(evidence=[HELD_MEMORY, HANGING])
def persistent_workers_end_with_their_loader(subject: Subject) -> None:
    """When nothing refers to a loader any more, its persistent workers MUST be gone as well.

    A search over many settings makes a loader for each; nobody is left who could end them.
    """
    delivered, left = left_by(subject, use_for_two_epochs)
    assert (delivered, left) == (BATCHES * 2, [])


@persistent_workers_end_with_their_loader.mutant_loader
def is_known_to_a_registry(request: LoaderRequest, honest: Honest) -> Any:
    return KeepingItsIterators(honest(request))


def with_few_descriptors(
    subject: Subject, more: int, use: Callable[..., Any], *arguments: Any
) -> Any:
    """Return what `use` returns in a process that can open so many `more` files and no others."""
    with subject.start(limited, more, use, *arguments) as process:
        return process.answer(seconds=20.0)  # many loaders take longer than one


def limited(subject: Subject, more: int, use: Callable[..., Any], *arguments: Any) -> Any:
    opened = sum(thing.startswith("descriptor") for thing in footprint())
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened + more, opened + more))
    return use(subject, *arguments)


def use_often(subject: Subject, times: int) -> list[Any]:
    delivered = []
    for _ in range(times):
        with subject.open(TENSORS, batch_size=2, num_workers=2) as loader:
            delivered.append(epoch(loader))
    return delivered


@requirement(evidence=[MORE_DESCRIPTORS, HELD_MEMORY])
def many_loaders_in_a_row_run_out_of_nothing(subject: Subject) -> None:
    """Fifteen loaders with workers, one after another, MUST need no more descriptors than a few do.

    A test suite or a search makes hundreds in one process; the limit is often 256 or 1024.
    """
    delivered = with_few_descriptors(subject, 40, use_often, 15)
    assert delivered == [BATCHES] * 15


@many_loaders_in_a_row_run_out_of_nothing.mutant
def leaves_some_descriptors_each_time(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    os.pipe()
    os.pipe()
    yield from batches


@many_loaders_in_a_row_run_out_of_nothing.mutant_loader
def never_ends_its_workers(request: LoaderRequest, honest: Honest) -> Any:
    return KeepingItsIterators(honest(request.but(persistent_workers=True)))


def use_and_keep(subject: Subject, number: int) -> list[Any]:
    # Of ints, as tensors of a dataset may need descriptors to reach a worker.
    with subject.open(Identity(number), num_workers=1) as loader:
        kept = list(loader)
    return [plain(batch) for batch in kept]


@requirement(evidence=[DESCRIPTORS, MORE_DESCRIPTORS])
def batches_may_be_kept(subject: Subject) -> None:
    """The batches of an epoch SHOULD NOT each use up a descriptor for as long as they are kept.

    Who collects predictions or caches an epoch keeps thousands; at the limit the program ends,
    where memory was never short.
    """
    delivered = with_few_descriptors(subject, 80, use_and_keep, 100)
    assert delivered == [[index] for index in range(100)]


@batches_may_be_kept.mutant
def opens_a_file_for_each_batch(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        os.dup(1)
        yield batch
