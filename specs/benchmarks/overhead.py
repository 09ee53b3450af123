"""What a loader adds to a batch and to a sample, in one process.

The samples cost next to nothing, so what is measured is the loader: its keys, its fetching, its
collation. Small batches show what a batch costs, large ones what a sample costs.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.data import TensorDataset

from conformance import Identity, LoaderRequest, Samples, cut, seeded
from conformance.benchmark import Work, benchmark, collected, exhaust

# As many batches as make a pass of a millisecond or more, and enough of them to show what a batch
# costs beside what starting an epoch does.
INTEGERS = {1: 64, 32: 32, 256: 8}
TENSORS = {1: 64, 32: 16, 256: 4}
NARROW = {1: 64, 32: 32, 256: 16}
WIDE = {1: 64, 32: 16, 256: 8}


def epochs(
    dataset: Any, batch_size: int, expected: list[Any], limit: Callable[[], Any] | None = None
) -> Work:
    """Return the work of iterating over a dataset, which is to give these batches."""
    return Work(
        request=LoaderRequest(dataset, batch_size=batch_size),
        batches=len(expected),
        consume=exhaust,
        receipt=(len(expected), expected[-1]),
        check=collected(expected),
        limit=limit,
    )


def rows(batch_size: int, batches: int, bytes_a_row: int) -> Work:
    """Return the work of iterating over the rows of a tensor."""
    size, features = batch_size * batches, bytes_a_row // 4
    table = torch.arange(size * features, dtype=torch.float32).view(size, features)
    order = cut(torch.randperm(size, generator=seeded(0)), batch_size)

    def gather() -> None:
        for indices in order:
            table.index_select(0, indices)

    expected = [[part] for part in cut(table, batch_size)]
    return epochs(TensorDataset(table), batch_size, expected, gather)


@benchmark(batch_size=(1, 32, 256))
def python_integers(batch_size: int) -> Work:
    """What does a batch of Python integers cost?"""
    size = batch_size * INTEGERS[batch_size]
    expected = [torch.tensor(part) for part in cut(range(size), batch_size)]
    return epochs(Identity(size), batch_size, expected)


@benchmark(batch_size=(1, 32, 256))
def small_tensors(batch_size: int) -> Work:
    """What does a batch cost of tensors of 64 bytes that lie in a list?"""
    samples = torch.arange(16.0 * batch_size * TENSORS[batch_size]).view(-1, 16)
    whole = cut(samples, batch_size)

    def stack() -> None:
        for part in whole:
            part.clone()

    return epochs(Samples(list(samples.unbind())), batch_size, whole, stack)


@benchmark(batch_size=(1, 32, 256))
def narrow_rows(batch_size: int) -> Work:
    """What does a batch of a TensorDataset cost whose rows have 64 bytes?

    The limit is index_select of a permutation.
    """
    return rows(batch_size, NARROW[batch_size], 64)


@benchmark(batch_size=(1, 32, 256))
def wide_rows(batch_size: int) -> Work:
    """What does a batch of a TensorDataset cost whose rows have 16 KiB?

    The limit is index_select of a permutation.
    """
    return rows(batch_size, WIDE[batch_size], 16 * 1024)
