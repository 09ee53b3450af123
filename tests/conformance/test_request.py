"""A request is a value that says what is asked and what that needs."""

import dataclasses
import inspect
from collections.abc import Iterator

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset

from conformance.capability import Capability
from conformance.datasets import Identity
from conformance.request import LoaderRequest
from conformance.troubles import Troubled


class Stream(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(3))


def test_the_parameters_are_torch_s_in_order_and_with_its_defaults() -> None:
    ours = inspect.signature(LoaderRequest).parameters.values()
    theirs = [
        parameter
        for parameter in inspect.signature(DataLoader).parameters.values()
        if parameter.name in set(Capability)
    ]
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


def test_only_what_differs_from_the_default_is_given() -> None:
    assert LoaderRequest([1]).given() == {}
    assert LoaderRequest([1], batch_size=1, shuffle=None).given() == {}
    assert LoaderRequest([1], batch_size=2, shuffle=False).given() == {
        "batch_size": 2,
        "shuffle": False,
    }


def test_what_equals_a_default_without_being_it_is_given() -> None:
    """True is not 1 to a loader that checks types."""
    assert LoaderRequest([1], batch_size=True).given() == {"batch_size": True}


def test_a_tensor_can_be_asked_for() -> None:
    sampler = torch.arange(3)
    assert LoaderRequest([1], sampler=sampler).given() == {"sampler": sampler}


@pytest.mark.parametrize(
    ("request_", "needs"),
    [
        (LoaderRequest(Identity(3)), {"dataset"}),
        (LoaderRequest(Stream()), {"iterable_dataset"}),
        (LoaderRequest(Identity(3), batch_size=None), {"dataset", "batch_size", "unbatched"}),
        (LoaderRequest(Stream(), num_workers=2), {"iterable_dataset", "num_workers"}),
        (LoaderRequest(Identity(3), num_workers=0), {"dataset"}),
        (LoaderRequest(Troubled(3, 1, int)), {"dataset", "lazy_dataset"}),
        (LoaderRequest(Identity(0)), {"dataset", "empty_dataset"}),
    ],
)
def test_needs_follow_from_what_is_asked(request_: LoaderRequest, needs: set[str]) -> None:
    assert request_.needs() == {Capability(need) for need in needs}


def test_another_request_is_made_of_one() -> None:
    request = LoaderRequest(Identity(3), batch_size=2)
    assert request.but(shuffle=True) == LoaderRequest(Identity(3), 2, shuffle=True)
    assert request == LoaderRequest(Identity(3), batch_size=2)


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        LoaderRequest([1]).batch_size = 3  # type: ignore[misc]


def test_a_request_reads_as_a_call() -> None:
    request = LoaderRequest(Identity(3), batch_size=2, drop_last=True)
    assert str(request) == "Loader(Identity(size=3), batch_size=2, drop_last=True)"
