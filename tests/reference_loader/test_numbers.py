"""A tensor made by way of an array is the one that torch makes of the list."""

from enum import IntEnum
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import default_collate as torchs_collate

from reference_loader import collation, default_collate
from reference_loader.numbers import WORTHWHILE, float64_of, int64_of
from tests.reference_loader.comparing import written


class Level(IntEnum):
    LOW = 3


class Marked(int):
    """An int of a class of its own."""


ints = st.integers(-(2**63), 2**63 - 1)
LESS_USUAL: list[Any] = [True, 2.5, Level.LOW, Marked(4), np.int8(5), np.float32(2), 2**63, "a"]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    first=st.sampled_from([0, 1.0]),
    values=st.lists(ints, min_size=WORTHWHILE - 2, max_size=40)
    | st.lists(st.floats(), min_size=WORTHWHILE - 2, max_size=40),
    other=st.none() | st.tuples(st.integers(0, 60), st.sampled_from(LESS_USUAL)),
)
def test_numbers_are_collated_as_by_torch(
    first: Any, values: list[Any], other: tuple[int, Any] | None
) -> None:
    """Values, dtype and layout equal torch's, and what torch refuses is refused."""
    batch = [first, *values]
    if other is not None:
        batch.insert(other[0], other[1])
    assert outcome(default_collate, batch) == outcome(torchs_collate, batch)


def outcome(collate: Any, batch: list[Any]) -> Any:
    try:
        return written(collate(batch))
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return "refused"


def test_only_lists_of_one_kind_are_known() -> None:
    assert int64_of([]) is None
    assert int64_of([1, True]) is None
    assert int64_of([1, 2**63]) is None
    assert float64_of([1.0, 2]) is None
    known = int64_of((1, -2))
    assert known is not None
    assert known.tolist() == [1, -2]


@pytest.mark.parametrize("number", [1, 1.0])
def test_a_batch_has_memory_of_its_own_that_can_grow(number: Any) -> None:
    batch = default_collate([number] * 100)
    assert batch.resize_(1000).shape == (1000,)


@pytest.mark.parametrize("number", [1, 1.0])
def test_a_batch_is_made_on_the_default_device(number: Any) -> None:
    with torch.device("meta"):
        batch = default_collate([number] * 100)
        expected = torchs_collate([number] * 100)
    assert (batch.device, batch.dtype) == (expected.device, expected.dtype)


def test_a_batch_that_cannot_grow_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above is not blind to memory that belongs to an array."""
    monkeypatch.setattr(torch.Tensor, "clone", lambda tensor: tensor)
    with pytest.raises(RuntimeError, match="resizable"):
        default_collate([1] * 100).resize_(1000)


def test_taking_every_number_for_an_int_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        collation, "int64_of", lambda values: torch.tensor([int(value) for value in values])
    )
    batch = [1, *[2.5] * 40]
    assert outcome(default_collate, batch) != outcome(torchs_collate, batch)
