"""Memory goes round in a loop, and what somebody still looks at is never written again."""

import copy
import gc
import os
import pickle
import threading
import weakref
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import TensorDataset

from reference_loader import DataLoader, pages
from reference_loader.pages import SPARE, Pages, current, shared

SIZE = 1 << 18
WIDE = torch.arange(64.0).repeat_interleave(1 << 18).view(64, -1)  # each row one value


@pytest.fixture(autouse=True)
def no_other_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the pages of epochs that other tests have left under way."""
    monkeypatch.setattr(pages, "_shared", None)


def address(tensor: Any) -> int:
    return int(torch.as_tensor(tensor).untyped_storage().data_ptr())


def pickled(loader: Any) -> Any:
    return pickle.loads(pickle.dumps(loader))


def filled(made: Pages, value: int) -> torch.Tensor:
    return torch.frombuffer(made.room(SIZE), dtype=torch.uint8).fill_(value)


def test_what_comes_back_is_used_again() -> None:
    made = Pages()
    first = address(filled(made, 1))
    assert address(filled(made, 2)) == first


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(lambda tensor: tensor, id="the tensor"),
        pytest.param(lambda tensor: tensor[7:9], id="a view"),
        pytest.param(lambda tensor: tensor.numpy()[3:5], id="an array"),
        pytest.param(lambda tensor: memoryview(tensor.numpy())[3:5], id="a buffer"),
        pytest.param(lambda tensor: tensor.detach().view(torch.bool), id="another dtype"),
        pytest.param(lambda tensor: tensor.untyped_storage(), id="the storage"),
    ],
)
def test_it_does_not_come_back_while_it_can_be_seen(look: Any) -> None:
    made = Pages()
    seen = look(filled(made, 1))
    gc.collect()
    others = [filled(made, 2) for _ in range(5)]
    assert set(bytes(seen)) == {1}
    assert [set(other.tolist()) for other in others] == [{2}] * 5
    first = address(others.pop())
    assert address(filled(made, 3)) == first


def test_little_is_kept_of_what_comes_back_and_the_latest() -> None:
    made = Pages()
    burst = [filled(made, 1) for _ in range(2 * SPARE)]
    latest = {address(tensor) for tensor in burst[:SPARE]}
    while burst:
        del burst[-1]
    assert {memory.ctypes.data for memory in made._free} == latest


def test_of_several_sizes_each_comes_back_to_its_own() -> None:
    made = Pages()
    sizes = [SIZE, 2 * SIZE, 3 * SIZE]
    places: list[set[int]] = [set(), set(), set()]
    for _ in range(SPARE):
        for size, seen in zip(sizes, places, strict=True):
            seen.add(address(torch.frombuffer(made.room(size), dtype=torch.uint8)))
    assert [len(seen) for seen in places] == [1, 1, 1]


def test_pages_last_as_long_as_a_loader_or_an_epoch_and_are_shared_by_all() -> None:
    first, second = (DataLoader(TensorDataset(WIDE), batch_size=4) for _ in range(2))
    assert current() is None
    epoch = iter(first)
    assert current() is shared()
    del first
    kept = next(epoch)
    assert current() is not None
    list(second)
    del epoch
    assert current() is not None
    free = [weakref.ref(memory) for memory in shared()._free]
    assert len(free) == SPARE
    del second
    gc.collect()
    assert current() is None
    assert [each() for each in free] == [None] * SPARE  # though of a batch that is kept
    assert torch.equal(kept[0], WIDE[:4])


def test_the_next_epoch_begins_with_the_memory_of_the_one_before() -> None:
    loader = DataLoader(TensorDataset(WIDE), batch_size=4)
    places = {address(batch[0]) for _ in range(3) for batch in loader}
    assert len(places) <= 2


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled], ids=lambda c: c.__name__)
def test_a_copy_of_the_loader_takes_no_memory_with_it(copied: Any) -> None:
    loader = DataLoader(TensorDataset(WIDE), batch_size=4)
    list(loader)
    assert loader._standing.pages is current()
    other = copied(loader)
    assert other._standing.pages is None
    for (came,), (expected,) in zip(other, loader, strict=True):
        assert torch.equal(came, expected)


@pytest.mark.parametrize("dataset", [TensorDataset(WIDE), list(WIDE)], ids=["table", "samples"])
def test_a_loop_needs_memory_for_two_batches(dataset: Any) -> None:
    places = set()
    for batch in DataLoader(dataset, batch_size=4):
        places.add(address(batch[0]))
    assert len(places) <= 2


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(["drop", "keep", "keep a row"]), min_size=16, max_size=16))
def test_whatever_is_kept_of_an_epoch_stays_as_it_was(choices: list[str]) -> None:
    kept = []
    for number, (choice, batch) in enumerate(
        zip(choices, DataLoader(list(WIDE), batch_size=4), strict=True)
    ):
        value, row = 4.0 * number + 1, batch[1]
        if choice != "drop":
            kept.append((value, row, batch if choice == "keep" else None))
        del batch, row
    assert [(value, value) for value, _, _ in kept] == [
        (row.min().item(), row.max().item()) for _, row, _ in kept
    ]


def test_a_batch_is_held_across_a_thousand_others() -> None:
    loader = DataLoader(TensorDataset(WIDE), batch_size=4)
    held = next(iter(loader))
    count = sum(1 for _ in range(63) for _ in loader)
    assert count > 1000
    assert torch.equal(held[0], WIDE[:4])


def test_loops_in_threads_do_not_mix() -> None:
    wrong: list[Any] = []

    def loop(dataset: Any) -> None:
        for _ in range(5):
            for number, batch in enumerate(DataLoader(dataset, batch_size=4)):
                if not torch.equal(batch, WIDE[4 * number : 4 * number + 4]):
                    wrong.append(number)

    threads = [threading.Thread(target=loop, args=(list(WIDE),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_forked_process_begins_without() -> None:
    epoch = iter(DataLoader(TensorDataset(WIDE), batch_size=4))
    (first,) = next(epoch)
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)  # the threads of OpenMP are not there after a fork
        right = pages.current() is None and torch.equal(next(epoch)[0], WIDE[4:8])
        os._exit(0 if right and torch.equal(first, WIDE[:4]) else 1)
    (second,) = next(epoch)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert torch.equal(first, WIDE[:4])
    assert torch.equal(second, WIDE[4:8])
