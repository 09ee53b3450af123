"""How long a loader says that it is: the number of batches that an epoch delivers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Samples,
    Subject,
    epoch,
    flat,
    given,
    requirement,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
WRONG_LENGTH = "https://github.com/pytorch/pytorch/issues/36176"

sizes = st.integers(0, 40)
batch_sizes = st.integers(1, 12)


@dataclass(frozen=True)
class Claiming:
    """A loader, for mutants, that claims a length of its own."""

    loader: Any
    length: int

    def __iter__(self) -> Iterator[Any]:
        return iter(self.loader)

    def __len__(self) -> int:
        return self.length


@requirement(evidence=[DOCS, WRONG_LENGTH])
@given(size=sizes, batch_size=batch_sizes)
def length_is_the_number_of_batches(subject: Subject, size: int, batch_size: int) -> None:
    """With len a loader MUST give the number of batches that it delivers.

    Learning rate schedules and progress bars are laid out by it before the first batch.
    """
    with subject.open(Identity(size), batch_size=batch_size) as loader:
        length, delivered = len(loader), len(epoch(loader))
    batches = (size + batch_size - 1) // batch_size
    assert (length, delivered) == (batches, batches)


@length_is_the_number_of_batches.mutant_loader
def counts_full_batches_only(request: LoaderRequest, honest: Honest) -> Any:
    return Claiming(honest(request), len(request.dataset) // (request.batch_size or 1))


@length_is_the_number_of_batches.mutant_loader
def counts_one_batch_more_always(request: LoaderRequest, honest: Honest) -> Any:
    return Claiming(honest(request), len(request.dataset) // (request.batch_size or 1) + 1)


@length_is_the_number_of_batches.mutant_loader
def counts_samples(request: LoaderRequest, honest: Honest) -> Any:
    return Claiming(honest(request), len(request.dataset))


@requirement(evidence=[DOCS, WRONG_LENGTH])
@given(size=sizes, batch_size=batch_sizes)
def length_leaves_out_the_dropped_batch(subject: Subject, size: int, batch_size: int) -> None:
    """With drop_last the length of a loader MUST be the number of full batches.

    A schedule that counts the dropped batch never reaches its end.
    """
    with subject.open(Identity(size), batch_size=batch_size, drop_last=True) as loader:
        length, delivered = len(loader), len(epoch(loader))
    assert (length, delivered) == (size // batch_size, size // batch_size)


@length_leaves_out_the_dropped_batch.mutant_loader
def counts_the_dropped_batch(request: LoaderRequest, honest: Honest) -> Any:
    return Claiming(honest(request), -(-len(request.dataset) // (request.batch_size or 1)))


@requirement(evidence=[DOCS])
@given(size=sizes)
def length_without_batching_is_the_number_of_samples(subject: Subject, size: int) -> None:
    """With batch_size=None the length of a loader MUST be the number of samples.

    One sample is one step then, and steps are what a length is asked for.
    """
    with subject.open(Identity(size), batch_size=None) as loader:
        length, delivered = len(loader), len(epoch(loader))
    assert (length, delivered) == (size, size)


@length_without_batching_is_the_number_of_samples.mutant_loader
def counts_unbatched_samples_as_one_batch(request: LoaderRequest, honest: Honest) -> Any:
    return Claiming(honest(request), min(len(request.dataset), 1))


@requirement(evidence=[DOCS])
@given(indices=st.lists(st.integers(0, 9), max_size=30), batch_size=batch_sizes)
def length_follows_the_sampler(subject: Subject, indices: list[int], batch_size: int) -> None:
    """With a sampler the length of a loader MUST be reckoned from the sampler, not the dataset.

    A sampler draws a part of the dataset, or parts of it repeatedly.
    """
    with subject.open(Identity(10), batch_size=batch_size, sampler=indices) as loader:
        length, delivered = len(loader), len(epoch(loader))
    batches = (len(indices) + batch_size - 1) // batch_size
    assert (length, delivered) == (batches, batches)


@length_follows_the_sampler.mutant_loader
def reckons_from_the_dataset(request: LoaderRequest, honest: Honest) -> Any:
    return Claiming(honest(request), len(honest(request.but(sampler=None))))


@requirement(evidence=[DOCS])
@given(size=sizes, more=st.integers(0, 20))
def length_follows_a_growing_dataset(subject: Subject, size: int, more: int) -> None:
    """When a dataset has grown since an epoch, length and next epoch MUST have grown with it.

    Active learning and replay add samples; what is never seen is not learnt.
    """
    samples = list(range(size))
    with subject.open(Samples(samples), batch_size=3) as loader:
        before = len(loader), flat(epoch(loader))
        samples.extend(range(size, size + more))
        after = len(loader), flat(epoch(loader))
    assert (before, after) == (
        ((size + 2) // 3, list(range(size))),
        ((size + more + 2) // 3, list(range(size + more))),
    )


@length_follows_a_growing_dataset.mutant_loader
def reckons_its_length_when_built(request: LoaderRequest, honest: Honest) -> Any:
    loader = honest(request)
    return Claiming(loader, len(loader))


@length_follows_a_growing_dataset.mutant_loader
def settles_its_indices_when_built(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=range(len(request.dataset))))


@length_follows_a_growing_dataset.mutant_loader
def copies_the_dataset_when_built(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=Samples(list(request.dataset.samples))))
