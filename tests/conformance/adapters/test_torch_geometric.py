"""PyTorch Geometric's DataLoader behind its adapter."""

import pytest
import torch

from conformance.capability import Capability
from conformance.datasets import Identity, plain
from conformance.loaders import named
from conformance.request import LoaderRequest

pytest.importorskip(
    "torch_geometric", reason="pip install 'dataloader-conformance[torch-geometric]'"
)


def test_it_delivers_what_is_asked_for() -> None:
    with named("torch-geometric").open(LoaderRequest(Identity(5), batch_size=2)) as loader:
        assert [plain(batch) for batch in loader] == [[0, 1], [2, 3], [4]]


def test_graphs_become_one() -> None:
    from torch_geometric.data import Data

    graphs = [Data(x=torch.ones(nodes, 1)) for nodes in (2, 3)]
    with named("torch-geometric").open(LoaderRequest(graphs, batch_size=2)) as loader:
        (batch,) = loader
    assert batch.batch.tolist() == [0, 0, 1, 1, 1]


def test_a_collate_fn_is_not_claimed_as_it_is_dropped_unsaid() -> None:
    adapter = named("torch-geometric")
    assert Capability.COLLATE_FN not in adapter.capabilities
    loader = adapter.construct(Identity(2), batch_size=2, collate_fn=sum)
    assert [plain(batch) for batch in loader] == [[0, 1]]
