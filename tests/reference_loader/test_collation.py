"""The table of types: equal to torch's where torch loses nothing, and spelled out where it does."""

import array
import math
import warnings
from collections import Counter, OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import default_collate as torch_collate
from torch.utils.data import default_convert as torch_convert

from reference_loader import default_collate, default_convert

Pair = namedtuple("Pair", ["x", "y"])


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class MyTensor(Tensor):
    """A tensor of a user's own type."""


class MyTuple(tuple[Any, ...]):
    __slots__ = ()


def alike(left: Any, right: Any) -> bool:
    """Compare batches with their types, dtypes and the order of their keys."""
    if type(left) is not type(right):
        return False
    if isinstance(left, Tensor):
        return (
            left.dtype == right.dtype and left.shape == right.shape and bool((left == right).all())
        )
    if isinstance(left, dict):
        return list(left) == list(right) and all(alike(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(alike, left, right))
    return bool(left == right)


SAME_AS_TORCH: dict[str, list[Any]] = {
    "tensors": [torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])],
    "scalar tensors": [torch.tensor(1), torch.tensor(2)],
    "tensors of mixed dtypes": [torch.tensor([1]), torch.tensor([2.5])],
    "a tensor's subclass": [torch.ones(2).as_subclass(MyTensor)] * 2,
    "half": [torch.ones(2, dtype=torch.float16)] * 2,
    "transposed tensors": [torch.arange(6).reshape(2, 3).T] * 2,
    "empty tensors": [torch.empty(0, 3)] * 2,
    "arrays": [np.array([1, 2]), np.array([3, 4])],
    "float32 arrays": [np.ones((2, 3), np.float32)] * 2,
    "arrays without dimensions": [np.array(1.5), np.array(2.5)],
    "an array and a number": [np.array(1), 2],
    "int64 scalars": [np.int64(1), np.int64(2)],
    "int8 scalars": [np.int8(1), np.int8(2)],
    "float32 scalars": [np.float32(1), np.float32(2)],
    "float64 scalars": [np.float64(1), np.float64(2)],
    "bool scalars": [np.bool_(True), np.bool_(False)],
    "numpy strings": [np.str_("a"), np.str_("b")],
    "floats": [0.1, math.inf],
    "float first, then int": [1.5, 2],
    "ints": [1, -2],
    "int first, then float": [1, 2.5],
    "bools": [True, False],
    "bool first, then int": [True, 2],
    "int enums": [Level.LOW, Level.HIGH],
    "strings": ["a", "bc"],
    "bytes": [b"a", b"bc"],
    "dicts": [{"x": 1, "y": "a"}, {"y": "b", "x": 2}],
    "nested dicts": [{"x": {"y": [1, 2.0]}}, {"x": {"y": [3, 4.0]}}],
    "ordered dicts": [OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)],
    "default dicts": [defaultdict(int, a=1), defaultdict(int, a=2)],
    "empty dicts": [{}, {}],
    "named tuples": [Pair(1, "a"), Pair(2, "b")],
    "tuples": [(1, "a", 2.5), (2, "b", 3.5)],
    "subclasses of tuple": [MyTuple((1, 2)), MyTuple((3, 4))],
    "lists": [[1, 2], [3, 4]],
    "empty lists": [[], []],
    "ranges": [range(2), range(2)],
    "bytearrays": [bytearray(b"ab"), bytearray(b"cd")],
    "number arrays": [array.array("i", [1, 2]), array.array("i", [3, 4])],
    "pairs of image and label": [(torch.ones(2, 2), 0), (torch.zeros(2, 2), 1)],
}


@pytest.mark.parametrize("name", SAME_AS_TORCH)
def test_a_batch_is_the_one_that_torch_makes(name: str) -> None:
    batch = SAME_AS_TORCH[name]
    assert alike(default_collate(batch), torch_collate(batch))


def test_the_default_dtype_does_not_reach_floats() -> None:
    assert default_collate([1.5, 2.5]).dtype == torch.float64
    assert default_collate([1.5]).tolist() == [1.5]


