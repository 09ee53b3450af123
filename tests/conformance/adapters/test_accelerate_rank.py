"""One of two processes behind Accelerate's adapter, without a process group."""

import pytest
import torch.distributed

from conformance.datasets import Identity, plain
from conformance.loaders import named
from conformance.request import LoaderRequest

pytest.importorskip("accelerate", reason="pip install 'dataloader-conformance[accelerate]'")


def test_it_delivers_every_second_batch_and_completes_the_last() -> None:
    with named("accelerate-rank").open(LoaderRequest(Identity(9), batch_size=2)) as loader:
        assert [plain(batch) for batch in loader] == [[0, 1], [4, 5], [8, 0]]
        assert len(loader) == 3  # type: ignore[arg-type]
    assert not torch.distributed.is_initialized()
