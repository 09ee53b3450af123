"""The epoch without workers: done when asked for, an error at a time, and then its end."""

from collections.abc import Iterator
from typing import Any

import pytest

from reference_loader.fetching import Stream
from reference_loader.inline import Inline


class BoomError(Exception):
    pass


def failing_at(*places: Any) -> Any:
    def step(key: Any) -> Any:
        if key in places:
            raise BoomError(key)
        return key

    return step


def outcomes(batches: Iterator[Any]) -> list[Any]:
    seen: list[Any] = []
    while True:
        try:
            seen.append(next(batches))
        except StopIteration:
            return seen
        except (BoomError, RuntimeError, KeyboardInterrupt) as error:
            seen.append(type(error).__name__)


def test_nothing_is_drawn_or_loaded_before_it_is_asked_for() -> None:
    noted: list[Any] = []

    def keys() -> Iterator[int]:
        for key in range(3):
            noted.append(f"drew {key}")
            yield key

    def fetch(key: int) -> int:
        noted.append(f"fetched {key}")
        return key

    batches = Inline(keys(), fetch, str)
    assert noted == []
    assert next(batches) == "0"
    assert noted == ["drew 0", "fetched 0"]


def test_what_fails_is_skipped() -> None:
    assert outcomes(Inline(iter(range(4)), failing_at(1), failing_at(2))) == [
        0,
        "BoomError",
        "BoomError",
        3,
    ]


def test_an_interrupt_is_raised_at_its_turn_and_can_be_survived() -> None:
    def fetch(key: int) -> int:
        if key == 1:
            raise KeyboardInterrupt
        return key

    assert outcomes(Inline(iter(range(3)), fetch, int)) == [0, "KeyboardInterrupt", 2]


class Resuming:
    """A faulty iterator, which goes on after its error and after its end."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.calls = 0

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        self.calls += 1
        if self.calls == 2:
            raise self.error
        return self.calls


def test_a_sampler_that_failed_or_ended_has_ended() -> None:
    assert outcomes(Inline(Resuming(BoomError()), int, int)) == [1, "BoomError"]
    batches = Inline(Resuming(StopIteration()), int, int)
    assert [outcomes(batches), outcomes(batches)] == [[1], []]


def test_a_stream_that_has_ended_is_not_asked_again() -> None:
    left = [1, 2]
    batches = Inline(iter(range(9)), lambda _: left.pop(0) if left else Stream.ENDED, int)
    assert outcomes(batches) == [1, 2]
    left.append(3)
    assert outcomes(batches) == []


def test_stop_iteration_from_a_dataset_is_an_error_that_says_where() -> None:
    def fetch(key: int) -> int:
        if key == 7:
            raise StopIteration
        return key

    batches = Inline(iter([5, 7]), fetch, int)
    next(batches)
    with pytest.raises(RuntimeError) as caught:
        next(batches)
    assert str(caught.value) == (
        "a dataset or collate_fn must not raise StopIteration, got one in batch 1 (keys 7); "
        "raise IndexError for a key that does not exist"
    )
    assert isinstance(caught.value.__cause__, StopIteration)


def test_an_epoch_that_is_over_keeps_no_sampler() -> None:
    closed: list[bool] = []

    def keys() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    batches = Inline(keys(), failing_at(), failing_at())
    assert (outcomes(batches), closed) == ([1, 2], [True])
