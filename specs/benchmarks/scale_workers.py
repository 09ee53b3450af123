"""How the cost of a batch grows with the number of workers, and that of their start with the data.

A dataset is handed to each worker as it starts: a fork shares its memory, a fork server is sent it.
"""

import multiprocessing
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils.data import Dataset

from conformance import LoaderRequest, cut
from conformance.benchmark import Opened, Work, benchmark, collected, exhaust

WAITING_BATCH, WAITING_BATCHES = 4, 16
LARGE_SIZE, LARGE_BATCH = 16, 4
METHODS = ("fork", "forkserver")
MEGABYTES = (1, 10, 100, 1000)


@dataclass
class Waiting(Dataset[int]):
    """Samples that are their indices, and wait for a millisecond as for a disk."""

    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        time.sleep(0.001)
        return index


@dataclass
class Large(Dataset[int]):
    """Samples that are their indices, in an object of so many bytes."""

    size: int
    content: bytes = field(repr=False)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        return index


@benchmark(clock="wall", scale=True, workers=(0, 1, 2, 4))
def waiting(workers: int) -> Work:
    """How long does a batch of 4 take whose samples wait for 1 ms each, with so many workers?"""
    size = WAITING_BATCH * WAITING_BATCHES
    expected = [torch.tensor(part) for part in cut(range(size), WAITING_BATCH)]
    return Work(
        request=LoaderRequest(
            Waiting(size),
            batch_size=WAITING_BATCH,
            num_workers=workers,
            persistent_workers=workers > 0,
        ),
        batches=WAITING_BATCHES,
        consume=exhaust,
        receipt=(WAITING_BATCHES, expected[-1]),
        check=collected(expected),
    )


def first(arm: Opened) -> Generator[Any, None, None]:
    """Have the clock run from a new loader to its first batch."""
    yield
    with arm.opened() as loader:
        batches = iter(loader)
        batch = next(batches)
        yield batch
        for _ in batches:
            pass


def starting(method: str, megabytes: int) -> Work:
    """Return the work of starting two workers that are given so large a dataset."""
    # What is loaded here the server loads, too, so that no worker's imports hide what grows.
    packages = {name.partition(".")[0] for name in sys.modules}
    multiprocessing.set_forkserver_preload([*sorted(packages), __name__])
    expected = [torch.tensor(part) for part in cut(range(LARGE_SIZE), LARGE_BATCH)]
    return Work(
        request=LoaderRequest(
            Large(LARGE_SIZE, b"\1" * (megabytes * 10**6)),
            batch_size=LARGE_BATCH,
            num_workers=2,
            multiprocessing_context=method,
        ),
        batches=1,
        stages=first,
        receipt=expected[0],
        check=collected(expected),
    )


@benchmark(clock="wall", scale=True, method=METHODS, megabytes=MEGABYTES)
def first_batch(method: str, megabytes: int) -> Work:
    """How long does the first batch of 2 new workers take, the dataset having so many MB?"""
    return starting(method, megabytes)


@benchmark(clock="held", scale=True, method=METHODS, megabytes=MEGABYTES)
def first_batch_memory(method: str, megabytes: int) -> Work:
    """How much memory do 2 new workers add up to their first batch, for so many MB?"""
    return starting(method, megabytes)
