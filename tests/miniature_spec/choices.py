"""What a loader may decline, and what users rely on."""

from collections.abc import Iterable
from typing import Any

from conformance import Identity, LoaderRequest, Subject, epoch, requirement

ISSUE = "https://example.org/issues/1"


@requirement(claims=["D1-003"])
def drop_last_drops_the_short_batch(subject: Subject) -> None:
    """With drop_last a loader MUST NOT deliver the short batch.

    A model with batch statistics breaks on it.
    """
    with subject.open(Identity(5), batch_size=2, drop_last=True) as loader:
        batches = epoch(loader)
    assert batches == [[0, 1], [2, 3]]


@drop_last_drops_the_short_batch.mutant
def adds_a_batch(request: LoaderRequest, batches: Iterable[Any]) -> list[Any]:
    return [*batches, [4]]


@requirement(evidence=[ISSUE])
def a_sampler_is_left_alone(subject: Subject) -> None:
    """A loader MUST leave the sampler that it is given as it is.

    Its owner goes on using it.
    """
    sampler = [2, 0, 1]
    with subject.open(Identity(3), sampler=sampler) as loader:
        delivered = epoch(loader)
    assert (delivered, sampler) == ([[2], [0], [1]], [2, 0, 1])


@a_sampler_is_left_alone.mutant_loader
def reverses_the_sampler(request: LoaderRequest, honest: Any) -> Any:
    if request.sampler is not None:
        request.sampler.reverse()  # type: ignore[attr-defined]
    return honest(request)
