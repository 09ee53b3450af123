"""What is packed arrives as it was, in memory of its own, whatever it is."""

import threading
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from reference_loader.transport import pack, unpack

Pair = namedtuple("Pair", ["x", "y"])


class Tagged(Tensor):
    """A tensor of a class of its own."""


def sent(value: Any) -> Any:
    """Pack, copy as a connection does, and unpack."""
    return unpack([bytearray(part) for part in pack(value)])


def tensors() -> dict[str, Tensor]:
    dtypes = [
        *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64),
        torch.float8_e4m3fn,
    ]
    cases = {str(dtype): torch.tensor([[0, 1], [1, 1]]).to(dtype) for dtype in dtypes}
    base = torch.arange(24.0).reshape(2, 3, 4)
    return cases | {
        "scalar": torch.tensor(5),
        "empty": torch.empty(0),
        "empty 2d": torch.empty(3, 0, dtype=torch.int16),
        "transposed": base.permute(2, 0, 1),
        "channels last": torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "strided": base[:, ::2, 1],
        "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 5),
        "offset": base[1],
        "conjugate": torch.tensor([1 + 2j, 3j]).conj(),
        "negated": torch.tensor([1 + 2j, 3j]).conj().imag,
        "sparse": torch.eye(3).to_sparse(),
    }


@pytest.mark.parametrize("name", tensors())
def test_a_tensor_arrives_with_its_values_its_type_and_its_shape(name: str) -> None:
    tensor = tensors()[name]
    arrived = sent(tensor)
    assert (arrived.dtype, arrived.shape, arrived.layout) == (
        tensor.dtype,
        tensor.shape,
        tensor.layout,
    )
    if tensor.layout is not torch.strided:
        tensor, arrived = tensor.to_dense(), arrived.to_dense()
    if tensor.dtype is torch.float8_e4m3fn:
        tensor, arrived = tensor.float(), arrived.float()
    assert arrived.equal(tensor)


def test_dimensions_lie_in_memory_as_they_lay() -> None:
    for name in ("transposed", "channels last"):
        tensor = tensors()[name]
        assert sent(tensor).stride() == tensor.stride()


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch is about to give them up
def test_a_quantized_tensor_arrives() -> None:
    tensor = torch.quantize_per_tensor(torch.rand(4), 0.1, 3, torch.quint8)
    assert sent(tensor).dequantize().equal(tensor.dequantize())


def test_a_tensor_that_requires_a_gradient_arrives_as_a_leaf() -> None:
    leaf = torch.ones(2, requires_grad=True)
    for tensor in (leaf, leaf * 2, (leaf * 2).reshape(1, 2).T):
        arrived = sent(tensor)
        assert arrived.requires_grad
        assert arrived.is_leaf
        assert arrived.equal(tensor)
    assert not sent(torch.ones(2)).requires_grad


def test_subclasses_and_attributes_are_kept() -> None:
    parameter = sent(torch.nn.Parameter(torch.ones(2)))
    assert type(parameter) is torch.nn.Parameter
    tagged = torch.ones(2).as_subclass(Tagged)
    assert type(sent(tagged)) is Tagged
    tensor: Any = torch.ones(2)
    tensor.origin = "here"
    assert sent(tensor).origin == "here"


def test_views_of_one_tensor_arrive_with_their_values_and_one_object_once() -> None:
    base = torch.arange(6)
    first, second, same = sent([base[:4], base[2:], base])[:3]
    assert (first.tolist(), second.tolist(), same.tolist()) == (
        [0, 1, 2, 3],
        [2, 3, 4, 5],
        [0, 1, 2, 3, 4, 5],
    )
    twice = sent([base, base])
    assert twice[0] is twice[1]


ARRAYS: list[Any] = [
    np.arange(6, dtype=np.int32).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(10)[::2],
    np.array(3.5),
    np.empty((0, 4)),
    np.array(["a", "bc"]),
    np.array([{"x": 1}, None], dtype=object),
    np.array([(1, 2.5)], dtype=[("x", "i4"), ("y", "f8")]),
    np.array(["2024-01-01"], dtype="datetime64[D]"),
    np.float32(2.5),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.dtype))
def test_an_array_arrives_as_it_was(array: Any) -> None:
    arrived = sent(array)
    assert type(arrived) is type(array)
    assert arrived.dtype == array.dtype
    np.testing.assert_array_equal(arrived, array)


def test_what_arrives_can_be_written_to() -> None:
    tensor, array, scalar = sent((torch.zeros(3), np.zeros(3), torch.tensor(0)))
    tensor += 1
    array += 1
    scalar += 1
    assert (tensor.tolist(), array.tolist(), int(scalar)) == ([1] * 3, [1] * 3, 1)


def test_containers_and_plain_values_arrive_as_they_were() -> None:
    value = {"a": [1, "x", b"y", None], "b": (2.5, Pair(1, {3})), "c": bytearray(b"z")}
    assert sent(value) == value
    assert type(sent(Pair(1, 2))) is Pair


def test_the_bytes_of_tensors_and_arrays_stay_out_of_the_pickle() -> None:
    parts = pack([torch.zeros(1000), np.zeros(1000), torch.zeros(10, 100).T])
    assert len(parts) == 4
    assert len(parts[0]) < 1000


def test_what_cannot_be_pickled_raises() -> None:
    with pytest.raises(TypeError, match="lock"):
        pack([threading.Lock()])
