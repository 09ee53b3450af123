"""New containers like given ones, whose contents they keep and whose model they leave alone."""

import array
from collections import Counter, OrderedDict, UserDict, UserList, defaultdict, deque, namedtuple
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pytest

from reference_loader.containers import is_namedtuple, mapping_like, sequence_like

Point = namedtuple("Point", ["x", "y"])


class Frozen(Mapping[str, Any]):
    """A mapping that no constructor can fill."""

    def __getitem__(self, key: str) -> Any:
        return {"a": 1}[key]

    def __iter__(self) -> Iterator[str]:
        return iter("a")

    def __len__(self) -> int:
        return 1


class Labelled(dict[str, Any]):
    label = "none"


@pytest.mark.parametrize(
    "model",
    [
        {"a": 1},
        OrderedDict(a=1),
        defaultdict(int, a=1),
        UserDict(a=1),
        Counter("a"),
        MappingProxyType({"a": 1}),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_mapping_keeps_its_type_and_the_model_its_values(model: Mapping[str, Any]) -> None:
    value = object()
    made = mapping_like(model, {"a": value})
    assert type(made) is type(model)
    assert made["a"] is value
    assert model["a"] == 1


def test_attributes_of_a_mapping_are_kept() -> None:
    model = Labelled(a=1)
    model.label = "train"
    assert mapping_like(model, {"a": 2}).label == "train"


def test_a_mapping_that_cannot_be_rebuilt_becomes_a_dict() -> None:
    assert mapping_like(Frozen(), {"a": 2}) == {"a": 2}


@pytest.mark.parametrize(
    "model",
    [[1, 2], (1, 2), Point(1, 2), UserList([1, 2]), deque([1, 2])],
    ids=lambda model: type(model).__name__,
)
def test_a_sequence_keeps_its_type_and_the_model_its_items(model: Sequence[Any]) -> None:
    values = [object(), object()]
    made = sequence_like(model, values)
    assert type(made) is type(model)
    assert list(made) == values
    assert list(model) == [1, 2]


@pytest.mark.parametrize(
    "model",
    [range(1), bytearray(b"a"), memoryview(b"a"), array.array("i", [1])],
    ids=lambda model: type(model).__name__,
)
def test_a_sequence_of_numbers_only_becomes_a_list(model: Sequence[Any]) -> None:
    class Index:
        def __index__(self) -> int:
            return 7

    value = Index()
    assert sequence_like(model, [value]) == [value]


def test_named_tuples_are_told_from_plain_ones() -> None:
    assert is_namedtuple(Point)
    assert not is_namedtuple(tuple)
    assert not is_namedtuple(list)
