"""What is promised of batches holds for pinned ones: their order, how many are ahead, errors.

A stage more is a place more where a batch can wait, fail or be left behind. The accelerator is a
simulated one, for which to pin a tensor is to add 100 to it.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

import torch

from conformance import (
    Gated,
    Honest,
    Identity,
    LoaderRequest,
    Subject,
    Trace,
    Watched,
    cut,
    epoch,
    footprint,
    left_since,
    plain,
    requirement,
    told,
)

PINNING = "https://docs.pytorch.org/docs/stable/data.html#memory-pinning"
STAGE_GONE = "https://github.com/pytorch/pytorch/issues/47445"
HELD_MEMORY = "https://github.com/pytorch/pytorch/issues/62066"
WORKERS = (0, 2)
MOMENT = 0.1  # seconds
MUTANT_LIVES = 8  # seconds: longer than what a loader started has time to end


def add_a_hundred(tensor: torch.Tensor) -> torch.Tensor:
    return tensor + 100


def with_accelerator(subject: Subject) -> AbstractContextManager[None]:
    """Return a context in which there is an accelerator."""
    context: AbstractContextManager[None] = subject.offer("accelerator")(add_a_hundred)
    return context


@requirement(evidence=[PINNING])
def pinning_keeps_the_order_of_batches(subject: Subject) -> None:
    """A loader MUST deliver pinned batches in the order in which it delivers others.

    A stage that takes batches as they come from the workers is one more place to lose the order.
    Here the first batch cannot be loaded before the fourth.
    """
    with Trace() as trace:
        dataset = Gated(8, trace, {0: ("fetch", [6, 7])})
        with (
            with_accelerator(subject),
            subject.open(dataset, batch_size=2, pin_memory=True, num_workers=2) as loader,
        ):
            delivered = epoch(loader)
    assert delivered == [[100, 101], [102, 103], [104, 105], [106, 107]]


@pinning_keeps_the_order_of_batches.mutant_loader
def delivers_what_was_pinned_first(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(in_order=False))


@requirement(claims=["D1-095"], evidence=[PINNING])
def pinning_does_not_load_further_ahead(subject: Subject) -> None:
    """With pin_memory a loader MUST NOT begin more batches ahead than without, nor fewer.

    A stage that takes batches off the workers frees them to load more; but it is the undelivered
    ones, pinned or not, that fill the memory.
    """
    for workers, factor in [(1, 1), (2, 2)]:
        with (
            Trace() as trace,
            with_accelerator(subject),
            subject.open(
                Watched(24, trace),
                batch_size=2,
                pin_memory=True,
                num_workers=workers,
                prefetch_factor=factor,
            ) as loader,
        ):
            iterator = iter(loader)
            first = plain(next(iterator, None))
            assert first == [100, 101]
            allowed = 2 * (1 + workers * factor)
            loaded_ahead = trace.wait_for("fetch", range(allowed))
            trace.wait_for("fetch", [allowed], timeout=MOMENT)
            too_many = max(0, len(trace.keys("fetch")) - allowed)
            rest = epoch(iterator)
        assert (loaded_ahead, too_many, rest) == (True, 0, cut([*range(102, 124)], 2))


@pinning_does_not_load_further_ahead.mutant_loader
def loads_on_once_a_batch_is_pinned(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(prefetch_factor=2 * (request.prefetch_factor or 2)))


@pinning_does_not_load_further_ahead.mutant_loader
def stops_loading_while_it_pins(request: LoaderRequest, honest: Honest) -> Any:
    request.dataset.trace.patience = 0.3
    return honest(request.but(num_workers=0, prefetch_factor=None))


class Unpinnable(Exception):  # noqa: N818 - as users name theirs
    """An error of the user's own."""


class Stubborn(list[Any]):
    """A batch that cannot be pinned if it has a 4 in it."""

    def pin_memory(self) -> "Stubborn":
        """Return the pinned batch."""
        if 4 in self:
            raise Unpinnable("4 stays where it is")
        return Stubborn(number + 100 for number in self)


@requirement(evidence=[PINNING, STAGE_GONE])
def an_error_in_pinning_comes_at_its_turn(subject: Subject) -> None:
    """An error in pinning a batch MUST be raised as such at its turn, after the batches before it.

    Pinned memory runs out. Whoever catches the error has to know which batch is missing; a stage
    that dies of it leaves a loop that waits for ever.
    """
    answers = []
    for workers in WORKERS:
        with (
            with_accelerator(subject),
            subject.open(
                Identity(8),
                batch_size=2,
                collate_fn=Stubborn,
                pin_memory=True,
                num_workers=workers,
            ) as loader,
        ):
            answers.append(told(iter(loader)))
    assert answers == [[[100, 101], [102, 103], "Unpinnable", [106, 107]]] * 2


@an_error_in_pinning_comes_at_its_turn.mutant
def leaves_the_batch_out(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    iterator = iter(batches)
    while True:
        try:
            yield next(iterator)
        except StopIteration:
            return
        except Unpinnable:
            continue


@an_error_in_pinning_comes_at_its_turn.mutant_loader
def delivers_what_it_cannot_pin(request: LoaderRequest, honest: Honest) -> Any:
    return Lenient(honest(request.but(pin_memory=False)))


class Lenient:
    """A loader that pins what lets it; part of a mutant."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            yield batch if 4 in batch else batch.pin_memory()


def use_pinned(subject: Subject, workers: int, batches: int) -> list[Any]:
    """Return the first so many batches, the loop being left then."""
    with (
        with_accelerator(subject),
        subject.open(Identity(12), batch_size=2, pin_memory=True, num_workers=workers) as loader,
    ):
        return [plain(batch) for batch in islice(loader, batches)]


@requirement(evidence=[PINNING, HELD_MEMORY])
def pinning_leaves_nothing_behind(subject: Subject) -> None:
    """After an epoch with pin_memory, whole or left early, a loader MUST NOT keep anything of it.

    A thread that pins is the last to learn that nobody waits any more, and it holds what it pinned.
    """
    answers = []
    for workers, batches in [(0, 9), (2, 9), (2, 1)]:
        use_pinned(subject, workers, batches)
        before = footprint()
        delivered = use_pinned(subject, workers, batches)
        answers.append((delivered, left_since(before)))
    whole = cut([*range(100, 112)], 2)
    assert answers == [(whole, []), (whole, []), ([[100, 101]], [])]


@pinning_leaves_nothing_behind.mutant
def leaves_its_thread_waiting(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    threading.Thread(target=threading.Event().wait, args=(MUTANT_LIVES,), daemon=True).start()
    yield from batches


@pinning_leaves_nothing_behind.mutant
def forgets_a_descriptor_if_left_early(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    descriptor = os.dup(1)
    yield from batches
    os.close(descriptor)
