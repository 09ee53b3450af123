"""Counted figures: right, the same in every process, and compared without a margin."""

import array
import gc
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from conformance.benchmark.counts import calls, calls_by_sample, draws, increases, traffic
from conformance.datasets import Identity
from conformance.errors import UsageError
from tests.miniatures import Empty


class Epoch:
    """A loader whose epoch is a function."""

    def __init__(self, epoch: Callable[[], Iterator[Any]]) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[Any]:
        return self.epoch()


def helper() -> None: ...


def batches(count: int, extra: int = 0, at_first: int = 0) -> Iterator[int]:
    for _ in [*range(at_first)]:
        helper()
    for each in [*range(count)]:
        for _ in [*range(extra)]:
            helper()
        yield each


def test_calls_are_those_of_the_loader_alone() -> None:
    # Epoch.__iter__, the lambda, and iter; the iterator of a list is asked without a call.
    assert calls(lambda: Epoch(lambda: iter([1, 2, 3, 4]))) == {
        "calls_per_batch": 0,
        "calls_per_epoch": 3,
    }


@pytest.mark.parametrize(("extra", "at_first"), [(1, 0), (0, 5), (3, 2)])
def test_each_further_call_is_counted_where_it_is(extra: int, at_first: int) -> None:
    plain = calls(lambda: Epoch(lambda: batches(4)))
    more = calls(lambda: Epoch(lambda: batches(4, extra, at_first)))
    assert more["calls_per_batch"] == int(plain["calls_per_batch"]) + extra
    assert more["calls_per_epoch"] == int(plain["calls_per_epoch"]) + 4 * extra + at_first


def test_calls_of_c_count_too() -> None:
    def of_c() -> Iterator[int]:
        for _ in [1, 2, 3]:
            yield len([])

    assert calls(lambda: Epoch(of_c))["calls_per_batch"] == 2


@pytest.mark.parametrize("shuffle", [False, True])
def test_calls_of_a_sample_are_apart_from_those_of_its_batch(shuffle: bool) -> None:
    data = Identity(96)
    assert calls_by_sample(
        {
            size: lambda size=size: DataLoader(  # type: ignore[misc]
                data, batch_size=size, shuffle=shuffle, collate_fn=list
            )
            for size in (8, 32)
        }
    )["calls_per_sample"] == (2 if shuffle else 1)


def test_calls_of_a_sample_need_two_sizes() -> None:
    with pytest.raises(UsageError) as caught:
        calls_by_sample({2: lambda: [1, 2, 3]})
    assert str(caught.value) == ("calls of a sample show between two batch sizes, got 1; give two")


@pytest.mark.parametrize("construct", [lambda: [1, 2], lambda: Empty(None)])
def test_too_few_batches_are_not_counted(construct: Callable[[], Any]) -> None:
    with pytest.raises(UsageError) as caught:
        calls(construct)
    got = len(list(construct()))
    assert str(caught.value) == (
        f"calls are counted over at least 3 batches, got {got}; take more samples"
    )


def test_what_an_epoch_does_now_and_then_is_left_out() -> None:
    epochs = iter(range(10))
    counted = calls(lambda: Epoch(lambda: batches(4, at_first=next(epochs))))
    assert counted == {"calls_per_batch": 1}


