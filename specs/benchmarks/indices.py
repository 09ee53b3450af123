"""What it costs to decide which samples come when, for ten million samples.

A sample is its index, and the dataset gives a batch of them at once, so that next to nothing but
the indices is left to do.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import torch
from torch.utils.data import Dataset, RandomSampler, WeightedRandomSampler

from conformance import LoaderRequest, seeded
from conformance.benchmark import Opened, Work, benchmark

SIZE, BATCH = 10_000_000, 256
BEGUN = 1000  # batches
DRAWN = {"shuffle": SIZE, "replacement": SIZE, "weighted": SIZE, "weighted_tenth": SIZE // 10}
ORDERS = tuple(DRAWN)


@dataclass
class Indices(Dataset[int]):
    """Samples that are their indices, to be had many at a time."""

    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        return index

    def __getitems__(self, indices: list[int]) -> list[int]:
        return indices


def as_they_are(samples: list[int]) -> list[int]:
    """Collate by doing nothing."""
    return list(samples)


def asked(order: str) -> LoaderRequest:
    """Return the request for an order."""
    dataset = Indices(SIZE)
    options: dict[str, Any] = {"batch_size": BATCH, "collate_fn": as_they_are}
    if order == "shuffle":
        return LoaderRequest(dataset, shuffle=True, generator=seeded(0), **options)
    if order == "replacement":
        sampler: Any = RandomSampler(dataset, replacement=True, generator=seeded(0))
    else:
        weights: Any = torch.ones(SIZE, dtype=torch.float64)
        sampler = WeightedRandomSampler(weights, DRAWN[order], generator=seeded(0))
    return LoaderRequest(dataset, sampler=sampler, **options)


def right(order: str, batches: Iterable[list[int]]) -> bool:
    """Whether as many indices come as there must, all in range, and each once if shuffled."""
    seen = torch.zeros(SIZE, dtype=torch.int16)
    count = 0
    for batch in batches:
        indices = torch.tensor(batch)
        seen.index_add_(0, indices, torch.ones_like(indices, dtype=torch.int16))
        count += len(batch)
    in_order = bool((seen[:BATCH] == 1).all()) and count == BATCH
    once = order != "shuffle" or bool((seen == 1).all())
    return count == DRAWN[order] and once and not in_order


def begun_right(order: str, batches: Iterable[list[int]]) -> bool:
    """Whether an epoch begins with full batches, in range, none repeated if shuffled.

    `whole_epoch` looks at all of one.
    """
    begun = [torch.tensor(batch) for batch in islice(batches, BEGUN)]
    indices = torch.cat(begun)
    full = [len(batch) for batch in begun] == [BATCH] * BEGUN
    in_range = int(indices.min()) >= 0 and int(indices.max()) < SIZE
    once = order != "shuffle" or len(set(indices.tolist())) == len(indices)
    return full and in_range and once and not indices.equal(indices.sort().values)


def counted(loader: Iterable[list[int]]) -> int:
    """Return how many indices come."""
    return sum(map(len, loader))


def first(arm: Opened) -> Generator[Any, None, None]:
    """Time the start of an epoch up to its first batch; yield how long that is."""
    yield
    batches = iter(arm.loader)
    length = len(next(batches))
    yield length
    del batches


@benchmark(slow=True, order=ORDERS)
def first_batch(order: str) -> Work:
    """How long does it take to the first of ten million indices?"""
    return Work(
        request=asked(order),
        batches=1,
        stages=first,
        receipt=BATCH,
        check=lambda batches: begun_right(order, batches),
    )


@benchmark(clock="memory", slow=True, order=ORDERS)
def peak_memory(order: str) -> Work:
    """How much more memory does an epoch of ten million indices need?"""
    return replace(whole_epoch.build(order), check=lambda batches: begun_right(order, batches))


@benchmark(slow=True, order=ORDERS)
def whole_epoch(order: str) -> Work:
    """What does a batch cost of ten million indices?"""
    return Work(
        request=asked(order),
        batches=-(-DRAWN[order] // BATCH),
        consume=counted,
        receipt=DRAWN[order],
        check=lambda batches: right(order, batches),
    )
