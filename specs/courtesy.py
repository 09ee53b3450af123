"""What code around a loader takes for granted: it can be read and asked, and leaves no traces.

The documents do not mention it, as nobody thinks of it until a loader fails to do it.
"""

import builtins
import functools
import multiprocessing
import random
import warnings
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.utils.data
from torch.utils.data import IterableDataset

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Samples,
    Subject,
    epoch,
    flat,
    plain,
    requirement,
)

TORCH_DATA = "https://docs.pytorch.org/docs/stable/data.html"


@dataclass
class Stream(IterableDataset[int]):
    """A stream that does not say how long it is."""

    size: int

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.size))


class Measured:
    """An honest loader with another idea of its length; part of mutants."""

    def __init__(self, loader: Any, length: Callable[[], int]) -> None:
        self.loader = loader
        self.length = length

    def __len__(self) -> int:
        return self.length()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.loader)


def public_parts() -> dict[str, Any]:
    """Return everything public in the libraries that a loader shares with its user."""
    shared = (builtins, random, multiprocessing, np, np.random, torch, torch.utils.data)
    return {
        f"{module.__name__}.{name}": value
        for module in shared
        for name, value in vars(module).items()
        if not name.startswith("_")
    }


def global_settings() -> dict[str, Any]:
    """Return what a library lets anyone set for everyone in the process."""
    return {
        "numpy's handling of errors": np.geterr(),
        "start method": multiprocessing.get_start_method(allow_none=True),
        "torch's default type": str(torch.get_default_dtype()),
        "torch's gradients": torch.is_grad_enabled(),
        "torch's threads": torch.get_num_threads(),
        "warning filters": list(warnings.filters),
    }


@requirement(evidence=[TORCH_DATA])
def the_libraries_stay_as_they_were(subject: Subject) -> None:
    """In the libraries that it shares with its user a loader MUST NOT replace any public part.

    A patched torch.randperm or print changes what the rest of the program does, and two loaders
    that patch the same part break each other.
    """
    before = public_parts()
    with subject.open(Identity(6), batch_size=2, shuffle=True) as loader:
        delivered = sorted(flat(epoch(loader)))
    after = public_parts()
    replaced = [name for name, part in before.items() if after.get(name) is not part]
    assert (delivered, replaced) == ([0, 1, 2, 3, 4, 5], [])


