"""How the cost of a batch grows, in one process: with the samples, the batch size, the tensors.

What it costs to come by one sample, in time or memory, must not grow with how many there are.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch.utils.data import Dataset, TensorDataset

from conformance import Identity, LoaderRequest, Samples, cut, seeded
from conformance.benchmark import Opened, Work, benchmark, collected, exhaust

INDEX_BATCH = 256
CHECKED = 40_000  # batches: all of ten million samples, but not of a hundred million
START = 1_000  # batches
FEATURES = 16  # in a row: 64 bytes
FIELDS_BATCH, FIELDS_BATCHES = 32, 4


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


def shuffled(samples: int) -> LoaderRequest:
    """Return the request for so many samples in random order, where little but indices is made."""
    return LoaderRequest(
        Indices(samples),
        batch_size=INDEX_BATCH,
        shuffle=True,
        generator=seeded(0),
        collate_fn=as_they_are,
    )


def in_random_order(samples: int, batches: Iterable[list[int]]) -> bool:
    """Whether as many indices come as must, in range, each once and not as they are counted."""
    seen = torch.zeros(samples, dtype=torch.bool)
    count, ordered = 0, True
    for batch in islice(batches, CHECKED):
        indices = torch.tensor(batch)
        seen[indices] = True
        count += len(batch)
        ordered = ordered and batch == sorted(batch)
    expected = min(samples, CHECKED * INDEX_BATCH)
    return count == int(seen.sum()) == expected and not ordered


def counted(batches: Iterable[list[int]]) -> int:
    """Return how many indices come."""
    return sum(map(len, batches))


def start(arm: Opened) -> Generator[Any, None, None]:
    """Have the clock run over the first thousand batches; yield how many indices they have."""
    yield
    batches = iter(arm.loader)
    count = counted(islice(batches, START))
    yield count
    del batches


@benchmark(scale=True, samples=tuple(10**power for power in range(3, 9)))
def order(samples: int) -> Work:
    """What does a batch of 256 cost in an epoch of so many shuffled samples?

    The limit is the permutation alone, which takes longer for each index the less of it the
    processor's caches hold.
    """
    return Work(
        request=shuffled(samples),
        batches=-(-samples // INDEX_BATCH),
        consume=counted,
        receipt=samples,
        check=lambda batches: in_random_order(samples, batches),
        limit=lambda: torch.randperm(samples, generator=seeded(0)),
    )


# Of fewer samples the indices fit in what Python keeps in reserve.
@benchmark(clock="memory", scale=True, samples=tuple(10**power for power in range(5, 9)))
def order_memory(samples: int) -> Work:
    """How much memory do the first 1000 batches of so many shuffled samples take?

    Some 11 MB of each figure are code, which the copy of the process that is measured maps anew.
    """
    return Work(
        request=shuffled(samples),
        batches=1,
        stages=start,
        receipt=min(samples, START * INDEX_BATCH),
        check=lambda batches: in_random_order(samples, batches),
    )


def epochs(dataset: Any, batch_size: int, expected: list[Any]) -> Work:
    """Return the work of iterating over a dataset, which is to give these batches."""
    return Work(
        request=LoaderRequest(dataset, batch_size=batch_size),
        batches=len(expected),
        consume=exhaust,
        receipt=(len(expected), expected[-1]),
        check=collected(expected),
    )


SIZES = tuple(4**power for power in range(7))  # to 4096


def samples_of(batch_size: int) -> int:
    """Return how many make a pass of about a millisecond."""
    return batch_size * max(4, 64 // batch_size)


@benchmark(scale=True, batch_size=SIZES)
def integers(batch_size: int) -> Work:
    """What does a batch of so many Python ints cost?"""
    size = samples_of(batch_size)
    expected = [torch.tensor(part) for part in cut(range(size), batch_size)]
    return epochs(Identity(size), batch_size, expected)


@benchmark(scale=True, batch_size=SIZES)
def rows(batch_size: int) -> Work:
    """What does a batch of so many rows of a TensorDataset cost, of 64 bytes each?"""
    size = samples_of(batch_size)
    table = torch.arange(size * FEATURES, dtype=torch.float32).view(size, FEATURES)
    return epochs(TensorDataset(table), batch_size, [[part] for part in cut(table, batch_size)])


@benchmark(scale=True, tensors=(1, 2, 8, 32, 128))
def fields(tensors: int) -> Work:
    """What does a batch of 32 samples cost that have so many tensors of 64 bytes each?"""
    size = FIELDS_BATCH * FIELDS_BATCHES
    every = torch.arange(size * tensors * FEATURES, dtype=torch.float32)
    samples = every.view(size, tensors, FEATURES)
    dataset = Samples([[*sample.clone()] for sample in samples])
    expected = [list(part.transpose(0, 1)) for part in cut(samples, FIELDS_BATCH)]
    return epochs(dataset, FIELDS_BATCH, expected)
