"""What pinned batches gain on their way to a device: bandwidth, calls, overlap, an epoch.

Everything is beside the limit of the same run, which is the same done from one block of pinned
memory, or the computation alone. Where there is no accelerator nothing is measured.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import cache, partial
from typing import Any

import torch

from conformance import Accelerator, Blocks, LoaderRequest
from conformance.benchmark import Opened, Work, benchmark

SIZES = {"1 MB": 1, "16 MB": 16, "64 MB": 64}  # of a batch
COUNT = 8  # batches
SPIN = 0.1  # seconds of work that a copy is queued behind
STEP = 0.01  # seconds of work in a step, and that a sample takes to be loaded


@cache
def accelerator() -> Accelerator:
    """Return the accelerator, one for all benchmarks of a process; raise Unsupported without."""
    return Accelerator()


class PlainLoop:
    """No loader, but what one writes in its place: `--loader specs.benchmarks.pinned:PlainLoop`."""

    def __init__(self, dataset: Any, batch_size: int = 1, pin_memory: bool = False) -> None:
        self.dataset, self.batch_size, self.pin = dataset, batch_size, pin_memory

    def __iter__(self) -> Iterator[torch.Tensor]:
        for start in range(0, len(self.dataset), self.batch_size):
            stop = min(start + self.batch_size, len(self.dataset))
            batch = torch.stack([self.dataset[index] for index in range(start, stop)])
            yield batch.pin_memory() if self.pin else batch


def block(megabytes: int) -> torch.Tensor:
    """Return a batch in pinned memory, as no loader has delivered it."""
    accelerator()  # without one torch's own error would come
    return Blocks(1, megabytes)[0].unsqueeze(0).pin_memory()


def full_of_their_index(batches: Iterable[torch.Tensor]) -> bool:
    """Whether each batch holds the number that it is."""
    right = [bool((batch == index).all()) for index, batch in enumerate(batches)]
    return right == [True] * COUNT


def copy_all(batches: Iterable[torch.Tensor]) -> float:
    """Copy one after the other, wait, and return a number from the last copy."""
    copied = None
    for batch in batches:
        copied = accelerator().copy(batch)
    torch.accelerator.synchronize()
    return -1.0 if copied is None else float(copied.flatten()[:1].to("cpu"))


def work_of(megabytes: int, limit: Callable[[], Any], seconds: float = 0.0, **how: Any) -> Work:
    """Return the work on eight batches of so many megabytes."""
    workers = how.pop("num_workers", 0)
    return Work(
        request=LoaderRequest(
            Blocks(COUNT, megabytes, seconds), pin_memory=True, num_workers=workers
        ),
        receipt=float(COUNT - 1),
        check=full_of_their_index,
        limit=limit,
        **how,
    )


def copying(arm: Opened) -> Generator[Any, None, None]:
    """Time the copies of batches that are there."""
    batches = list(arm.loader)
    torch.accelerator.synchronize()
    yield
    last = copy_all(batches)
    yield last


@benchmark(clock="wall", size=tuple(SIZES))
def bandwidth(size: str) -> Work:
    """How long does it take to copy a batch to the device?

    The limit is the copy of a pinned block of the same size.
    """
    raw = block(SIZES[size])
    return work_of(SIZES[size], lambda: copy_all([raw] * COUNT), batches=COUNT, stages=copying)


def calling(arm: Opened) -> Generator[Any, None, None]:
    """Time the call that copies a batch behind other work."""
    *_, batch = arm.loader
    last = float(batch[0, 0])
    torch.accelerator.synchronize()
    accelerator().work(SPIN)
    yield
    copied = accelerator().copy(batch)
    yield last
    torch.accelerator.synchronize()
    del copied


@benchmark(clock="wall", size=tuple(SIZES))
def call_return(size: str) -> Work:
    """How long does the call take that copies a batch while the device is busy for 100 ms?

    The limit is the call for a pinned block of the same size.
    """
    raw = block(SIZES[size])
    limit = partial(accelerator().copy, raw)
    return work_of(SIZES[size], limit, batches=1, stages=calling)


def beside_work(seconds: float, batches: Iterable[torch.Tensor]) -> float:
    """Copy on another stream while the device works for so long, and wait for both."""
    with accelerator().another_stream():
        copies = [accelerator().copy(batch) for batch in batches]
    accelerator().work(seconds)
    torch.accelerator.synchronize()
    return float(copies[-1].flatten()[:1].to("cpu")) if copies else -1.0


@benchmark(clock="wall")
def overlap() -> Work:
    """How long do copies on a stream of their own take beside a computation that takes as long?

    The limit is the computation alone. Batches of 64 MB.
    """
    raw = block(64)
    seconds = accelerator().wall_of(lambda: copy_all([raw] * COUNT))

    def both(arm: Opened) -> Generator[Any, None, None]:
        batches = list(arm.loader)
        torch.accelerator.synchronize()
        yield
        last = beside_work(seconds, batches)
        yield last

    return work_of(64, partial(beside_work, seconds, [raw][:0]), batches=COUNT, stages=both)


def train(loader: Iterable[torch.Tensor]) -> float:
    """Copy and work, step by step, as the documents have it; return a number from the last copy."""
    copied = None
    for batch in loader:
        copied = accelerator().copy(batch)
        accelerator().work(STEP)
    torch.accelerator.synchronize()
    return -1.0 if copied is None else float(copied.flatten()[:1].to("cpu"))


@benchmark(clock="wall", num_workers=(0, 2))
def end_to_end(num_workers: int) -> Work:
    """How long does a step take in which 4 MB are loaded, copied and computed on?

    A sample takes 10 ms to be loaded, and a step as long to compute. The limit is the computation
    alone.
    """
    limit = partial(accelerator().wall_of, partial(accelerator().work, STEP * COUNT))
    return work_of(4, limit, STEP, batches=COUNT, consume=train, num_workers=num_workers)