@the_libraries_stay_as_they_were.mutant
def wraps_random_shuffle(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    vars(random)["shuffle"] = functools.partial(random.shuffle)
    yield from batches


@the_libraries_stay_as_they_were.mutant_loader
def wraps_print_for_its_own_log(request: LoaderRequest, honest: Honest) -> Any:
    vars(builtins)["print"] = functools.partial(print)
    return honest(request)


@requirement(evidence=[TORCH_DATA])
def the_settings_stay_as_they_were(subject: Subject) -> None:
    """Of the settings that hold for the whole process a loader MUST NOT leave any changed.

    Fewer threads slow the model down, other warnings or a start method surprise code far away, and
    nothing there points at the loader.
    """
    before = global_settings()
    with subject.open(Identity(6), batch_size=2, shuffle=True) as loader:
        delivered = sorted(flat(epoch(loader)))
    after = global_settings()
    assert delivered == [0, 1, 2, 3, 4, 5]
    assert after == before


@the_settings_stay_as_they_were.mutant
def switches_how_numpy_reports_overflow(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    # To and fro, so that it bites however often it has run before.
    np.seterr(over="ignore" if np.geterr()["over"] == "warn" else "warn")
    yield from batches


@requirement(evidence=[TORCH_DATA])
def what_it_is_given_stays_as_it_was(subject: Subject) -> None:
    """Of the dataset, sampler and batch_sampler that it is given a loader MUST NOT change any.

    They are used again: in the next epoch, by another loader, or to look up what a batch came from.
    """
    samples = [torch.tensor([index]) for index in range(4)]
    dataset, order, groups = Samples(samples), [3, 1, 2], [[0, 1], [3]]
    with subject.open(dataset, batch_size=2, sampler=order) as loader:
        in_order = epoch(loader)
    with subject.open(dataset, batch_sampler=groups) as loader:
        in_groups = epoch(loader)
    assert (in_order, in_groups) == ([[[3], [1]], [[2]]], [[[0], [1]], [[3]]])
    assert (order, groups) == ([3, 1, 2], [[0, 1], [3]])
    assert (list(vars(dataset)), plain(samples)) == (["samples"], [[0], [1], [2], [3]])


@what_it_is_given_stays_as_it_was.mutant
def uses_up_the_batch_sampler(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    yield from batches
    if isinstance(request.batch_sampler, list):
        request.batch_sampler.clear()


@what_it_is_given_stays_as_it_was.mutant
def sorts_the_sampler(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    yield from batches
    if isinstance(request.sampler, list):
        request.sampler.sort()


@what_it_is_given_stays_as_it_was.mutant_loader
def notes_the_length_on_the_dataset(request: LoaderRequest, honest: Honest) -> Any:
    request.dataset.length = len(request.dataset)
    return honest(request)


@what_it_is_given_stays_as_it_was.mutant
def adds_up_in_the_memory_of_a_sample(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    yield from batches
    request.dataset.samples[2].add_(request.dataset.samples[1])


@requirement(evidence=[TORCH_DATA])
def the_dataset_and_the_batching_can_be_read(subject: Subject) -> None:
    """As attributes a loader SHOULD have its dataset, batch_size, drop_last and num_workers.

    Training loops count samples by len(loader.dataset), and trainers rebuild a loader from these.
    """
    dataset = Identity(5)
    with subject.open(dataset, batch_size=2, drop_last=True) as loader:
        same = getattr(loader, "dataset", None) is dataset
        names = ("batch_size", "drop_last", "num_workers")
        read = {name: getattr(loader, name, "missing") for name in names}
    assert same
    assert read == {"batch_size": 2, "drop_last": True, "num_workers": 0}


@the_dataset_and_the_batching_can_be_read.mutant_loader
def keeps_a_copy_of_the_dataset(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=copy(request.dataset)))


@the_dataset_and_the_batching_can_be_read.mutant_loader
def shows_the_default_of_drop_last(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=False))


@requirement(evidence=[TORCH_DATA])
def samplers_and_functions_can_be_read(subject: Subject) -> None:
    """As attributes a loader SHOULD have its sampler, batch_sampler, collate_fn and generator.

    Who holds the loader calls loader.sampler.set_epoch, or seeds loader.generator, in each epoch.
    """
    order, groups, collate, generator = [2, 0], [[1], [0, 2]], list, torch.Generator()
    with subject.open(
        Identity(3), sampler=order, collate_fn=collate, generator=generator
    ) as loader:
        read = [getattr(loader, name, None) for name in ("sampler", "collate_fn", "generator")]
    with subject.open(Identity(3), batch_sampler=groups) as loader:
        read.append(getattr(loader, "batch_sampler", None))
    given = [order, collate, generator, groups]
    same = [one is other for one, other in zip(read, given, strict=True)]
    assert same == [True, True, True, True]


@samplers_and_functions_can_be_read.mutant_loader
def keeps_the_sampler_as_a_tuple(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request if request.sampler is None else request.but(sampler=(2, 0)))


@samplers_and_functions_can_be_read.mutant_loader
def hands_the_generator_on(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(generator=None))


@requirement(evidence=[TORCH_DATA])
def a_loader_with_batches_is_true(subject: Subject) -> None:
    """Asked for its truth value a loader over samples MUST be true.

    `if validation_loader:` is how scripts make a loader optional.
    """
    with subject.open(Identity(3)) as loader:
        truth = bool(loader)
    assert truth


@a_loader_with_batches_is_true.mutant_loader
def has_no_length_before_it_is_iterated(request: LoaderRequest, honest: Honest) -> Any:
    return Measured(honest(request), lambda: 0)


@requirement(evidence=["https://github.com/Lightning-AI/pytorch-lightning/issues/2955"])
def a_stream_without_length_makes_a_true_loader(subject: Subject) -> None:
    """Over a stream of unknown length a loader SHOULD be true when it is asked.

    Whether there is a loader is one question, how long it is another; only that has no answer here.
    """
    with subject.open(Stream(3)) as loader:
        delivered = epoch(loader)
        truth = bool(loader)
    assert (delivered, truth) == ([[0], [1], [2]], True)


@a_stream_without_length_makes_a_true_loader.mutant_loader
def asks_the_stream_for_its_length(request: LoaderRequest, honest: Honest) -> Any:
    return Measured(honest(request), lambda: len(request.dataset))


@a_stream_without_length_makes_a_true_loader.mutant_loader
def takes_an_unknown_length_for_none(request: LoaderRequest, honest: Honest) -> Any:
    return Measured(honest(request), lambda: 0)
