"""Pinning as a stage on a batch's way: after collation, before delivery, in the main process.

The accelerator is a simulated one, for which to pin a tensor is to add 100 to it.
"""

import os
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Subject,
    Trace,
    epoch,
    plain,
    requirement,
)

PINNING = "https://docs.pytorch.org/docs/stable/data.html#memory-pinning"
DEPRECATED = "https://github.com/pytorch/pytorch/pull/158323"
WORKERS = (0, 2)


def add_a_hundred(tensor: torch.Tensor) -> torch.Tensor:
    return tensor + 100


@dataclass
class Noted:
    """Pins, and records as a "pin" the first number of the tensor."""

    trace: Trace

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        """Pin the tensor."""
        self.trace.record("pin", int(tensor.flatten()[0]))
        return tensor + 100


@dataclass
class Collating:
    """A collate_fn that records as a "collate" the first number that it gets."""

    trace: Trace

    def __call__(self, samples: list[Any]) -> torch.Tensor:
        """Collate the samples."""
        self.trace.record("collate", int(samples[0]))
        return torch.tensor([int(sample) for sample in samples])


@requirement(claims=["D1-089"], evidence=[PINNING])
def batches_are_pinned_after_collation_and_before_delivery(subject: Subject) -> None:
    """A loader MUST pin a batch once it is collated, and before next returns it.

    What a collate_fn makes of pinned samples is not pinned; and a batch that is pinned later is
    copied before that.
    """
    answers = []
    for workers in WORKERS:
        with Trace() as trace:
            with (
                subject.offer("accelerator")(Noted(trace)),
                subject.open(
                    Identity(4),
                    batch_size=2,
                    collate_fn=Collating(trace),
                    pin_memory=True,
                    num_workers=workers,
                ) as loader,
            ):
                delivered = epoch(loader)
            happened = [(event.kind, event.key) for event in trace.events()]
        in_turn = [[kind for kind, key in happened if key == first] for first in (0, 2)]
        answers.append((delivered, in_turn))
    expected = ([[100, 101], [102, 103]], [["collate", "pin"]] * 2)
    assert answers == [expected, expected]


@batches_are_pinned_after_collation_and_before_delivery.mutant_loader
def pins_the_samples(request: LoaderRequest, honest: Honest) -> Any:
    collate: Any = request.collate_fn

    def of_pinned(samples: list[int]) -> Any:
        return collate([torch.tensor(sample).pin_memory() for sample in samples])

    return honest(request.but(collate_fn=of_pinned, pin_memory=False))


@batches_are_pinned_after_collation_and_before_delivery.mutant_loader
def pins_a_batch_when_the_next_is_asked_for(request: LoaderRequest, honest: Honest) -> Any:
    return PinningLate(honest(request.but(pin_memory=False)))


class PinningLate:
    """A loader that pins what it has delivered; part of a mutant."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            yield batch
            batch.pin_memory()


@requirement(claims=["D1-090", "D1-095"], evidence=[PINNING])
def pinning_happens_in_the_main_process(subject: Subject) -> None:
    """A loader MUST pin in the process that iterates it, not in its workers.

    Memory pinned by a worker is not pinned for the process that copies from it, and a worker that
    was forked may not use the device at all.
    """
    answers, threads = [], set()
    for workers in WORKERS:
        with Trace() as trace:
            with (
                subject.offer("accelerator")(Noted(trace)),
                subject.open(
                    Identity(4), batch_size=2, pin_memory=True, num_workers=workers
                ) as loader,
            ):
                delivered = epoch(loader)
            pins = trace.events("pin")
        keys = sorted(event.key for event in pins)  # a batch may be pinned as soon as it arrives
        answers.append((delivered, keys, {event.pid for event in pins}))
        threads |= {event.thread == threading.get_ident() for event in pins if workers}
    assert answers == [([[100, 101], [102, 103]], [0, 2], {os.getpid()})] * 2
    where = "the thread that iterates" if threads == {True} else "a thread of its own"
    subject.observe(f"pins what comes from workers in {where}")


@pinning_happens_in_the_main_process.mutant_loader
def pins_in_the_workers(request: LoaderRequest, honest: Honest) -> Any:
    def pinned(samples: list[int]) -> Any:
        return torch.tensor(samples).pin_memory()

    return honest(request.but(collate_fn=pinned, pin_memory=False))


@requirement(evidence=[PINNING])
def pinning_changes_no_container_in_place(subject: Subject) -> None:
    """A loader MUST NOT put pinned tensors into the containers that a collate_fn returned.

    They may be the user's own, a cache for one; the loader would fill it with memory that is
    scarce, and pin it again in the next epoch.
    """
    kept: list[dict[str, Any]] = []

    def cached(samples: list[int]) -> dict[str, Any]:
        kept.append({"x": [torch.tensor(samples)]})
        return kept[-1]

    with (
        subject.offer("accelerator")(add_a_hundred),
        subject.open(Identity(2), batch_size=2, collate_fn=cached, pin_memory=True) as loader,
    ):
        delivered = epoch(loader)
    in_the_cache = [plain(batch) for batch in kept]
    assert (delivered, in_the_cache) == ([{"x": [[100, 101]]}], [{"x": [[0, 1]]}])


@pinning_changes_no_container_in_place.mutant_loader
def replaces_the_tensors_in_a_batch(request: LoaderRequest, honest: Honest) -> Any:
    return PinningInPlace(honest(request.but(pin_memory=False)))


class PinningInPlace:
    """A loader that pins by putting pinned tensors into the batch; part of a mutant."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            batch["x"][0] = batch["x"][0].pin_memory()
            yield batch


@requirement(evidence=[DEPRECATED])
def pin_memory_device_is_deprecated(subject: Subject) -> None:
    """Given a pin_memory_device a loader SHOULD warn that it is out of use, and pin all the same.

    Pinned memory serves the accelerator that there is; whoever names another has to learn that it
    makes no difference, before a release in which it is an error.
    """
    with (
        subject.offer("accelerator")(add_a_hundred),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        with subject.open(Identity(2), pin_memory=True, pin_memory_device="cuda") as loader:
            delivered = epoch(loader)
    warned = any("pin_memory_device" in str(each.message) for each in caught)
    assert (delivered, warned) == ([[100], [101]], True)


@pin_memory_device_is_deprecated.mutant_loader
def takes_the_device_without_a_word(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(pin_memory_device=""))


@pin_memory_device_is_deprecated.mutant_loader
def takes_the_device_for_a_reason_not_to_pin(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(pin_memory=not request.pin_memory_device))
