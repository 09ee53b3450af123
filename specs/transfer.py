"""Pinned memory: what of a batch is pinned, and what becomes of it where nothing can be.

An accelerator copies from page-locked memory while the host goes on, so a loader with
pin_memory=True delivers its batches there. Here it is a simulated one: to pin a tensor is to add
100 to it, so that a batch shows what in it was pinned, and how often.
"""

import logging
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import torch

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Samples,
    Subject,
    epoch,
    has_accelerator,
    requirement,
    typed,
)

PINNING = "https://docs.pytorch.org/docs/stable/data.html#memory-pinning"
OWN_BATCHES = "https://github.com/pytorch/pytorch/issues/82185"
KINDS = "https://github.com/pytorch/pytorch/issues/32150"
WORKERS = (0, 2)


def add_a_hundred(tensor: torch.Tensor) -> torch.Tensor:
    return tensor + 100


def where_nothing_can_be_pinned(subject: Subject) -> AbstractContextManager[None]:
    """Return a context in which there is no accelerator, for a machine that has one."""
    return subject.offer("accelerator")(None) if has_accelerator() else nullcontext()


class Heard(logging.Handler):
    """What is logged as a warning, or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what it says."""
        self.texts.append(record.getMessage())


@contextmanager
def warned() -> Iterator[list[str]]:
    """Yield what is warned of, when it is over: by Python's warnings, or in a log."""
    told: list[str] = []
    heard = Heard()
    logging.getLogger().addHandler(heard)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield told
    finally:
        logging.getLogger().removeHandler(heard)
    told += [*heard.texts, *(str(each.message) for each in caught)]


def pinned(subject: Subject, dataset: Any, **options: Any) -> list[Any]:
    """Return an epoch of batches, values with their types, where there is an accelerator."""
    accelerator = subject.offer("accelerator")
    with accelerator(add_a_hundred), subject.open(dataset, pin_memory=True, **options) as loader:
        return [typed(batch) for batch in loader]


def longs(*numbers: int) -> tuple[str, list[int]]:
    """Return what `typed` makes of a tensor of these numbers."""
    return "torch.int64", list(numbers)


@requirement(claims=["D1-083"], evidence=[PINNING])
def pin_memory_is_no_obstacle_where_nothing_can_be_pinned(subject: Subject) -> None:
    """Without an accelerator a loader MUST deliver with pin_memory=True what it delivers without.

    The same script runs on a laptop, in a test and on a machine with eight devices.
    """
    epochs = []
    with where_nothing_can_be_pinned(subject), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for workers in WORKERS:
            with subject.open(
                Identity(5), batch_size=2, pin_memory=True, num_workers=workers
            ) as loader:
                epochs.append(epoch(loader))
    assert epochs == [[[0, 1], [2, 3], [4]]] * 2


@pin_memory_is_no_obstacle_where_nothing_can_be_pinned.mutant_loader
def refuses_to_pin_in_vain(request: LoaderRequest, honest: Honest) -> Any:
    if request.pin_memory:
        raise RuntimeError("there is no accelerator")
    return honest(request)


@pin_memory_is_no_obstacle_where_nothing_can_be_pinned.mutant_loader
def delivers_only_what_it_can_pin(request: LoaderRequest, honest: Honest) -> Any:
    return [] if request.pin_memory else honest(request)


@requirement(claims=["D1-083"], evidence=[PINNING])
def pinning_in_vain_is_told(subject: Subject) -> None:
    """Without an accelerator a loader MUST warn of pin_memory=True, and deliver all the same.

    Whoever asked for pinned batches expects fast copies, and would look everywhere for the reason.
    """
    told = []
    with where_nothing_can_be_pinned(subject):
        for wanted in (True, False):
            with warned() as texts, subject.open(Identity(2), pin_memory=wanted) as loader:
                delivered = epoch(loader)
            told.append((delivered, any("pin_memory" in text for text in texts)))
    assert told == [([[0], [1]], True), ([[0], [1]], False)]


@pinning_in_vain_is_told.mutant_loader
def does_not_mention_it(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(pin_memory=False))


class Pair(NamedTuple):
    """A sample, and the batch of such samples."""

    image: Any
    label: Any


class Record(OrderedDict[str, Any]):
    """A mapping of the user's own."""


SAMPLES = [
    {"image": torch.tensor([n, n]), "of": [Pair(n, {"deep": torch.tensor(n)}), f"number {n}"]}
    for n in range(3)
]


@requirement(claims=["D1-083", "D2-028", "D2-046"], evidence=[PINNING])
def every_tensor_of_a_batch_is_pinned(subject: Subject) -> None:
    """With pin_memory=True a loader MUST pin each tensor of a batch once, however deep it lies.

    A batch is copied field by field, and the one that is not pinned makes the host wait for all
    that is under way. What is no tensor stays what it is.
    """
    epochs = [
        pinned(subject, Samples(SAMPLES), batch_size=2, num_workers=workers) for workers in WORKERS
    ]
    first = {
        "image": ("torch.int64", [[100, 100], [101, 101]]),
        "of": [Pair(longs(100, 101), {"deep": longs(100, 101)}), ["number 0", "number 1"]],
    }
    last = {
        "image": ("torch.int64", [[102, 102]]),
        "of": [Pair(longs(102), {"deep": longs(102)}), ["number 2"]],
    }
    assert epochs == [[first, last], [first, last]]