def test_gradients_flow_through_a_batch() -> None:
    samples = [torch.ones(2, requires_grad=True) for _ in range(2)]
    assert default_collate(samples).requires_grad


def test_strings_keep_the_row_that_they_come_in() -> None:
    assert default_collate(["a", "b"]) == ["a", "b"]
    assert default_collate([("a", 1), ("b", 2)])[0] == ("a", "b")
    assert default_collate([{"s": "a"}, {"s": "b"}]) == {"s": ["a", "b"]}


def test_counters_are_not_added_up() -> None:
    batch = default_collate([Counter(a=2), Counter(a=3)])
    assert type(batch) is Counter
    assert alike(dict(batch), {"a": torch.tensor([2, 3])})


@pytest.mark.parametrize("kind", [bytearray(b"a"), array.array("i", [97])])
def test_a_batch_of_one_has_the_type_of_a_batch_of_two(kind: Any) -> None:
    assert alike(default_collate([kind]), [torch.tensor([97])])


@dataclass
class Record:
    x: int = 1


REFUSED: dict[str, tuple[list[Any], type[Exception], str]] = {
    "nothing": (
        [],
        ValueError,
        "default_collate needs at least 1 sample, got 0; "
        "let the batch_sampler leave out empty batches",
    ),
    "ragged tensors": (
        [torch.ones(3, 2), torch.ones(5, 2), torch.ones(3, 2)],
        RuntimeError,
        "default_collate needs tensors of one shape, got (3, 2), (5, 2); "
        "give a collate_fn that pads them, such as pad_collate",
    ),
    "ragged arrays": (
        [np.ones(3), np.ones(2)],
        RuntimeError,
        "default_collate needs tensors of one shape, got (3,), (2,); "
        "give a collate_fn that pads them, such as pad_collate",
    ),
    "ragged lists": (
        [[1, 2], [3]],
        RuntimeError,
        "default_collate needs sequences of one length, got 2 (sample 0) and 1 (sample 1); "
        "give a collate_fn that pads them",
    ),
    "sparse tensors": (
        [torch.eye(2).to_sparse()] * 2,
        RuntimeError,
        "default_collate needs dense tensors, got layout torch.sparse_coo; "
        "convert them in the dataset or give a collate_fn",
    ),
    "masked arrays": (
        [np.ma.masked_array([1, 2], [True, False])] * 2,
        TypeError,
        "default_collate needs arrays without a mask, got MaskedArray; "
        "return array.filled(value), or data and mask apart",
    ),
    "a masked array after a plain one": (
        [np.array([1, 2]), np.ma.masked_array([1, 2], [True, False])],
        TypeError,
        "default_collate needs arrays without a mask, got MaskedArray; "
        "return array.filled(value), or data and mask apart",
    ),
    "arrays of text": (
        [np.array(["a"])] * 2,
        TypeError,
        "default_collate needs numeric arrays, got dtype <U1; "
        "return a list of the elements or give a collate_fn",
    ),
    "an array, then text": (
        [np.array([1, 2]), "a"],
        TypeError,
        "default_collate needs numeric arrays, got dtype int64, str; "
        "return a list of the elements or give a collate_fn",
    ),
    "a missing key": (
        [{"x": 1, "y": 2}, {"x": 1}],
        KeyError,
        "default_collate needs the same keys in every sample, got ['x', 'y'] (sample 0) and "
        "['x'] (sample 1); complete them in the dataset or give a collate_fn",
    ),
    "a key too many": (
        [{"x": 1}, {"x": 1}, {"x": 1, "y": 2}],
        KeyError,
        "default_collate needs the same keys in every sample, got ['x'] (sample 0) and "
        "['x', 'y'] (sample 2); complete them in the dataset or give a collate_fn",
    ),
    "another key": (
        [{"x": 1}, {"y": 1}],
        KeyError,
        "default_collate needs the same keys in every sample, got ['x'] (sample 0) and "
        "['y'] (sample 1); complete them in the dataset or give a collate_fn",
    ),
    "another key, where a default would stand in": (
        [defaultdict(int, x=1), defaultdict(int, y=1)],
        KeyError,
        "default_collate needs the same keys in every sample, got ['x'] (sample 0) and "
        "['y'] (sample 1); complete them in the dataset or give a collate_fn",
    ),
    "a dict, then a number": (
        [{"x": 1}, 5],
        TypeError,
        "default_collate needs samples of one kind, got dict (sample 0) and int (sample 1); "
        "convert them in the dataset or give a collate_fn",
    ),
    "a list, then a number": (
        [[1, 2], 5],
        TypeError,
        "default_collate needs samples of one kind, got list (sample 0) and int (sample 1); "
        "convert them in the dataset or give a collate_fn",
    ),
    "a number, then None": (
        [1, None],
        TypeError,
        "default_collate needs numbers of one kind, got int, NoneType; "
        "convert them in the dataset or give a collate_fn",
    ),
    "a float, then None": (
        [1.0, None],
        TypeError,
        "default_collate needs numbers of one kind, got float, NoneType; "
        "convert them in the dataset or give a collate_fn",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_a_batch_is_refused_in_words(name: str) -> None:
    batch, kind, text = REFUSED[name]
    with pytest.raises(kind) as caught:
        default_collate(batch)
    assert type(caught.value) is kind
    assert caught.value.args == (text,)


@pytest.mark.parametrize(
    "sample",
    [1j, None, {1, 2}, Record(), Decimal(1), Fraction(1), date(2020, 1, 1), object()],
    ids=lambda sample: type(sample).__name__,
)
def test_a_type_without_a_rule_is_refused_in_words(sample: Any) -> None:
    with pytest.raises(TypeError) as caught:
        default_collate([sample, sample])
    assert str(caught.value) == (
        "default_collate needs tensors, arrays, numbers, str, bytes, mappings or sequences, "
        f"got {type(sample).__name__}; convert it in the dataset or give a collate_fn"
    )


def test_samples_that_are_no_list_are_refused_in_words() -> None:
    samples: Any = torch.ones(2)
    with pytest.raises(TypeError) as caught:
        default_collate(samples)
    assert str(caught.value) == (
        "default_collate needs a list of samples, got Tensor; "
        "give a collate_fn for what this dataset's __getitems__ returns"
    )


def test_an_int_beyond_64_bits_is_refused() -> None:
    with pytest.raises(ValueError, match=r"[Oo]verflow"):
        default_collate([2**63, 1])


CONVERTED_AS_BY_TORCH: dict[str, Any] = {
    "a number": 1.5,
    "text": "a",
    "an array": np.array([1, 2]),
    "a numpy number": np.float32(1.5),
    "an array of text": np.array(["a"]),
    "a dict": {"x": np.array([1]), "y": [np.array([2]), "a"]},
    "a tuple": (1, np.array([1])),
    "a named tuple": Pair(np.array([1]), 2),
    "nothing": None,
}


@pytest.mark.parametrize("name", CONVERTED_AS_BY_TORCH)
def test_a_single_sample_is_converted_as_by_torch(name: str) -> None:
    sample = CONVERTED_AS_BY_TORCH[name]
    convert: Any = torch_convert  # torch leaves it without types
    assert alike(default_convert(sample), convert(sample))


@pytest.mark.parametrize(
    "sample",
    [
        torch.ones(2),
        object(),
        np.array(["2020-01-01"], "datetime64[D]"),
        np.datetime64("2020-01-01"),
        np.bytes_(b"a"),
        np.array([object()]),
        np.ma.masked_array([1, 2], [True, False]),
    ],
    ids=lambda sample: type(sample).__name__,
)
def test_what_a_tensor_cannot_hold_or_need_not_is_returned_as_it_is(sample: Any) -> None:
    assert default_convert(sample) is sample


def test_a_converted_array_shares_its_memory() -> None:
    source = np.array([1, 2])
    default_convert(source)[0] = 9
    assert source.tolist() == [9, 2]


def test_collating_changes_no_sample() -> None:
    sample = {"x": [1, 2]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        default_collate([sample, sample])
    assert sample == {"x": [1, 2]}
