"""Which samples an epoch delivers."""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from conformance import Identity, LoaderRequest, Subject, epoch, flat, given, requirement


@requirement(claims=["D1-001"])
@given(size=st.integers(0, 12), batch_size=st.integers(1, 4))
def an_epoch_is_the_dataset(subject: Subject, size: int, batch_size: int) -> None:
    """An epoch MUST deliver every sample of the dataset, in order.

    A sample lost spoils a training unseen.
    """
    with subject.open(Identity(size), batch_size=batch_size) as loader:
        delivered = flat(epoch(loader))
    assert delivered == list(range(size))


@an_epoch_is_the_dataset.mutant
def loses_the_first_batch(request: LoaderRequest, batches: Iterable[Any]) -> list[Any]:
    return list(batches)[1:]


@requirement(claims=["D1-001", "D1-002"])
def four_samples_make_two_pairs(subject: Subject) -> None:
    """Four samples with batch_size=2 MUST make two pairs.

    It is the smallest example there is.
    """
    with subject.open(Identity(4), batch_size=2) as loader:
        batches = epoch(loader)
    subject.observe(f"delivers a {type(batches[0]).__name__}" if batches else "delivers nothing")
    assert batches == [[0, 1], [2, 3]]


@four_samples_make_two_pairs.mutant
def loses_the_last_batch(request: LoaderRequest, batches: Iterable[Any]) -> list[Any]:
    return list(batches)[:-1]


@requirement(claims=["D1-002"])
def the_length_is_the_number_of_batches(subject: Subject) -> None:
    """The length SHOULD be the number of batches.

    A progress bar needs it.
    """
    with subject.open(Identity(5), batch_size=2) as loader:
        length = len(loader)
    assert length == 3


@the_length_is_the_number_of_batches.mutant_loader
def forgets_the_short_batch(request: LoaderRequest, honest: Any) -> Any:
    return honest(request.but(dataset=Identity(len(request.dataset) - 1)))