@every_tensor_of_a_batch_is_pinned.mutant_loader
def does_not_pin(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(pin_memory=False))


@every_tensor_of_a_batch_is_pinned.mutant_loader
def pins_only_the_top_level(request: LoaderRequest, honest: Honest) -> Any:
    return OfTheTopLevel(honest(request.but(pin_memory=False)))


class OfTheTopLevel:
    """A loader that pins the tensors that a batch holds itself; part of a mutant."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            yield {
                key: value.pin_memory() if isinstance(value, torch.Tensor) else value
                for key, value in batch.items()
            }


@every_tensor_of_a_batch_is_pinned.mutant
def pins_twice(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        yield {**batch, "image": batch["image"].pin_memory()}


def as_record(samples: list[int]) -> Record:
    return Record(numbers=torch.tensor(samples), name="a record")


def as_pair(samples: list[int]) -> Pair:
    return Pair((torch.tensor(samples),), [torch.tensor(samples)])


@requirement(evidence=[PINNING, KINDS])
def pinning_keeps_the_kinds_of_containers(subject: Subject) -> None:
    """A loader MUST keep the type of a mapping, tuple, named tuple or list when it pins.

    A batch's fields are used by name; a training that works without pin_memory has to with it.
    """
    kinds = []
    for collate in (as_record, as_pair):
        with (
            subject.offer("accelerator")(add_a_hundred),
            subject.open(Identity(2), batch_size=2, collate_fn=collate, pin_memory=True) as loader,
        ):
            kinds += [shape_of(batch) for batch in loader]
    assert kinds == [
        ("Record", ["Tensor [100, 101]", "str"]),
        ("Pair", [("tuple", ["Tensor [100, 101]"]), ("list", ["Tensor [100, 101]"])]),
    ]


def shape_of(value: Any) -> Any:
    """Return the kinds of containers, and what tensors hold."""
    kind = type(value).__name__
    if isinstance(value, torch.Tensor):
        return f"{kind} {value.tolist()}"
    if isinstance(value, Mapping):
        return kind, [shape_of(each) for each in value.values()]
    return (kind, [shape_of(each) for each in value]) if isinstance(value, list | tuple) else kind


@pinning_keeps_the_kinds_of_containers.mutant
def makes_dicts_of_mappings(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        yield dict(batch) if isinstance(batch, Mapping) else batch


@pinning_keeps_the_kinds_of_containers.mutant
def makes_tuples_of_named_ones(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        yield tuple(batch) if isinstance(batch, tuple) else batch


class Own(list[Any]):
    """A batch of the user's own, which is a container besides, and knows how to pin itself."""

    def pin_memory(self) -> "Own":
        """Return the pinned batch."""
        return Own([*self, "pinned by its own method"])


def as_own(samples: list[int]) -> list[Any]:
    return [Own([torch.tensor(samples)])]


@requirement(evidence=[PINNING, OWN_BATCHES])
def what_pins_itself_is_left_to_do_so(subject: Subject) -> None:
    """A loader MUST pin an object that has a method pin_memory by delivering what that returns.

    Graphs, packed sequences and whatever else a collate_fn makes are pinned in this way alone.
    """
    epochs = [
        pinned(subject, Identity(2), batch_size=2, collate_fn=as_own, num_workers=workers)
        for workers in WORKERS
    ]
    assert epochs == [[[[longs(0, 1), "pinned by its own method"]]]] * 2


@what_pins_itself_is_left_to_do_so.mutant_loader
def pins_what_is_in_it_instead(request: LoaderRequest, honest: Honest) -> Any:
    return PinningTheInside(honest(request.but(pin_memory=False)))


class PinningTheInside:
    """A loader that takes every list for a container; part of a mutant."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        for ((tensor,),) in self.loader:
            yield [Own([tensor.pin_memory()])]


@what_pins_itself_is_left_to_do_so.mutant
def delivers_the_object_that_it_asked(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    for batch in batches:
        yield [Own(own[:-1]) for own in batch]


@requirement(claims=["D1-086"], evidence=[PINNING])
def nothing_is_pinned_unasked(subject: Subject) -> None:
    """Without pin_memory a loader MUST NOT pin what it delivers.

    Pinned memory is taken from all that runs on a machine, and getting it takes long.
    """
    epochs = []
    with subject.offer("accelerator")(add_a_hundred):
        for workers in WORKERS:
            with subject.open(Identity(3), batch_size=2, num_workers=workers) as loader:
                epochs.append(epoch(loader))
    assert epochs == [[[0, 1], [2]]] * 2


@nothing_is_pinned_unasked.mutant_loader
def pins_because_it_can(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(pin_memory=True))
