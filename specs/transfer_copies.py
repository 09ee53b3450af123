"""Copies from pinned memory, on a machine with an accelerator: who waits for them.

The device is given work of a known length, and a copy is queued behind it. A call that returns
while the work is under way has not waited; how long it took is told as a share of the work. That
is a ratio inside one run; it is the median of several, and has to hold in two of three processes.
Where there is no accelerator these requirements are unsupported.
"""

import math
from collections.abc import Iterable, Iterator
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
NON_BLOCKING = "https://github.com/pytorch/pytorch/issues/42539"
SPIN = 0.1  # seconds
BATCHES = 6


def call_shares(
    subject: Subject, accelerator: Accelerator, megabytes: int, pin: bool, non_blocking: bool
) -> list[float]:
    """Return how long each call to copy a batch took as a share of the work that it was behind.

    A call after which the work was over counts as no less than 1, having waited for it.
    """
    shares = []
    with subject.open(Blocks(BATCHES, megabytes), pin_memory=pin) as loader:
        for batch in loader:
            share, busy = accelerator.behind_work(batch, SPIN, non_blocking=non_blocking)
            shares.append(share if busy else max(share, 1.0))
    return shares[1:]  # the first has its memory allocated, which waits


def longest_non_blocking_share(subject: Subject, accelerator: Accelerator) -> float:
    """Return the typical share for batches of 1, 16 and 256 megabytes, the largest of the three."""
    shares = [call_shares(subject, accelerator, size, True, True) for size in (1, 16, 256)]
    return max(median(each) if each else math.inf for each in shares)


@requirement(
    claims=["D1-092", "D1-093", "D2-048", "D2-053", "D2-054"], evidence=[TUTORIAL], alone=True
)
def a_pinned_batch_is_copied_while_the_host_goes_on(subject: Subject) -> None:
    """A non-blocking copy of a pinned batch MUST return while the device is busy with other work.

    At once, which here is a tenth of that work's time at most, for batches of 1, 16 and 256 MB. So
    the host prepares the next step meanwhile; else the device waits for it in each step.
    """
    share = typically(subject, longest_non_blocking_share)
    assert share <= 0.1


@a_pinned_batch_is_copied_while_the_host_goes_on.mutant_loader
def does_not_pin(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(pin_memory=False))


class Waiting(torch.Tensor):
    """A tensor that is copied only while everybody waits; part of mutants."""

    def to(self, *arguments: Any, **options: Any) -> torch.Tensor:
        """Copy and wait."""
        return self.as_subclass(torch.Tensor).to(*arguments, **{**options, "non_blocking": False})


@a_pinned_batch_is_copied_while_the_host_goes_on.mutant
def copies_synchronously(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        yield batch.as_subclass(Waiting)


def shortest_blocking_share(subject: Subject, accelerator: Accelerator) -> float:
    """Return the typical share for batches of 16 megabytes that are copied in a blocking way."""
    shares = call_shares(subject, accelerator, 16, True, False)
    return median(shares) if shares else 0.0


@requirement(claims=["D1-088", "D2-052", "D2-054"], evidence=[NON_BLOCKING], alone=True)
def a_blocking_copy_is_waited_for(subject: Subject) -> None:
    """A copy of a pinned batch that is not said to be non-blocking MUST be done when it returns.

    So it waits for the work before it, half of whose time is the least. Whoever writes into the
    batch after it relies on that; and it shows that the other measurements can tell.
    """
    share = typically(subject, shortest_blocking_share)
    assert share >= 0.5


class Hasty(torch.Tensor):
    """A tensor that nobody waits for while it is copied; part of a mutant."""

    def to(self, *arguments: Any, **options: Any) -> torch.Tensor:
        """Copy without waiting."""
        return self.as_subclass(torch.Tensor).to(*arguments, **{**options, "non_blocking": True})


@a_blocking_copy_is_waited_for.mutant
def copies_without_being_waited_for(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    for batch in batches:
        yield batch.as_subclass(Hasty)


@a_blocking_copy_is_waited_for.mutant
def has_copied_before(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    device = torch.accelerator.current_accelerator()
    for batch in batches:
        yield batch.to(device)


def ordinary_over_pinned(subject: Subject, accelerator: Accelerator) -> float:
    """Return how many times longer the call takes for an ordinary batch of 64 megabytes."""
    ordinary = call_shares(subject, accelerator, 64, False, True)
    pinned = call_shares(subject, accelerator, 64, True, True)
    return median(ordinary) / median(pinned) if ordinary and pinned else 0.0


@requirement(claims=["D1-088", "D2-047", "D2-048"], evidence=[TUTORIAL], alone=True)
def an_ordinary_batch_holds_the_host_up(subject: Subject) -> None:
    """The call for a pinned batch SHOULD take at most a fifth of that for one that is not pinned.

    Both are said to be non-blocking, of 64 MB, and behind other work. Whether a driver waits for
    the work or takes a copy of ordinary memory first is its own affair, hence no more than SHOULD.
    """
    ratio = typically(subject, ordinary_over_pinned)
    assert ratio >= 5


an_ordinary_batch_holds_the_host_up.mutant_loader(does_not_pin)
an_ordinary_batch_holds_the_host_up.mutant(copies_synchronously)
