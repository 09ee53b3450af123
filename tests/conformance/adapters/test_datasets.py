"""Hugging Face datasets' table, as its adapter asks it."""

from typing import Any

import pytest
import torch

from conformance.adapter import Adapter
from conformance.capability import Capability
from conformance.datasets import Identity, Samples, epoch, flat
from conformance.loaders import named
from conformance.request import LoaderRequest

pytest.importorskip(
    "datasets", reason="needs datasets: pip install 'dataloader-conformance[datasets]'"
)


@pytest.fixture
def adapter() -> Adapter:
    return named("datasets")


@pytest.mark.parametrize(
    ("samples", "delivered"),
    [
        ([0, 1, 2], [[0, 1], [2]]),
        ([(torch.ones(2), 7)], [[[[1.0, 1.0]], [7]]]),
        ([{"a": 1}, {"a": 2}], [{"a": [1, 2]}]),
    ],
)
def test_columns_are_taken_out_of_the_batches_again(
    adapter: Adapter, samples: list[Any], delivered: list[Any]
) -> None:
    with adapter.open(LoaderRequest(Samples(samples), batch_size=2)) as loader:
        assert [epoch(loader), epoch(loader)] == [delivered] * 2


def test_a_shuffle_is_one_of_the_table(adapter: Adapter) -> None:
    with adapter.open(LoaderRequest(Identity(20), batch_size=4, shuffle=True)) as loader:
        first, second = flat(epoch(loader)), flat(epoch(loader))
    assert first == second != list(range(20))


def test_what_is_declared_of_bytes_is_so(adapter: Adapter) -> None:
    with adapter.open(LoaderRequest(Samples([b"x\0", b"yz"]), batch_size=2)) as loader:
        assert epoch(loader) == [[b"x", b"yz"]]


def test_as_it_copies_a_dataset_it_claims_no_lazy_one(adapter: Adapter) -> None:
    assert Capability.LAZY_DATASET not in adapter.capabilities
