"""How long one waits for the first batch with two workers.

Fresh: from constructing the loader, so that starting the workers counts. Persistent: from the start
of the second epoch, with workers that are there already. What follows is not timed. The dataset is
a list, so that workers need no module of a project's.
"""

from collections.abc import Generator
from typing import Any

import torch

from conformance import LoaderRequest, cut
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


def after_another(arm: Opened) -> Generator[Any, None, None]:
    """Time a new loader up to its first batch, after another one."""
    with arm.opened() as loader:
        for _ in loader:
            pass
    yield from from_construction(arm)


def of_the_next_epoch(arm: Opened) -> Generator[Any, None, None]:
    """Time a new epoch of a loader up to its first batch."""
    yield
    batches = iter(arm.loader)
    first = next(batches)
    yield first
    for _ in batches:
        pass


def waiting(stages: Any, *, apart: bool = False, **options: Any) -> Work:
    """Return the work of waiting for a first batch."""
    return Work(
        request=LoaderRequest(list(range(SIZE)), batch_size=BATCH, num_workers=2, **options),
        batches=1,
        stages=stages,
        receipt=EXPECTED[0],
        check=collected(EXPECTED),
        apart=apart,
    )


@benchmark(clock="wall")
def fresh_by_fork() -> Work:
    """How long does it take from a new loader to its first batch, workers being forked?"""
    return waiting(from_construction, multiprocessing_context="fork")


# There is one fork server in a process, so each loader is given a process, or it might profit from
# what another one has had loaded there.
@benchmark(clock="wall", slow=True, method=("forkserver", "spawn"))
def fresh(method: str) -> Work:
    """How long does it take from a new loader to its first batch, workers importing everything?

    In a process that has had another loader before.
    """
    return waiting(after_another, apart=True, multiprocessing_context=method)


@benchmark(clock="wall", slow=True)
def fresh_by_a_new_forkserver() -> Work:
    """How long does it take from a process's first loader to its first batch, by forkserver?"""
    return waiting(from_construction, apart=True, multiprocessing_context="forkserver")


@benchmark(clock="wall")
def second_epoch() -> Work:
    """How long does it take to the first batch of a later epoch, with persistent workers?"""
    return waiting(of_the_next_epoch, persistent_workers=True)
