"""Pinned memory on a machine with an accelerator: that it is pinned, used again, and not too early.

Where there is no accelerator these requirements are unsupported; nothing of them can be judged.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import torch

from conformance import (
    Accelerator,
    Blocks,
    Honest,
    LoaderRequest,
    Samples,
    Subject,
    on_accelerator,
    requirement,
)

PINNING = "https://docs.pytorch.org/docs/stable/data.html#memory-pinning"
TUTORIAL = "https://docs.pytorch.org/tutorials/intermediate/pinmem_nonblock.html"
FREED_TOO_EARLY = "https://github.com/pytorch/pytorch/issues/130785"
CHANGED_TOO_EARLY = "https://github.com/pytorch/pytorch/issues/127612"
WORKERS = (0, 2)
SPIN = 0.02  # seconds
MOMENT = 0.1  # seconds


class Pair(NamedTuple):
    """A sample, and the batch of such samples."""

    image: Any
    label: Any


@dataclass
class Graph:
    """A batch of the user's own, with its way to be pinned."""

    nodes: Any

    def pin_memory(self) -> "Graph":
        """Return the pinned batch."""
        return Graph(self.nodes.pin_memory())


SAMPLES = [
    {"image": torch.full((3,), float(n)), "of": [Pair(n, {"deep": torch.tensor(n)}), "a name"]}
    for n in range(3)
]


def as_graph(samples: list[Any]) -> Graph:
    return Graph(torch.stack([sample["image"] for sample in samples]))


def leaves(value: Any) -> list[torch.Tensor]:
    """Return the tensors in a batch."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, Graph):
        return leaves(value.nodes)
    if isinstance(value, dict | list | tuple):
        inside = value.values() if isinstance(value, dict) else value
        return [leaf for each in inside for leaf in leaves(each)]
    return []


def which_are_pinned(subject: Subject, accelerator: Accelerator, wanted: bool) -> list[list[bool]]:
    """Return of each tensor in an epoch whether it is pinned; several kinds of batches."""
    answers = []
    for workers in WORKERS:
        for collate in (None, as_graph):
            with subject.open(
                Samples(SAMPLES),
                batch_size=2,
                collate_fn=collate,
                pin_memory=wanted,
                num_workers=workers,
            ) as loader:
                answers.append([leaf.is_pinned() for batch in loader for leaf in leaves(batch)])
    return answers


@requirement(claims=["D1-083", "D1-091", "D2-028", "D2-046"], evidence=[PINNING])
def every_tensor_comes_in_pinned_memory(subject: Subject) -> None:
    """With pin_memory=True each tensor of a batch MUST lie in the accelerator's pinned memory.

    On the host, that is: the loader pins, and copying is the user's affair.
    """
    pinned = on_accelerator(subject, which_are_pinned, True)
    assert pinned == [[True] * 6, [True] * 2] * 2


@every_tensor_comes_in_pinned_memory.mutant_loader
def does_not_pin(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(pin_memory=False))


@every_tensor_comes_in_pinned_memory.mutant_loader
def pins_only_the_top_level(request: LoaderRequest, honest: Honest) -> Any:
    return OfTheTopLevel(honest(request.but(pin_memory=False)))


class OfTheTopLevel:
    """A loader that pins the tensors that a batch holds itself; part of a mutant."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            if isinstance(batch, dict):
                batch["image"] = batch["image"].pin_memory()
            yield batch


