"""Arguments that rule each other out: refused in words, or the one that decides more prevails."""

from collections.abc import Iterator
from typing import Any

import pytest
from torch.utils.data import IterableDataset

from reference_loader import DataLoader

LETTERS = list("abcdefg")


class Stream(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(3))


REMEDY = "leave out one side or use on_conflict='ignore' to have batch_sampler alone decide"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"sampler": [1], "shuffle": True},
            "sampler decides the order, got shuffle=True beside it; "
            "leave out one of them or use on_conflict='ignore' to have shuffle ignored",
        ),
        (
            {"sampler": [], "shuffle": True},
            "sampler decides the order, got shuffle=True beside it; "
            "leave out one of them or use on_conflict='ignore' to have shuffle ignored",
        ),
        (
            {"batch_sampler": [[1]], "batch_size": 4},
            f"batch_sampler decides each batch, got batch_size=4 beside it; {REMEDY}",
        ),
        (
            {"batch_sampler": [[1]], "batch_size": None},
            f"batch_sampler decides each batch, got batch_size=None beside it; {REMEDY}",
        ),
        (
            {"batch_sampler": [[1]], "shuffle": True, "sampler": [2], "drop_last": True},
            "batch_sampler decides each batch, got shuffle=True, sampler=[2], drop_last=True "
            f"beside it; {REMEDY}",
        ),
        (
            {"batch_size": None, "drop_last": True},
            "batch_size=None leaves no last batch to drop, got drop_last=True; "
            "leave out drop_last, give a batch_size, or use on_conflict='ignore'",
        ),
        (
            {"on_conflict": "warn"},
            "on_conflict must be 'raise' or 'ignore', got 'warn'; "
            "use 'ignore' to have the lower-ranking of exclusive arguments ignored",
        ),
    ],
    ids=str,
)
def test_exclusive_arguments_are_refused_in_words(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match="got") as caught:
        DataLoader(LETTERS, **arguments)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"sampler": [2, 0], "shuffle": True, "batch_size": 2}, [["c", "a"]]),
        ({"batch_sampler": [[1], [0, 2]], "batch_size": 4}, [["b"], ["a", "c"]]),
        ({"batch_sampler": [[1], [0, 2]], "batch_size": 0}, [["b"], ["a", "c"]]),
        ({"batch_sampler": [[1]], "batch_size": None, "drop_last": True}, [["b"]]),
        (
            {"batch_sampler": [[1], [0, 2]], "sampler": [3], "shuffle": True, "drop_last": True},
            [["b"], ["a", "c"]],
        ),
        ({"batch_size": None, "drop_last": True, "sampler": [1, 0]}, ["b", "a"]),
    ],
    ids=str,
)
def test_the_argument_that_decides_more_prevails_where_that_is_asked_for(
    arguments: dict[str, Any], expected: list[Any]
) -> None:
    assert list(DataLoader(LETTERS, on_conflict="ignore", **arguments)) == expected


@pytest.mark.parametrize("on_conflict", ["raise", "ignore"])
@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({"shuffle": True}, "shuffle=True"),
        ({"sampler": [0]}, "sampler=[0]"),
        ({"batch_sampler": [[0]]}, "batch_sampler=[[0]]"),
    ],
    ids=str,
)
def test_a_stream_takes_no_order_whatever_on_conflict_says(
    arguments: dict[str, Any], shown: str, on_conflict: Any
) -> None:
    with pytest.raises(ValueError, match="own order") as caught:
        DataLoader(Stream(), on_conflict=on_conflict, **arguments)
    assert str(caught.value) == (
        f"an IterableDataset has its own order, got {shown}; "
        "leave it out and let the dataset decide"
    )


@pytest.mark.parametrize("shuffle", [None, False])
def test_shuffle_left_out_and_switched_off_are_the_same(shuffle: bool | None) -> None:
    assert list(DataLoader(LETTERS, 4, shuffle=shuffle, sampler=[1, 0])) == [["b", "a"]]
    assert len(list(DataLoader(Stream(), shuffle=shuffle))) == 3
