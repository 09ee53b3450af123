"""MONAI's ThreadDataLoader behind its adapter."""

import pytest
import torch

from conformance.datasets import Identity, plain
from conformance.loaders import named
from conformance.request import LoaderRequest
from conformance.troubles import Troubled, told

pytest.importorskip("monai", reason="pip install 'dataloader-conformance[monai]'")


def fail() -> None:
    raise ValueError("broken")


def test_it_delivers_what_is_asked_for() -> None:
    with named("monai").open(LoaderRequest(Identity(5), batch_size=2)) as loader:
        assert [plain(batch) for batch in loader] == [[0, 1], [2, 3], [4]]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_ends_the_epoch_and_is_not_raised() -> None:
    with named("monai").open(LoaderRequest(Troubled(4, 2, fail))) as loader:
        assert told(iter(loader)) == [[0], [1]]


def test_making_one_begins_the_global_random_numbers_anew() -> None:
    torch.manual_seed(1)
    before = torch.rand(2)
    with named("monai").open(LoaderRequest(Identity(5))):
        assert torch.equal(torch.rand(2), before)
