"""Batch samplers decide on whole batches: what is in each, in which order, and how many there are.

What the other arguments mean beside one is in the chapter on precedence.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance import (
    Honest,
    Identity,
    Iterated,
    LoaderRequest,
    Subject,
    epoch,
    given,
    plain,
    requirement,
)

DOCUMENTATION = "https://docs.pytorch.org/docs/stable/data.html"
SIZE = 10

lists_of_batches = st.lists(st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=6), max_size=8)


@requirement(claims=["D1-072", "D1-073", "D1-074", "D1-075"])
@given(batches=lists_of_batches)
def a_batch_sampler_decides_every_batch(subject: Subject, batches: list[list[int]]) -> None:
    """With a batch sampler a loader MUST make each batch of the samples listed, in list order.

    Sentences of like length, or pictures of one person, are put together with care; each list is a
    batch, as long as the list is.
    """
    with subject.open(Identity(SIZE), batch_sampler=batches) as loader:
        came = epoch(loader)
    assert came == batches


@a_batch_sampler_decides_every_batch.mutant
def sorts_each_batch(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    yield from (batch.sort().values for batch in batches)


@a_batch_sampler_decides_every_batch.mutant_loader
def takes_an_empty_batch_sampler_for_none(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(batch_sampler=request.batch_sampler or None))


@a_batch_sampler_decides_every_batch.mutant
def cuts_batches_to_the_length_of_the_first(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    lengths: list[int] = []
    for batch in batches:
        lengths.append(len(batch))
        yield from batch.split(lengths[0])


@a_batch_sampler_decides_every_batch.mutant
def drops_a_batch_of_one(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    yield from (batch for batch in batches if len(batch) > 1)


@requirement(claims=["D1-073", "D1-074"], evidence=[DOCUMENTATION])
def any_sequence_of_indices_is_a_batch(subject: Subject) -> None:
    """As batch sampler a loader MUST take any iterable of sequences of any type.

    Batch samplers are made with numpy, with zip, or as generators.
    """
    came = []
    for batches in (
        [[3, 8, 1, 5], [9, 2, 0, 4]],
        ((3, 8, 1, 5), (9, 2, 0, 4)),
        np.array([[3, 8, 1, 5], [9, 2, 0, 4]]),
        Iterated(lambda: zip((3, 9), (8, 2), (1, 0), (5, 4), strict=True)),
        iter([range(3, 6), range(2)]),
    ):
        with subject.open(Identity(SIZE), batch_sampler=batches) as loader:
            came.append(epoch(loader))
    assert came == [[[3, 8, 1, 5], [9, 2, 0, 4]]] * 4 + [[[3, 4, 5], [0, 1]]]


@any_sequence_of_indices_is_a_batch.mutant_loader
def takes_lists_only_for_batches(request: LoaderRequest, honest: Honest) -> Any:
    batches: Any = request.batch_sampler

    def begin() -> Iterator[Any]:
        yield from (batch if isinstance(batch, list) else [batch[0]] for batch in batches)

    return honest(request.but(batch_sampler=Iterated(begin)))


@any_sequence_of_indices_is_a_batch.mutant_loader
def needs_a_length(request: LoaderRequest, honest: Honest) -> Any:
    batches: Any = request.batch_sampler
    return honest(request if hasattr(batches, "__len__") else request.but(batch_sampler=None))


@requirement(claims=["D1-072"])
@given(size=st.integers(1, 6), taken=st.integers(1, 4))
def batches_are_drawn_one_by_one(subject: Subject, size: int, taken: int) -> None:
    """Without workers a loader MUST NOT draw more from a batch sampler than the batches asked for.

    It may be endless, or choose the next batch by how the last one was learnt.
    """
    drawn: list[int] = []

    def begin() -> Iterator[list[int]]:
        for number in range(1000):  # an end for loaders that draw everything first
            drawn.append(number)
            yield [number % SIZE] * size

    with subject.open(Identity(SIZE), batch_sampler=Iterated(begin)) as loader:
        came = [plain(batch) for batch in islice(loader, taken)]
    assert came == [[number] * size for number in range(taken)]
    assert drawn == list(range(taken))


@batches_are_drawn_one_by_one.mutant
def draws_a_batch_ahead(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    rest = iter(batches)
    batch = next(rest)
    for following in rest:
        yield batch
        batch = following
    yield batch


@batches_are_drawn_one_by_one.mutant_loader
def lists_all_batches_first(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(batch_sampler=list(request.batch_sampler or [])))


class Claiming:
    """A loader for mutants: it delivers what another does, and claims a length."""

    def __init__(self, loader: Any, length: int) -> None:
        self.loader = loader
        self.length = length

    def __iter__(self) -> Iterator[Any]:
        return iter(self.loader)

    def __len__(self) -> int:
        return self.length


@requirement(claims=["D1-075"], evidence=[DOCUMENTATION])
@given(batches=lists_of_batches)
def a_batch_sampler_decides_the_length(subject: Subject, batches: list[list[int]]) -> None:
    """With a batch sampler the length of a loader MUST be the number of its batches.

    Learning-rate schedules count on it; neither the dataset's length nor batch_size says it here.
    """
    with subject.open(Identity(SIZE), batch_sampler=batches) as loader:
        length, came = len(loader), epoch(loader)
    assert (length, came) == (len(batches), batches)


@a_batch_sampler_decides_the_length.mutant_loader
def reckons_from_the_dataset(request: LoaderRequest, honest: Honest) -> Any:
    return Claiming(honest(request), len(request.dataset))


@a_batch_sampler_decides_the_length.mutant_loader
def counts_samples(request: LoaderRequest, honest: Honest) -> Any:
    return Claiming(honest(request), sum(map(len, request.batch_sampler or [])))
