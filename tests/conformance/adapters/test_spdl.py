"""SPDL's own DataLoader behind its adapter."""

import pytest
import torch

from conformance.datasets import Identity, plain
from conformance.loaders import named
from conformance.request import LoaderRequest
from conformance.troubles import Troubled, told

pytest.importorskip("spdl.dataloader", reason="pip install 'dataloader-conformance[spdl]'")


class Stream(torch.utils.data.IterableDataset[int]):
    def __iter__(self):  # type: ignore[no-untyped-def]
        yield from range(3)


def fail() -> None:
    raise ValueError("broken")


@pytest.mark.parametrize(
    ("request_", "delivered"),
    [
        (LoaderRequest(Identity(5), batch_size=2), [[0, 1], [2, 3], [4]]),
        (LoaderRequest(Identity(5), batch_size=2, drop_last=True), [[0, 1], [2, 3]]),
        (LoaderRequest(Identity(5), sampler=[4, 0]), [[4], [0]]),
        (LoaderRequest(Identity(3), batch_size=None), [0, 1, 2]),
        (LoaderRequest(Identity(4), batch_size=2, collate_fn=sum), [1, 5]),
        (LoaderRequest(Stream(), batch_size=2), [[0, 1], [2]]),
    ],
    ids=str,
)
def test_it_delivers_what_is_asked_for(request_: LoaderRequest, delivered: list[object]) -> None:
    with named("spdl").open(request_) as loader:
        assert [plain(batch) for batch in loader] == delivered


def test_a_shuffle_is_another_order_of_the_same_each_epoch() -> None:
    with named("spdl").open(LoaderRequest(Identity(20), batch_size=20, shuffle=True)) as loader:
        one, other = ([int(index) for batch in loader for index in batch] for _ in range(2))
    assert sorted(one) == sorted(other) == list(range(20))
    assert one != other


def test_a_sample_that_fails_is_left_out() -> None:
    with named("spdl").open(LoaderRequest(Troubled(4, 1, fail), batch_size=2)) as loader:
        assert told(iter(loader)) == [[0, 2], [3]]
