"""Groups of keys: their sizes, their end, and how far the keys are read."""

from collections.abc import Iterator

import pytest

from reference_loader.batching import Batches, batches_in, grouped


class Sampler:
    """Counts how many keys were read, and fails when it is asked again after its end."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.read = 0
        self.ended = False

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        assert not self.ended, "asked again after the end"
        if self.read == self.size:
            self.ended = True
            raise StopIteration
        self.read += 1
        return self.read - 1


@pytest.mark.parametrize(
    ("size", "drop_last", "expected"),
    [
        (0, False, []),
        (0, True, []),
        (2, False, [[0, 1]]),
        (2, True, []),
        (3, False, [[0, 1, 2]]),
        (3, True, [[0, 1, 2]]),
        (7, False, [[0, 1, 2], [3, 4, 5], [6]]),
        (7, True, [[0, 1, 2], [3, 4, 5]]),
    ],
)
def test_keys_are_grouped_by_three(size: int, drop_last: bool, expected: list[list[int]]) -> None:
    assert list(grouped(range(size), 3, drop_last)) == expected
    assert batches_in(size, 3, drop_last) == len(expected)
    assert list(Batches(range(size), 3, drop_last)) == expected
    assert len(Batches(range(size), 3, drop_last)) == len(expected)


def test_keys_are_read_no_further_than_the_batch_asked_for() -> None:
    sampler = Sampler(9)
    batches = grouped(sampler, 3, drop_last=False)
    assert sampler.read == 0
    next(batches)
    assert sampler.read == 3


@pytest.mark.parametrize("drop_last", [False, True])
def test_a_sampler_is_not_asked_again_after_its_end(drop_last: bool) -> None:
    sampler = Sampler(7)
    list(grouped(sampler, 3, drop_last))
    assert sampler.read == 7
    assert sampler.ended


def test_batches_of_a_sampler_without_a_length_have_none() -> None:
    with pytest.raises(TypeError, match="has no len"):
        len(Batches(Sampler(3), 2))
