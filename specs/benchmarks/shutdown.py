"""How long it takes until a loader that is no longer wanted has ended its workers."""

from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import psutil
import torch

from conformance import Identity, LoaderRequest, cut, running
from conformance.benchmark import Opened, Work, benchmark, collected

SIZE, BATCH, WORKERS = 64, 8, 2
EXPECTED = [torch.tensor(part) for part in cut(range(SIZE), BATCH)]


def children() -> set[int]:
    """Return the ids of the processes that this one has started, and theirs."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


def dropped(arm: Opened) -> Generator[Any, None, None]:
    """Time from letting go of a loader in the middle of an epoch until its workers are gone.

    Yields whether it had workers and whether they ended.
    """
    before = children()
    door = ExitStack()
    loader = door.enter_context(arm.opened())
    batches = iter(loader)
    next(batches)
    workers = children() - before
    yield
    del batches, loader
    door.close()
    yield len(workers) >= WORKERS, not running(workers, seconds=10)


@benchmark(clock="wall", persistent=(False, True))
def in_the_middle(persistent: bool) -> Work:
    """How long does it take to let go of a loader with two workers, in the middle of an epoch?"""
    return Work(
        request=LoaderRequest(
            Identity(SIZE), batch_size=BATCH, num_workers=WORKERS, persistent_workers=persistent
        ),
        batches=1,
        stages=dropped,
        receipt=(True, True),
        check=collected(EXPECTED),
    )
