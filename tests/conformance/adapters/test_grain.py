"""grain's DataLoader, as its adapter asks it."""

import pytest

from conformance.adapter import Adapter
from conformance.datasets import Identity, Samples, epoch, flat
from conformance.loaders import named
from conformance.request import LoaderRequest
from conformance.subject import Subject
from specs.structured_samples import lists_of_different_lengths_are_refused

pytest.importorskip("grain", reason="needs grain: pip install 'dataloader-conformance[grain]'")


@pytest.fixture
def adapter() -> Adapter:
    return named("grain")


def test_it_returns_what_a_user_of_the_library_has(adapter: Adapter) -> None:
    import grain

    with adapter.open(LoaderRequest(Identity(5), batch_size=2)) as loader:
        assert type(loader) is grain.DataLoader
        assert epoch(loader) == [[0, 1], [2, 3], [4]]
    with adapter.open(LoaderRequest(Identity(5), batch_size=2, drop_last=True)) as loader:
        assert epoch(loader) == [[0, 1], [2, 3]]


def test_a_collate_fn_is_its_batch_fn_or_a_map(adapter: Adapter) -> None:
    with adapter.open(LoaderRequest(Identity(3), batch_size=2, collate_fn=sum)) as loader:
        assert epoch(loader) == [1, 2]
    with adapter.open(LoaderRequest(Identity(3), batch_size=None, collate_fn=str)) as loader:
        assert epoch(loader) == ["0", "1", "2"]


def test_a_shuffle_is_seeded_by_torch_s_generator_and_repeats(adapter: Adapter) -> None:
    with adapter.open(LoaderRequest(Identity(20), batch_size=4, shuffle=True)) as loader:
        first, second = flat(epoch(loader)), flat(epoch(loader))
    with adapter.open(LoaderRequest(Identity(20), batch_size=4, shuffle=True)) as loader:
        other = flat(epoch(loader))
    assert first == second != other
    assert sorted(first) == sorted(other) == list(range(20))


def test_what_is_declared_of_lists_is_so(adapter: Adapter) -> None:
    subject = Subject(adapter)
    with subject.open(Samples([[1, 2], [3]]), batch_size=2) as loader:
        assert epoch(loader) == [[[1, 3]]]
    with pytest.raises(AssertionError):
        lists_of_different_lengths_are_refused.check(subject)
