"""webdataset's WebLoader, as its adapter asks it: shards in a folder, or a stream."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.utils.data import IterableDataset

from conformance.adapter import Adapter
from conformance.capability import Capability
from conformance.datasets import Identity, Samples, epoch, flat
from conformance.loaders import named
from conformance.request import LoaderRequest

pytest.importorskip(
    "webdataset", reason="needs webdataset: pip install 'dataloader-conformance[webdataset]'"
)


class Numbers(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(5))


@pytest.fixture
def adapter() -> Adapter:
    return named("webdataset")


def test_samples_come_out_of_the_shards_as_they_went_in(adapter: Adapter) -> None:
    with adapter.open(LoaderRequest(Identity(5), batch_size=2)) as loader:
        assert [epoch(loader), epoch(loader)] == [[[0, 1], [2, 3], [4]]] * 2
    pairs = Samples([(torch.ones(2), "a"), (torch.zeros(2), "b")])
    with adapter.open(LoaderRequest(pairs, batch_size=2)) as loader:
        assert [list(batch) for batch in epoch(loader)] == [[[[1.0, 1.0], [0.0, 0.0]], ["a", "b"]]]


def test_the_folder_is_there_for_as_long_as_the_loader(adapter: Adapter) -> None:
    with adapter.open(LoaderRequest(Identity(5))) as loader:
        folder = Path(loader.folder.name)  # type: ignore[attr-defined]
        assert [path.name for path in folder.iterdir()] == ["000000.tar"]
    del loader
    gc.collect()
    assert not folder.exists()


def test_each_worker_reads_its_own_shard(adapter: Adapter) -> None:
    with adapter.open(LoaderRequest(Identity(6), batch_size=2, num_workers=2)) as loader:
        assert sorted(flat(epoch(loader))) == list(range(6))


def test_a_stream_is_no_shards(adapter: Adapter) -> None:
    with adapter.open(LoaderRequest(Numbers(), batch_size=2, drop_last=True)) as loader:
        assert epoch(loader) == [[0, 1], [2, 3]]


def test_as_it_copies_a_dataset_it_claims_no_lazy_one(adapter: Adapter) -> None:
    assert Capability.LAZY_DATASET not in adapter.capabilities
