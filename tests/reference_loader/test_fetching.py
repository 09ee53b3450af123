"""How a dataset is asked, by key and in its own order."""

from collections.abc import Iterator
from typing import Any

import pytest
from torch.utils.data import IterableDataset

from reference_loader.fetching import Stream, fetcher, is_stream


class Bulk:
    """A dataset that can be asked for a whole batch."""

    def __getitem__(self, key: int) -> str:
        return f"one {key}"

    def __getitems__(self, keys: list[int]) -> list[str]:
        return [f"bulk {key}" for key in keys]


class Resuming(IterableDataset[int]):
    """A faulty stream, whose iterator goes on after its end."""

    def __iter__(self) -> Iterator[int]:
        return Restless()


class Restless:
    def __init__(self) -> None:
        self.calls = 0

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        self.calls += 1
        if self.calls == 4:
            raise StopIteration
        return self.calls


class Breaking(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        yield 1
        raise OSError("disk")


def test_a_batch_is_fetched_key_by_key() -> None:
    fetch = fetcher(["a", "b", "c"], batched=True, drop_last=False)
    assert fetch([2, 0]) == ["c", "a"]
    assert fetch((1,)) == ["b"]


def test_a_single_sample_is_fetched_by_its_key() -> None:
    assert fetcher({"x": 5}, batched=False, drop_last=False)("x") == 5


def test_a_dataset_that_can_is_asked_for_the_batch_at_once() -> None:
    assert fetcher(Bulk(), batched=True, drop_last=False)([1, 2]) == ["bulk 1", "bulk 2"]
    assert fetcher(Bulk(), batched=False, drop_last=False)(1) == "one 1"


def test_getitems_set_to_none_counts_as_absent() -> None:
    class Single(Bulk):
        __getitems__ = None  # type: ignore[assignment]

    assert fetcher(Single(), batched=True, drop_last=False)([1]) == ["one 1"]


@pytest.mark.parametrize(
    ("drop_last", "expected"),
    [(False, [[1, 2], [3], Stream.ENDED]), (True, [[1, 2], Stream.ENDED, Stream.ENDED])],
)
def test_a_stream_is_not_asked_again_after_its_short_batch(
    drop_last: bool, expected: list[Any]
) -> None:
    fetch = fetcher(Resuming(), batched=True, drop_last=drop_last)
    assert [fetch(2) for _ in range(3)] == expected


def test_a_stream_is_not_asked_again_after_its_last_sample() -> None:
    fetch = fetcher(Resuming(), batched=False, drop_last=False)
    assert [fetch(None) for _ in range(5)] == [1, 2, 3, Stream.ENDED, Stream.ENDED]


def test_a_stream_that_breaks_has_ended_afterwards() -> None:
    fetch = fetcher(Breaking(), batched=True, drop_last=False)
    with pytest.raises(OSError, match="disk"):
        fetch(2)
    assert fetch(2) is Stream.ENDED


def test_a_stream_is_told_by_its_class() -> None:
    assert is_stream(Resuming())
    assert not is_stream([1])


class Rewinding(IterableDataset[int]):
    """A stream that is its own iterator, and begins anew when iter is called."""

    def __iter__(self) -> Iterator[int]:
        self.left = [0, 1, 2]
        return self

    def __next__(self) -> int:
        if not self.left:
            raise StopIteration
        return self.left.pop(0)


def test_a_stream_is_opened_once_and_then_only_drawn_from() -> None:
    fetch = fetcher(Rewinding(), batched=True, drop_last=False)
    assert [fetch(2), fetch(2), fetch(2)] == [[0, 1], [2], Stream.ENDED]
