"""What becomes of a batch on its way from a worker: it arrives as it was made, and stays so."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import torch

from conformance import (
    LoaderRequest,
    Samples,
    Subject,
    flat,
    plain,
    requirement,
    typed,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
MIXED = "https://github.com/SvipRepetitionCounting/TransRAC/issues/17"
WITH_GRADIENT = "https://github.com/pytorch/pytorch/issues/82411"


def batches_of(subject: Subject, samples: list[Any], workers: int, **options: Any) -> list[Any]:
    """Return the batches of two of these samples each, with dtypes."""
    with subject.open(Samples(samples), batch_size=2, num_workers=workers, **options) as loader:
        return [typed(batch) for batch in loader]


class Point(NamedTuple):
    """A structured sample."""

    x: float
    y: Any


def kinds() -> list[Any]:
    """Return samples of many kinds, two of each, as batches are made of them by default."""
    grid = torch.arange(12.0).reshape(3, 4)
    return [
        *(1, 2**62),
        *(0.1, float("inf")),
        *(True, False),
        *("text", ""),
        *(b"bytes", b"\0"),
        *(torch.tensor(3), torch.tensor(4)),
        *(torch.zeros(0), torch.zeros(0)),
        *(grid.t(), grid.t() + 1),
        *(torch.zeros(1).expand(5), torch.ones(1).expand(5)),
        *(torch.ones(2, dtype=torch.bfloat16), torch.zeros(2, dtype=torch.bfloat16)),
        *(torch.tensor([1 + 2j]), torch.tensor([3j])),
        *(torch.tensor([True]), torch.tensor([False])),
        *(torch.tensor([255], dtype=torch.uint8), torch.tensor([0], dtype=torch.uint8)),
        *(np.float32(0.5), np.float32(1.5)),
        *(np.arange(3, dtype=np.int16), np.ones(3, dtype=np.int16)),
        *({"a": [1, "x"], "b": (2.0,)}, {"a": [3, "y"], "b": (4.0,)}),
        *(Point(1.5, torch.ones(2)), Point(2.5, torch.zeros(2))),
    ]


@requirement(claims=["D1-101"], evidence=[DOCS])
def batches_of_workers_are_as_those_of_the_main_process(subject: Subject) -> None:
    """Whatever the samples are, with workers a loader MUST deliver the batches it makes without.

    To add workers is to change one number; no value or dtype may change with it.
    """
    without = batches_of(subject, kinds(), 0)
    with_workers = batches_of(subject, kinds(), 2)
    assert (len(without), with_workers) == (17, without)


@batches_of_workers_are_as_those_of_the_main_process.mutant
def sends_floats_in_single_precision(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    for batch in batches:
        is_double = isinstance(batch, torch.Tensor) and batch.dtype == torch.float64
        yield batch.float() if is_double and request.num_workers else batch


@batches_of_workers_are_as_those_of_the_main_process.mutant
def sends_the_memory_of_a_tensor(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    for batch in batches:
        turned = isinstance(batch, torch.Tensor) and batch.dim() == 3 and request.num_workers
        yield batch.transpose(1, 2).contiguous().reshape(batch.shape) if turned else batch


@batches_of_workers_are_as_those_of_the_main_process.mutant
def sends_named_tuples_as_tuples(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    for batch in batches:
        yield tuple(batch) if isinstance(batch, Point) and request.num_workers else batch


def objects() -> list[Any]:
    """Return samples that only a collate_fn of the user's can batch."""
    return [
        *(None, {1, 2}, frozenset(), 3 + 4j, 10**30, ..., range(3), slice(1, 2)),
        *(Decimal("0.1"), Fraction(1, 3), ValueError("no error, a sample"), StopIteration),
    ]


@requirement(claims=["D1-026"], evidence=[DOCS])
def whatever_a_collate_fn_returns_arrives_from_a_worker(subject: Subject) -> None:
    """From a worker a loader MUST deliver whatever object collate_fn returns.

    A batch may hold graphs, sets or nothing; an exception in it is a sample and was not raised.
    """
    with subject.open(Samples(objects()), batch_size=2, num_workers=2, collate_fn=list) as loader:
        delivered = [repr(batch) for batch in loader]
    assert delivered == [repr(objects()[at : at + 2]) for at in range(0, 12, 2)]


