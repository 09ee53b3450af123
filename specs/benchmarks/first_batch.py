"""How long one waits for the first batch with two workers.

Fresh: from constructing the loader, so that starting the workers counts. Persistent: from the start
of the second epoch, with workers that are there already. What follows is not timed.
"""

from collections.abc import Generator
from typing import Any

import torch

from conformance import Identity, LoaderRequest, cut
from conformance.benchmark import Opened, Work, benchmark, collected

SIZE, BATCH = 64, 8
EXPECTED = [torch.tensor(part) for part in cut(range(SIZE), BATCH)]


def from_construction(arm: Opened) -> Generator[Any, None, None]:
    """Time a new loader up to its first batch."""
    yield
    with arm.opened() as loader:
        batches = iter(loader)
        first = next(batches)
        yield first
        for _ in batches:
            pass


def of_the_next_epoch(arm: Opened) -> Generator[Any, None, None]:
    """Time a new epoch of a loader up to its first batch."""
    yield
    batches = iter(arm.loader)
    first = next(batches)
    yield first
    for _ in batches:
        pass


def waiting(stages: Any, **options: Any) -> Work:
    """Return the work of waiting for a first batch."""
    return Work(
        request=LoaderRequest(Identity(SIZE), batch_size=BATCH, num_workers=2, **options),
        batches=1,
        stages=stages,
        receipt=EXPECTED[0],
        check=collected(EXPECTED),
    )


@benchmark(clock="wall")
def fresh_by_fork() -> Work:
    """How long does it take from a new loader to its first batch, workers being forked?"""
    return waiting(from_construction, multiprocessing_context="fork")


@benchmark(clock="wall", slow=True, method=("forkserver", "spawn"))
def fresh(method: str) -> Work:
    """How long does it take from a new loader to its first batch, workers importing everything?"""
    return waiting(from_construction, multiprocessing_context=method)


@benchmark(clock="wall")
def second_epoch() -> Work:
    """How long does it take to the first batch of a later epoch, with persistent workers?"""
    return waiting(of_the_next_epoch, persistent_workers=True)
