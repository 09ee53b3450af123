"""The examples of the second document (D2) that load in workers, with as many as it gives them.

As its author wrote them, but for pinned memory, and with data that can be checked. More workers
than there are cores may be warned of.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import torch
from torch.utils.data import TensorDataset, random_split

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Subject,
    Trace,
    Watched,
    cut,
    epoch,
    flat,
    requirement,
)


def frozen(value: Any) -> Any:
    """Return nested lists as tuples."""
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def pairs(batch: Any) -> list[Any]:
    """Return the (data, label) pairs of a batch; none if it is no batch of two fields."""
    match batch:
        case [list() as data, list() as labels] if len(data) == len(labels):
            return list(zip(frozen(data), frozen(labels), strict=True))
    return []


@requirement(claims=["D2-030", "D1-002"])
def two_workers_load_the_complete_example(subject: Subject) -> None:
    """In D2's complete example two workers MUST deliver each row once an epoch beside its label.

    In batches of 4, 4 and 2, and in the second epoch in another order, which by chance is the same
    in 1 of 10! = 3.6e6 runs.
    """
    data = torch.arange(20).reshape(10, 2).float()
    labels = torch.arange(10)
    dataset = TensorDataset(data, labels)
    with subject.open(
        dataset, batch_size=4, shuffle=True, num_workers=2, drop_last=False
    ) as loader:
        seen = [[pairs(batch) for batch in epoch(loader)] for _ in range(2)]
    rows = [((2.0 * n, 2.0 * n + 1), n) for n in range(10)]
    assert [[len(batch) for batch in batches] for batches in seen] == [[4, 4, 2], [4, 4, 2]]
    assert [sorted(flat(batches), key=repr) for batches in seen] == [sorted(rows, key=repr)] * 2
    assert flat(seen[0]) != flat(seen[1])


@two_workers_load_the_complete_example.mutant_loader
def gives_each_worker_its_own_shuffle(request: LoaderRequest, honest: Honest) -> Any:
    orders = [torch.randperm(10).tolist()[half : half + 5] for half in (0, 5)]
    return honest(request.but(shuffle=None, sampler=[*orders[0], *orders[1]]))


@two_workers_load_the_complete_example.mutant_loader
def gives_workers_the_same_order_each_epoch(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(shuffle=None, sampler=torch.randperm(10).tolist()))


@two_workers_load_the_complete_example.mutant_loader
def gives_each_worker_half_of_the_rows(request: LoaderRequest, honest: Honest) -> Any:
    halves = [honest(request.but(shuffle=None, sampler=half)) for half in (range(5), range(5, 10))]
    return [batch for half in halves for batch in half]


@requirement(claims=["D2-031", "D2-058"])
def four_workers_load_the_train_example(subject: Subject) -> None:
    """With D2's usual train settings four workers MUST deliver full batches, reordered each epoch.

    Of 130 samples two are left out, other ones each time; none comes twice.
    """
    split = torch.Generator().manual_seed(subject.seed)
    train_dataset, _ = random_split(Identity(200), [130, 70], generator=split)
    with subject.open(
        train_dataset, batch_size=64, shuffle=True, num_workers=4, drop_last=True
    ) as train_loader:
        epochs = [epoch(train_loader) for _ in range(2)]
    lengths = [[len(batch) for batch in batches if isinstance(batch, list)] for batches in epochs]
    own = set(map(repr, train_dataset.indices))
    distinct = [len(own & set(map(repr, flat(batches)))) for batches in epochs]
    assert (lengths, distinct) == ([[64, 64], [64, 64]], [128, 128])
    assert epochs[0] != epochs[1]


@four_workers_load_the_train_example.mutant_loader
def keeps_the_short_batch_of_workers(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=False))


@four_workers_load_the_train_example.mutant
def sends_the_batch_of_one_worker_twice(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    for batch in islice(batches, 1):
        yield batch
        yield batch.flip(0)


@requirement(claims=["D2-032", "D2-058"])
def four_workers_load_the_validation_example(subject: Subject) -> None:
    """With D2's usual validation settings four workers MUST deliver all samples, always in order.

    A score is over the whole split, and predictions are told apart by their place. There are fewer
    batches here than workers.
    """
    split = torch.Generator().manual_seed(subject.seed)
    _, valid_dataset = random_split(Identity(200), [130, 70], generator=split)
    with subject.open(
        valid_dataset, batch_size=64, shuffle=False, num_workers=4, drop_last=False
    ) as valid_loader:
        epochs = [epoch(valid_loader) for _ in range(2)]
    assert epochs == [cut(list(valid_dataset.indices), 64)] * 2


@four_workers_load_the_validation_example.mutant
def delivers_the_shorter_batch_first(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    return sorted(batches, key=len)


@four_workers_load_the_validation_example.mutant_loader
def ends_when_a_worker_has_no_full_batch(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=True))


@requirement(claims=["D2-068", "D2-062"])
def four_workers_stay_in_the_persistent_example(subject: Subject) -> None:
    """In D2's example of persistent_workers the same four workers MUST load every epoch, in full.

    They are kept to spare their start; what they load is none the less the whole dataset each time.
    """
    with Trace() as trace:
        dataset = Watched(640, trace)
        with subject.open(dataset, batch_size=64, num_workers=4, persistent_workers=True) as loader:
            epochs = [epoch(loader) for _ in range(3)]
        processes = {event.pid for event in trace.events("fetch")} - {os.getpid()}
    assert epochs == [cut([*range(640)], 64)] * 3
    assert len(processes) in (1, 2, 3, 4)


@four_workers_stay_in_the_persistent_example.mutant_loader
def starts_persistent_workers_anew(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(persistent_workers=False))


@four_workers_stay_in_the_persistent_example.mutant_loader
def loads_persistently_in_the_main_process(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(num_workers=0, persistent_workers=False))


@four_workers_stay_in_the_persistent_example.mutant
def forgets_what_was_prefetched(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    served: dict[str, int] = request.dataset.trace.__dict__
    served["epochs"] = served.get("epochs", 0) + 1
    return islice(batches, 0 if served["epochs"] == 1 else 8, None)