@whatever_a_collate_fn_returns_arrives_from_a_worker.mutant
def takes_a_sample_for_the_end(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        if StopIteration in batch:
            return
        yield batch


@whatever_a_collate_fn_returns_arrives_from_a_worker.mutant
def raises_a_sample(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        for sample in batch:
            if isinstance(sample, ValueError):
                raise sample
        yield batch


@whatever_a_collate_fn_returns_arrives_from_a_worker.mutant
def leaves_out_what_is_nothing(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch for batch in batches if None not in batch)


@requirement(evidence=[DOCS, MIXED])
def tensors_of_several_dtypes_are_collated_alike_in_workers(subject: Subject) -> None:
    """Tensors of several dtypes in one batch MUST be collated in workers as in the main process.

    Which sample comes first is chance; a training that fails when an integer does, and only with
    workers, fails late and cannot be repeated.
    """
    samples = [torch.tensor([1]), torch.tensor([2.5]), torch.tensor([1.5]), torch.tensor([2])]
    without = batches_of(subject, samples, 0)
    with_workers = batches_of(subject, samples, 2)
    assert [values for _, values in without] == [[[1.0], [2.5]], [[1.5], [2.0]]]
    assert with_workers == without


@tensors_of_several_dtypes_are_collated_alike_in_workers.mutant
def has_the_dtype_of_the_first_sample(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    first, *rest = batches
    return [first.long() if request.num_workers else first, *rest]


@requirement(evidence=[DOCS, WITH_GRADIENT])
def tensors_that_require_a_gradient_come_from_workers_too(subject: Subject) -> None:
    """Samples that require a gradient MUST come in batches from workers as from the main process.

    A dataset of parameters or of embeddings works without workers; that it does not with them is
    found when a training is moved to a larger machine.
    """
    samples = [torch.tensor([1.0, 2.0], requires_grad=True) for _ in range(3)]
    without = batches_of(subject, samples, 0)
    with_workers = batches_of(subject, samples, 2)
    values = [[[1.0, 2.0]] * 2, [[1.0, 2.0]]]
    assert without == [("torch.float32", rows) for rows in values]
    assert with_workers == without


@tensors_that_require_a_gradient_come_from_workers_too.mutant
def refuses_what_requires_a_gradient(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    for batch in batches:
        if request.num_workers and all(s.requires_grad for s in request.dataset.samples):
            raise RuntimeError("cowardly refusing to send a tensor that requires a gradient")
        yield batch


@requirement(evidence=[DOCS])
def a_batch_that_is_kept_stays_as_it_was(subject: Subject) -> None:
    """Tensors that workers made MUST keep their content while later batches come, and afterwards.

    Whoever gathers targets or predictions over an epoch keeps batches; memory that is used again,
    or that ends with its worker, changes what was gathered.
    """
    samples = [torch.full((5000,), float(index)) for index in range(24)]
    with subject.open(Samples(samples), batch_size=2, num_workers=2, prefetch_factor=1) as loader:
        iterator = iter(loader)
        kept = list(iterator)
        del iterator
    del loader
    contents = [sorted(set(map(repr, flat(plain(batch))))) for batch in kept]
    assert contents == [[repr(2.0 * pair), repr(2.0 * pair + 1)] for pair in range(12)]


@a_batch_that_is_kept_stays_as_it_was.mutant
def makes_later_batches_in_the_same_memory(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    slots: list[Any] = []
    for number, batch in enumerate(batches):
        slots.append(batch)
        if number >= 4:
            slots[number % 4].copy_(batch)
        yield slots[number % 4]


@a_batch_that_is_kept_stays_as_it_was.mutant
def takes_memory_back_at_the_end(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    delivered = []
    for batch in batches:
        delivered.append(batch)
        yield batch
    for batch in delivered:
        batch.zero_()
