"""What a worker has of the dataset: a copy, made when the epoch began, however it is started."""

import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch.utils.data import Dataset

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Subject,
    Unsupported,
    epoch,
    plain,
    requirement,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
DEFAULT_CHANGED = "https://github.com/pytorch/pytorch/issues/169252"


@dataclass(frozen=True)
class Epochs:
    """A loader, for mutants, that begins each epoch with a function."""

    begin: Callable[[], Iterator[Any]]

    def __iter__(self) -> Iterator[Any]:
        return self.begin()


def loads_in_the_main_process(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(num_workers=0))


class Changing(Identity):
    """Samples that say how often this copy of the dataset has been changed, and fetched from."""

    lazy = True

    changes = 0
    fetches = 0

    def __getitem__(self, index: int) -> Any:
        self.fetches += 1
        return self.changes


@requirement(evidence=[DOCS, "https://github.com/pytorch/pytorch/issues/97326"])
def workers_have_the_dataset_as_it_is_when_an_epoch_begins(subject: Subject) -> None:
    """Workers MUST load from the dataset as it was when their epoch began, through to its end.

    A change between two epochs, such as of the difficulty, is meant for the next; and one that
    reached some workers sooner than others would make an epoch of two datasets.
    """
    dataset = Changing(8)
    with subject.open(dataset, batch_size=2, num_workers=2) as loader:
        dataset.changes = 1
        iterator = iter(loader)
        first = [plain(next(iterator, None))]
        dataset.changes = 2
        first += epoch(iterator)
        second = epoch(loader)
    assert (first, second) == ([[1, 1]] * 4, [[2, 2]] * 4)


@workers_have_the_dataset_as_it_is_when_an_epoch_begins.mutant_loader
def keeps_workers_unasked(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(persistent_workers=True))


@workers_have_the_dataset_as_it_is_when_an_epoch_begins.mutant_loader
def starts_workers_when_built(request: LoaderRequest, honest: Honest) -> Any:
    epochs = [iter(honest(request))]
    return Epochs(lambda: epochs.pop() if epochs else iter(honest(request)))


workers_have_the_dataset_as_it_is_when_an_epoch_begins.mutant_loader(loads_in_the_main_process)


@workers_have_the_dataset_as_it_is_when_an_epoch_begins.mutant_loader
def starts_a_second_crew_midway(request: LoaderRequest, honest: Honest) -> Any:
    halves = [honest(request.but(sampler=half)) for half in (range(4), range(4, 8))]
    return Epochs(lambda: (batch for half in halves for batch in half))


@requirement(evidence=[DOCS])
def what_workers_do_to_the_dataset_stays_with_them(subject: Subject) -> None:
    """With workers the dataset of the main process MUST NOT be changed by its samples being loaded.

    Caches and open files belong to the process that made them; what is the main process's own
    would be changed while it is used there.
    """
    dataset = Changing(8)
    with subject.open(dataset, batch_size=2, num_workers=2) as loader:
        delivered = [epoch(loader) for _ in range(2)]
    assert (delivered, dataset.fetches) == ([[[0, 0]] * 4] * 2, 0)


@what_workers_do_to_the_dataset_stays_with_them.mutant_loader
def tries_the_first_sample(request: LoaderRequest, honest: Honest) -> Any:
    request.dataset[0]
    return honest(request)


what_workers_do_to_the_dataset_stays_with_them.mutant_loader(loads_in_the_main_process)


class Marked(Dataset[Any]):
    """Samples that tell whether their process has got the memory of the main one."""

    lazy = True

    mark = False

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Any:
        return index, Marked.mark


def started_by(subject: Subject, method: str) -> list[Any]:
    """Return the batches of an epoch that a worker makes that is started in this way."""
    Marked.mark = True
    with subject.open(
        Marked(3), batch_size=2, num_workers=1, collate_fn=list, multiprocessing_context=method
    ) as loader:
        return epoch(loader)


@requirement(evidence=[DOCS, DEFAULT_CHANGED])
def workers_are_started_as_multiprocessing_context_says(subject: Subject) -> None:
    """Workers MUST be started in the way that multiprocessing_context names, and load the same.

    A fork inherits locks and devices that do not survive it, so the way is chosen with care; and
    Python changes its default from one system or version to the next.
    """
    if "fork" in multiprocessing.get_all_start_methods():
        forked = started_by(subject, "fork")
        assert forked == [[(0, True), (1, True)], [(2, True)]]
    spawned = started_by(subject, "spawn")
    assert spawned == [[(0, False), (1, False)], [(2, False)]]


@workers_are_started_as_multiprocessing_context_says.mutant_loader
def starts_workers_as_it_always_does(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(multiprocessing_context="fork"))


@workers_are_started_as_multiprocessing_context_says.mutant_loader
def forgets_the_short_batch_unless_forked(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=request.multiprocessing_context != "fork"))


@requirement(evidence=[DOCS, DEFAULT_CHANGED])
def workers_may_come_from_a_fork_server(subject: Subject) -> None:
    """With multiprocessing_context="forkserver" workers MUST be started by one, and load the same.

    It is the default from Python 3.14 on, where there is one: what works today is to work then.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        raise Unsupported("is on a system without fork servers")
    served = started_by(subject, "forkserver")
    assert served == [[(0, False), (1, False)], [(2, False)]]


workers_may_come_from_a_fork_server.mutant_loader(starts_workers_as_it_always_does)
workers_may_come_from_a_fork_server.mutant_loader(forgets_the_short_batch_unless_forked)
