"""Accelerate's dispatcher behind its adapter."""

import pytest

from conformance.datasets import Identity, plain
from conformance.loaders import named
from conformance.request import LoaderRequest

pytest.importorskip("accelerate", reason="pip install 'dataloader-conformance[accelerate]'")


def test_it_delivers_what_is_asked_for() -> None:
    with named("accelerate-dispatch").open(LoaderRequest(Identity(5), batch_size=2)) as loader:
        assert type(loader).__name__ == "DataLoaderDispatcher"
        assert [plain(batch) for batch in loader] == [[0, 1], [2, 3], [4]]


def test_an_empty_epoch_is_an_error() -> None:
    with (
        named("accelerate-dispatch").open(LoaderRequest(Identity(0))) as loader,
        pytest.raises(ValueError, match="does not contain any data"),
    ):
        list(loader)


def test_a_loop_within_a_loop_ends_both() -> None:
    with named("accelerate-dispatch").open(LoaderRequest(Identity(3))) as loader:
        assert [plain(one) for one in loader for _ in loader] == [[0]] * 3 + [[1]] * 3
