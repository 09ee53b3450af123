"""SPDL's loader with the DataLoader's keywords, behind its adapter."""

import pytest

from conformance.datasets import Identity, plain
from conformance.loaders import named
from conformance.request import LoaderRequest
from conformance.troubles import Troubled, told

pytest.importorskip("spdl.dataloader", reason="pip install 'dataloader-conformance[spdl-pytorch]'")


def fail() -> None:
    raise ValueError("broken")


@pytest.mark.parametrize(
    ("request_", "delivered"),
    [
        (LoaderRequest(Identity(5), batch_size=2, num_workers=2), [[0, 1], [2, 3], [4]]),
        (LoaderRequest(Identity(5), batch_sampler=[[3], [1, 0]]), [[3], [1, 0]]),
        (LoaderRequest(Identity(3), batch_size=None), [0, 1, 2]),
    ],
    ids=str,
)
def test_it_delivers_what_is_asked_for(request_: LoaderRequest, delivered: list[object]) -> None:
    with named("spdl-pytorch").open(request_) as loader:
        assert [plain(batch) for batch in loader] == delivered


def test_its_signature_is_the_library_s() -> None:
    defaults = named("spdl-pytorch").signature().parameters
    assert (defaults["num_workers"].default, defaults["in_order"].default) == (1, False)


def test_a_batch_that_fails_is_left_out() -> None:
    with named("spdl-pytorch").open(LoaderRequest(Troubled(6, 3, fail), batch_size=2)) as loader:
        assert told(iter(loader)) == [[0, 1], [4, 5]]
