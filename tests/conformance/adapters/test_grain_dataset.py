"""grain's pipeline of a MapDataset, as its adapter asks it."""

import pytest
import torch

from conformance.adapter import Adapter
from conformance.datasets import Identity, epoch, flat
from conformance.loaders import named
from conformance.request import LoaderRequest

pytest.importorskip(
    "grain", reason="needs grain: pip install 'dataloader-conformance[grain-dataset]'"
)


@pytest.fixture
def adapter() -> Adapter:
    return named("grain-dataset")


def test_epochs_are_those_that_repeat_numbers(adapter: Adapter) -> None:
    import grain

    torch.manual_seed(7)
    seed = int(torch.randint(2**32, ()))
    repeated = list(grain.MapDataset.source(Identity(6)).shuffle(seed).repeat(3))
    torch.manual_seed(7)
    with adapter.open(LoaderRequest(Identity(6), batch_size=4, shuffle=True)) as loader:
        epochs = [epoch(loader) for _ in range(3)]
    assert flat(flat(epochs)) == repeated
    assert [[len(batch) for batch in batches] for batches in epochs] == [[4, 2]] * 3


def test_its_length_counts_batches(adapter: Adapter) -> None:
    for drop_last, length in ((False, 3), (True, 2)):
        request = LoaderRequest(Identity(5), batch_size=2, drop_last=drop_last)
        with adapter.open(request) as loader:
            assert (len(epoch(loader)), len(loader)) == (length, length)  # type: ignore[arg-type]


def test_an_empty_dataset_has_an_empty_epoch(adapter: Adapter) -> None:
    with adapter.open(LoaderRequest(Identity(0), batch_size=2)) as loader:
        assert [epoch(loader), epoch(loader)] == [[], []]
