"""Hugging Face datasets' stream, as its adapter asks it."""

from itertools import islice

import pytest

from conformance.adapter import Adapter
from conformance.datasets import Identity, Watched, epoch, flat
from conformance.loaders import named
from conformance.request import LoaderRequest
from conformance.trace import Trace

pytest.importorskip(
    "datasets", reason="needs datasets: pip install 'dataloader-conformance[datasets-iterable]'"
)


@pytest.fixture
def adapter() -> Adapter:
    return named("datasets-iterable")


def test_it_fetches_what_a_batch_needs(adapter: Adapter) -> None:
    with Trace() as trace, adapter.open(LoaderRequest(Watched(9, trace), batch_size=2)) as loader:
        assert trace.keys() == []
        assert len(list(islice(loader, 2))) == 2
        assert trace.keys() == [0, 1, 2, 3]


def test_epochs_are_numbered_and_shuffled_each(adapter: Adapter) -> None:
    with adapter.open(LoaderRequest(Identity(20), batch_size=4, shuffle=True)) as loader:
        orders = [flat(epoch(loader)) for _ in range(3)]
    assert [sorted(order) for order in orders] == [list(range(20))] * 3
    assert len({str(order) for order in orders}) == 3


def test_an_empty_dataset_has_an_empty_epoch(adapter: Adapter) -> None:
    with adapter.open(LoaderRequest(Identity(0), batch_size=2)) as loader:
        assert epoch(loader) == []