def test_counting_leaves_no_trace() -> None:
    state = torch.get_rng_state()
    assert gc.isenabled()
    methods = {name for name in vars(socket.socket) if name.startswith(("recv", "send"))}
    with pytest.raises(ZeroDivisionError):
        calls(lambda: Epoch(lambda: iter([1 // 0])))
    with pytest.raises(ZeroDivisionError):
        traffic(lambda: Epoch(lambda: iter([1 // 0])))
    draws(lambda: Epoch(lambda: iter(torch.rand(3))))
    assert sys.getprofile() is None
    assert gc.isenabled()
    assert {name for name in vars(socket.socket) if name.startswith(("recv", "send"))} == methods
    assert torch.equal(torch.get_rng_state(), state)


def counted() -> list[Any]:
    data = TensorDataset(torch.zeros(64, 4), torch.zeros(64))
    workers = {"num_workers": 2, "persistent_workers": True}
    return [
        calls(lambda: DataLoader(data, batch_size=8, shuffle=True)),
        traffic(lambda: DataLoader(data, batch_size=8, **workers)),  # type: ignore[arg-type]
    ]


def test_another_process_counts_the_same() -> None:
    here = counted()
    told = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import counted; print(counted())"],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert told == f"{here}\n"
    assert sorted(here[0]) == ["calls_per_batch", "calls_per_epoch"]
    # Two tensors a batch, and each is a descriptor.
    assert sys.platform != "linux" or here[1]["descriptors_per_epoch"] == 16


linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what is read")


def through_a_pipe(size: int) -> Iterator[bytes]:
    reader, writer = os.pipe()
    os.write(writer, b"x" * size)
    yield os.read(reader, size)
    os.close(reader)
    os.close(writer)


def through_a_socket(size: int) -> Iterator[Any]:
    left, right = socket.socketpair()
    with left, right:
        right.sendall(b"x" * size)
        yield left.recv(size, socket.MSG_WAITALL)
        right.send(b"x" * size)
        yield left.recv_into(bytearray(size))
        right.sendmsg([b"x", b"x" * (size - 1)])
        yield left.recvmsg_into([bytearray(size)])


@linux
@pytest.mark.parametrize("size", [1, 1000])
def test_traffic_is_what_goes_out_and_in(size: int) -> None:
    assert traffic(lambda: Epoch(lambda: through_a_pipe(size))) == {
        "bytes_per_epoch": 2 * size,
        "descriptors_per_epoch": 0,
    }
    assert traffic(lambda: Epoch(lambda: through_a_socket(size))) == {
        "bytes_per_epoch": 6 * size,
        "descriptors_per_epoch": 0,
    }


@linux
def test_descriptors_that_arrive_are_counted() -> None:
    def passed() -> Iterator[int]:
        left, right = socket.socketpair()
        with left, right:
            socket.send_fds(right, [b"x"], [0, 1, 2])
            _, descriptors, _, _ = socket.recv_fds(left, 1, 3)
            yield from map(os.close, descriptors)

    assert traffic(lambda: Epoch(passed)) == {"bytes_per_epoch": 2, "descriptors_per_epoch": 3}


@linux
def test_bytes_from_workers_are_counted_however_they_come() -> None:
    data = TensorDataset(torch.zeros(16, 1000))
    small, large = (
        traffic(
            lambda size=size: DataLoader(  # type: ignore[misc]
                data,
                batch_size=size,
                num_workers=1,
                persistent_workers=True,
                collate_fn=lambda rows: array.array("b", bytes(1000 * len(rows))),
            )
        )["bytes_per_epoch"]
        for size in (2, 4)
    )
    assert 16_000 < int(large) < int(small) < 24_000  # the data, and what goes with each batch


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("draw", [0, 1, 7, 100_000])
def test_draws_are_counted(draw: int, own: bool) -> None:
    generator = torch.Generator() if own else None

    def epoch() -> Iterator[Any]:
        yield torch.empty(draw, dtype=torch.int32).random_(generator=generator)

    assert draws(lambda: Epoch(epoch), generator) == {"draws_per_epoch": draw}


def test_a_shuffle_draws_twice_as_torch_does() -> None:
    """A permutation of n takes n - 1 numbers, there are two, and the workers' seed takes two."""
    generator = torch.Generator()
    assert draws(
        lambda: DataLoader(Identity(100), shuffle=True, generator=generator), generator
    ) == {"draws_per_epoch": 2 * 99 + 2}


def test_more_draws_than_are_counted_are_told_by_the_state_they_leave() -> None:
    def of(count: int) -> Any:
        return draws(lambda: Epoch(lambda: iter([torch.empty(count).random_()])))

    assert of(200_000) == of(200_000)
    assert list(of(200_000)) == ["generator_state"]
    assert of(200_000) != of(200_001)


@pytest.mark.parametrize(
    ("base", "head", "lines"),
    [
        ({"calls_per_batch": 11}, {"calls_per_batch": 11}, []),
        ({"calls_per_batch": 11}, {"calls_per_batch": 10}, []),
        ({"calls_per_batch": 11}, {"calls_per_batch": 12}, ["x: 12 calls a batch, 11 before"]),
        ({"bytes_per_epoch": 0}, {"bytes_per_epoch": 1}, ["x: 1 bytes an epoch, 0 before"]),
        (
            {"calls_per_sample": 1},
            {},
            ["x: calls a sample not the same in every epoch, 1 before"],
        ),
        ({}, {"calls_per_sample": 1}, []),
        ({"generator_state": "ab"}, {"generator_state": "ab"}, []),
        (
            {"generator_state": "ab", "calls_per_epoch": 1},
            {"generator_state": "cd", "calls_per_epoch": 2},
            ["x: generator state is cd, ab before", "x: 2 calls an epoch, 1 before"],
        ),
        ({"draws_per_epoch": 9}, {"generator_state": "ab"}, None),
    ],
)
def test_any_increase_is_a_line(
    base: dict[str, Any], head: dict[str, Any], lines: list[str] | None
) -> None:
    found = increases("x", base, head)
    if lines is None:
        lines = ["x: draws an epoch not the same in every epoch, 9 before"]
    assert found == lines
