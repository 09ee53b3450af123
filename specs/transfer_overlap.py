"""What pinned batches are for, on a machine with an accelerator: copying beside computing.

Everything is a ratio to what was measured in the same run, the median of several, and has to hold
in two of three processes. Where there is no accelerator these requirements are unsupported.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from statistics import median
from typing import Any

import torch

from conformance import (
    Accelerator,
    Blocks,
    Honest,
    LoaderRequest,
    Subject,
    requirement,
    typically,
)

TUTORIAL = "https://docs.pytorch.org/tutorials/intermediate/pinmem_nonblock.html"
OVERLAP = "https://developer.nvidia.com/blog/how-overlap-data-transfers-cuda-cc/"
ROUNDS = 7
STEPS = 40


class Waiting(torch.Tensor):
    """A tensor that is copied only while everybody waits; part of mutants."""

    def to(self, *arguments: Any, **options: Any) -> torch.Tensor:
        """Copy and wait."""
        return self.as_subclass(torch.Tensor).to(*arguments, **{**options, "non_blocking": False})


def copy_and_compute(subject: Subject, accelerator: Accelerator, apart: bool) -> float:
    """Return the time of copying four batches and computing as long, over that of the longer.

    1 is at the same time, 2 one after the other. The copies are queued first, so that whatever
    keeps the host waiting delays the computation as well. `apart`: on another stream than it.
    """
    with subject.open(Blocks(4, 64), pin_memory=True) as loader:
        batches = list(loader)
    if not batches:
        return 0.0 if not apart else 2.0

    def copy() -> None:
        for batch in batches:
            accelerator.copy(batch)

    def copy_apart() -> None:
        with accelerator.another_stream():
            copy()

    copying = copy_apart if apart else copy
    accelerator.wall_of(copying)  # the first has its memory allocated, which waits
    alone = median(accelerator.wall_of(copying) for _ in range(3))
    computing = partial(accelerator.work, alone)
    longer = max(alone, median(accelerator.wall_of(computing) for _ in range(3)))

    def both() -> None:
        copying()
        computing()

    return median(accelerator.wall_of(both) for _ in range(ROUNDS)) / longer


@requirement(claims=["D1-093", "D2-048"], evidence=[TUTORIAL, OVERLAP], alone=True)
def copying_and_computing_overlap(subject: Subject) -> None:
    """Copies of pinned batches on a stream of their own MUST run beside a computation on another.

    Both take equally long, and together at most 1.15 times as long as one. On one stream they take
    1.5 times as long at least, which shows that the measurement can tell. It is what makes a device
    compute all the time while it is fed.
    """
    on_one_stream = typically(subject, copy_and_compute, False)
    on_two_streams = typically(subject, copy_and_compute, True)
    assert on_one_stream >= 1.5
    assert on_two_streams <= 1.15


@copying_and_computing_overlap.mutant_loader
def does_not_pin(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(pin_memory=False))


@copying_and_computing_overlap.mutant
def copies_synchronously(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        yield batch.as_subclass(Waiting)


def bandwidth_of_raw(subject: Subject, accelerator: Accelerator) -> float:
    """Return the bandwidth of the loader's batches over that of a pinned block of the same size.

    The shortest times are compared, and the two are measured in turns.
    """
    block = Blocks(1, 64)[0].unsqueeze(0).pin_memory()
    raw, own = [], []
    with subject.open(Blocks(ROUNDS, 64), pin_memory=True) as loader:
        for batch in loader:
            raw.append(accelerator.seconds_of(partial(accelerator.copy, block)))
            own.append(accelerator.seconds_of(partial(accelerator.copy, batch)))
    return min(raw[1:], default=0.0) / min(own[1:], default=1.0)


@requirement(claims=["D2-048"], evidence=[TUTORIAL], alone=True)
def batches_are_copied_as_fast_as_pinned_memory_can_be(subject: Subject) -> None:
    """A pinned batch of 64 MB MUST be copied with 0.9 of the bandwidth of pinned memory or more.

    That is the limit on this machine, measured beside it; ordinary memory is copied twice.
    """
    share = typically(subject, bandwidth_of_raw)
    assert share >= 0.9


batches_are_copied_as_fast_as_pinned_memory_can_be.mutant_loader(does_not_pin)


def epoch_over_longest(subject: Subject, accelerator: Accelerator, workers: int) -> float:
    """Return an epoch's time over the longest of loading, copying and computing by themselves.

    A step's computation takes as long as a batch needs to be loaded, and a batch is copied as often
    as it takes for the same time. The clock starts when the first batch is there, as workers have
    to be started before.
    """
    block = Blocks(1, 16)[0].unsqueeze(0).pin_memory()

    def copy(batch: Any, times: int) -> None:
        with accelerator.another_stream():
            for _ in range(times):
                accelerator.copy(batch)
            copied = accelerator.mark()
        copied.wait()  # not the host: the stream on which is computed

    with subject.open(
        Blocks(STEPS, 16, seconds=0.01), pin_memory=True, num_workers=workers
    ) as loader:

        def begun() -> Iterator[Any]:
            iterator = iter(loader)
            first = list(islice(iterator, 1))
            return chain(first, iterator)

        if len(list(loader)) != STEPS:
            return 2.0
        loading = median(accelerator.wall_of(partial(deque, begun(), 0)) for _ in range(3))
        step = loading / STEPS
        accelerator.wall_of(partial(copy, block, 1))  # has its memory allocated, which waits
        times = max(1, round(step / (accelerator.wall_of(partial(copy, block, 10)) / 10)))

        def train(batches: Iterable[Any]) -> None:
            for batch in batches:
                copy(batch, times)
                accelerator.work(step)

        copying = accelerator.wall_of(partial(copy, block, times * STEPS))
        computing = accelerator.wall_of(partial(each_step, partial(accelerator.work, step)))
        together = median(accelerator.wall_of(partial(train, begun())) for _ in range(3))
    return together / max(loading, copying, computing)


def each_step(act: Callable[[], Any]) -> None:
    for _ in range(STEPS):
        act()


@requirement(claims=["D1-093", "D2-054"], evidence=[TUTORIAL], alone=True)
def an_epoch_takes_as_long_as_its_longest_part(subject: Subject) -> None:
    """An epoch that loads, copies and computes MUST take at most 1.15 times its longest part.

    In the main process as with workers. A host that waits for its copies loads nothing meanwhile,
    and the device then waits for the host.
    """
    ratios = [typically(subject, epoch_over_longest, workers) for workers in (0, 2)]
    assert max(ratios) <= 1.15


an_epoch_takes_as_long_as_its_longest_part.mutant_loader(does_not_pin)
an_epoch_takes_as_long_as_its_longest_part.mutant(copies_synchronously)
