"""Collation into given memory gives what torch.stack gives, stride for stride."""

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reference_loader import pages, room
from reference_loader.room import place, stacked

DTYPES = [
    *(torch.bool, torch.uint8, torch.int16, torch.int64, torch.float16, torch.bfloat16),
    *(torch.float32, torch.float64, torch.complex64),
]


@pytest.fixture
def given_out(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Have room for all that is asked for, however small, and note how much that was."""
    sizes: list[int] = []

    def offered(size: int) -> memoryview:
        sizes.append(size)
        return memoryview(bytearray(b"\x01" * size))

    monkeypatch.setattr(room, "LARGE", 1)
    room.offer(offered)
    yield sizes
    room.withdraw()


def same(batch: Any) -> None:
    try:
        expected = torch.stack(batch)
    except Exception as error:
        with pytest.raises(type(error)):
            stacked(batch)
        return
    found = stacked(batch)
    assert (type(found), found.dtype, found.shape, found.stride(), found.requires_grad) == (
        type(expected),
        expected.dtype,
        expected.shape,
        expected.stride(),
        expected.requires_grad,
    )
    assert found.equal(expected)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    dtype=st.sampled_from(DTYPES),
    other=st.none() | st.sampled_from(DTYPES),
    shape=st.lists(st.integers(0, 3), max_size=5),
    count=st.integers(1, 4),
    layout=st.sampled_from(["plain", "transposed", "strided", "channels last", "expanded"]),
)
def test_the_result_is_that_of_torch(
    given_out: list[int],
    dtype: torch.dtype,
    other: torch.dtype | None,
    shape: list[int],
    count: int,
    layout: str,
) -> None:
    def sample(number: int) -> torch.Tensor:
        kind = other if other is not None and number == 0 else dtype
        tensor = torch.arange(7 * 3**5)[number::7][: torch.Size(shape).numel()].to(kind)
        tensor = tensor.reshape(shape)
        if layout == "transposed" and shape:
            return tensor.transpose(0, -1)
        if layout == "strided" and shape:
            return torch.stack([tensor, tensor], -1)[..., 0]
        if layout == "channels last" and len(shape) in (4, 5):
            form = torch.channels_last if len(shape) == 4 else torch.channels_last_3d
            return tensor.contiguous(memory_format=form)
        return tensor.expand(2, *shape) if layout == "expanded" else tensor

    same([sample(number) for number in range(count)])


class Tagged(torch.Tensor):
    pass


def test_whatever_is_special_is_left_to_torch(given_out: list[int]) -> None:
    ones = torch.ones(3)
    same([ones, torch.ones(4)])
    same([ones, ones.double()])
    same([ones.clone().requires_grad_(), ones])
    same([ones, ones.clone().requires_grad_()])
    same([ones.as_subclass(Tagged), ones])
    same([ones, ones.to("meta")])
    same([torch.ones(2, dtype=torch.complex64).conj()] * 2)
    assert sum(given_out) < 100  # only shapes that differ, or bits to resolve, got as far


def test_large_results_are_written_where_there_is_room(given_out: list[int]) -> None:
    stacked([torch.ones(5)] * 3)
    assert given_out == [60]


def test_a_default_device_changes_nothing(given_out: list[int]) -> None:
    samples = [torch.ones(5)] * 3
    with torch.device("meta"):
        found = stacked(samples)
    assert found.device.type == "cpu"
    assert found.tolist() == [[1.0] * 5] * 3
    assert given_out == [60]


def test_without_room_torch_allocates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_shared", None)  # no epoch of another test is under way
    room.offer(lambda size: None)
    assert stacked([torch.ones(1 << 18)] * 2).shape == (2, 1 << 18)
    room.withdraw()
    assert place((1 << 20,), torch.float32) is None


def test_only_the_worker_itself_is_given_room(given_out: list[int]) -> None:
    """A thread that the dataset has started may run while the batch before is read."""
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(place((5,), torch.float32)))
    thread.start()
    thread.join()
    assert seen == [None]
    child = os.fork()
    if child == 0:
        os._exit(0 if place((5,), torch.float32) is None else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert place((5,), torch.float32) is not None
