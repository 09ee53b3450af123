"""torchdata's nodes, put together as their guide does, behind their adapter."""

from collections.abc import Iterator

import pytest
import torch

from conformance.capability import Capability
from conformance.datasets import Identity, epoch, flat
from conformance.loaders import named
from conformance.request import LoaderRequest
from conformance.troubles import Troubled, told

pytest.importorskip(
    "torchdata.nodes", reason="pip install 'dataloader-conformance[torchdata-nodes]'"
)


class Stream(torch.utils.data.IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        yield from range(3)


def fail() -> None:
    raise ValueError("broken")


@pytest.mark.parametrize(
    ("request_", "delivered"),
    [
        (LoaderRequest(Identity(5), batch_size=2), [[0, 1], [2, 3], [4]]),
        (LoaderRequest(Identity(5), batch_size=2, num_workers=2), [[0, 1], [2, 3], [4]]),
        (LoaderRequest(Identity(5), batch_size=2, drop_last=True), [[0, 1], [2, 3]]),
        (LoaderRequest(Identity(5), sampler=[4, 0]), [[4], [0]]),
        (LoaderRequest(Identity(5), batch_sampler=[[3], [1, 0]]), [[3], [1, 0]]),
        (LoaderRequest(Identity(3), batch_size=None), [0, 1, 2]),
        (LoaderRequest(Identity(4), batch_size=2, collate_fn=sum), [1, 5]),
        (LoaderRequest(Stream(), batch_size=2), [[0, 1], [2]]),
        (LoaderRequest(Stream(), batch_size=2, num_workers=2), [[0, 1], [2]]),
    ],
    ids=str,
)
def test_it_delivers_what_is_asked_for_twice(
    request_: LoaderRequest, delivered: list[object]
) -> None:
    with named("torchdata-nodes").open(request_) as loader:
        assert [epoch(loader), epoch(loader)] == [delivered, delivered]


def test_a_shuffle_is_another_order_of_the_same_each_epoch() -> None:
    request = LoaderRequest(Identity(20), batch_size=20, shuffle=True)
    with named("torchdata-nodes").open(request) as loader:
        one, other = flat(epoch(loader)), flat(epoch(loader))
    assert sorted(one) == sorted(other) == list(range(20))
    assert one != other


def test_only_workers_are_followed_by_a_prefetcher() -> None:
    for workers, last in ((0, "ParallelMapper"), (2, "Prefetcher")):
        request = LoaderRequest(Identity(4), num_workers=workers)
        with named("torchdata-nodes").open(request) as loader:
            assert type(loader.root).__name__ == last  # type: ignore[attr-defined]


def test_an_error_comes_at_its_turn() -> None:
    request = LoaderRequest(Troubled(4, 2, fail), batch_size=2)
    with named("torchdata-nodes").open(request) as loader:
        assert told(iter(loader))[:2] == [[0, 1], "ValueError"]


def test_what_nodes_have_no_parameter_for_is_not_claimed() -> None:
    claimed = named("torchdata-nodes").capabilities
    for lacking in (Capability.PERSISTENT_WORKERS, Capability.GENERATOR, Capability.TIMEOUT):
        assert lacking not in claimed
