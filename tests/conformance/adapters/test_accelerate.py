"""Accelerate's prepared loader behind its adapter."""

import pytest
from torch.utils.data import DataLoader

from conformance.datasets import Identity, plain
from conformance.loaders import named
from conformance.request import LoaderRequest
from conformance.troubles import Troubled, told

pytest.importorskip("accelerate", reason="pip install 'dataloader-conformance[accelerate]'")


def fail() -> None:
    raise ValueError("broken")


def test_it_delivers_what_is_asked_for() -> None:
    request = LoaderRequest(Identity(5), batch_size=2, drop_last=True)
    with named("accelerate").open(request) as loader:
        assert type(loader).__name__ == "DataLoaderShard"
        assert [plain(batch) for batch in loader] == [[0, 1], [2, 3]]


def test_its_signature_is_that_of_what_is_prepared() -> None:
    adapter = named("accelerate")
    assert adapter.called is DataLoader
    assert list(adapter.signature().parameters)[:3] == ["dataset", "batch_size", "shuffle"]


def test_an_error_takes_the_batch_before_it_along() -> None:
    with named("accelerate").open(LoaderRequest(Troubled(4, 2, fail))) as loader:
        assert told(iter(loader)) == [[0], "ValueError"]


def test_without_batches_the_sampler_is_left_behind() -> None:
    request = LoaderRequest(Identity(3), batch_size=None, sampler=[2, 0])
    with named("accelerate").open(request) as loader:
        assert list(loader) == [0, 1, 2]