@every_tensor_comes_in_pinned_memory.mutant
def copies_to_the_device_by_itself(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    device = torch.accelerator.current_accelerator()
    for batch in batches:
        if isinstance(batch, dict):
            batch["image"] = batch["image"].to(device)
        yield batch


@requirement(claims=["D1-086"], evidence=[PINNING])
def no_tensor_comes_in_pinned_memory_unasked(subject: Subject) -> None:
    """Without pin_memory a tensor of a batch MUST NOT lie in pinned memory.

    It is taken from all that runs on a machine, and getting it takes long.
    """
    pinned = on_accelerator(subject, which_are_pinned, False)
    assert pinned == [[False] * 6, [False] * 2] * 2


@no_tensor_comes_in_pinned_memory_unasked.mutant_loader
def pins_because_it_can(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(pin_memory=True))


def copied_in_flight(subject: Subject, accelerator: Accelerator) -> list[tuple[int, list[int]]]:
    """Return how many batches were copied while the device was busy, and which of them wrongly.

    Nothing refers to a batch by the time its copy begins, and the next has been asked for.
    """
    answers = []
    for workers in WORKERS:
        copies = []
        with subject.open(Blocks(50, 1), pin_memory=True, num_workers=workers) as loader:
            iterator = iter(loader)
            while (batch := next(iterator, None)) is not None:
                accelerator.work(SPIN)
                copies.append(accelerator.copy(batch))
                del batch
        torch.accelerator.synchronize()
        wrong = [n for n, copy in enumerate(copies) if not bool((copy.to("cpu") == n).all())]
        answers.append((len(copies), wrong))
    return answers


@requirement(evidence=[FREED_TOO_EARLY, CHANGED_TOO_EARLY])
def a_batch_may_be_dropped_while_it_is_copied(subject: Subject) -> None:
    """A loader MUST NOT use a batch's memory again before the copy from it is done.

    A non-blocking copy reads it later, when the loop has long dropped the batch. A memory that
    holds the next batch by then trains the model on the wrong data, and nothing looks wrong.
    """
    copied = on_accelerator(subject, copied_in_flight)
    assert copied == [(50, []), (50, [])]


@a_batch_may_be_dropped_while_it_is_copied.mutant
def recycles_a_slab_too_early(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    slab = None
    for batch in batches:
        slab = batch.pin_memory() if slab is None else slab.copy_(batch)
        yield slab


@a_batch_may_be_dropped_while_it_is_copied.mutant
def recycles_the_oldest_of_three_slabs(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    slabs: deque[torch.Tensor] = deque(maxlen=3)
    for batch in batches:
        slabs.append(slabs[0].copy_(batch) if len(slabs) == 3 else batch.pin_memory())
        yield slabs[-1]


def allocations_by_epoch(
    subject: Subject, accelerator: Accelerator
) -> list[tuple[list[int], list[int]]]:
    """Return how many batches four epochs had, and how many allocations each after the first.

    The first epoch holds more batches than the others, and waits until all that can be loaded ahead
    is there: so none of the others needs more memory at a time, whatever is done when.
    """
    answers = []
    for workers in WORKERS:
        lengths, counts = [], []
        with subject.open(Blocks(12, 1), pin_memory=True, num_workers=workers) as loader:
            for number in range(4):
                held: deque[Any] = deque(maxlen=1 if number else 3)
                length = 0
                for length, batch in enumerate(loader, 1):
                    held.append(batch)
                    if number == 0 and length == 3:
                        wait_for_what_comes_ahead(accelerator)
                held.clear()
                batch = None
                lengths.append(length)
                counts.append(accelerator.pinned_allocations())
        answers.append((lengths, [after - before for before, after in pairwise(counts)]))
    return answers


def wait_for_what_comes_ahead(accelerator: Accelerator) -> None:
    before = -1
    while before != (now := accelerator.pinned_allocations()):
        before = now
        time.sleep(MOMENT)


@requirement(evidence=[TUTORIAL])
def pinned_memory_is_used_again(subject: Subject) -> None:
    """After the first epoch a loader MUST NOT need any more pinned memory to be allocated.

    To pin memory takes longer than to copy it, and stops the device besides. As far as torch's own
    allocator counts; the count is exact.
    """
    allocated = on_accelerator(subject, allocations_by_epoch)
    assert allocated == [([12] * 4, [0, 0, 0])] * 2


@pinned_memory_is_used_again.mutant
def pins_afresh_every_batch(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        Hoard.batches.append(batch)  # so that its memory is never free
        yield batch


class Hoard:
    """All batches ever delivered; part of a mutant."""

    batches: ClassVar[list[Any]] = []
