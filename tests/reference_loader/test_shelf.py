"""What a worker collates goes out in a slab, unless its own code keeps it."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from reference_loader import room
from reference_loader.room import place
from reference_loader.slabs import Slab, reserve
from reference_loader.transport import pack, unpack
from tests.reference_loader.test_stock import Sides, numbered

MANY = 500_000  # floats; more than what is collated elsewhere and copied


@pytest.fixture
def sides() -> Iterator[Sides]:
    """Both sides, and a first batch has crossed, so that there is a slab."""
    made = Sides()
    room.offer(made.shelf.room)
    made.exchange(numbered(0, MANY))
    made.order()
    yield made
    room.withdraw()


def collated(number: int) -> torch.Tensor:
    found = place((MANY,), torch.float32)
    assert found is not None
    return found.fill_(number)


def crossing(sides: Sides, make: Any) -> Any:
    sides.order()
    parts = pack(make())
    sent = sides.shelf.stowed(parts)
    assert parts == []
    return unpack(sides.stock.opened([np.array(np.frombuffer(part, np.uint8)) for part in sent]))


def test_what_was_collated_in_a_slab_is_not_copied(sides: Sides) -> None:
    address = None

    def make() -> torch.Tensor:
        nonlocal address
        batch = collated(5)
        address = next(iter(sides.shelf._leased.values())).memory.ctypes.data
        assert batch.data_ptr() == address
        return batch

    arrived = crossing(sides, make)
    assert bool((arrived == 5).all())
    (slab,) = sides.shelf._away.values()
    assert int(slab.memory[:4].view(np.float32)[0]) == 5  # the worker's mapping of the same memory


def test_a_view_of_what_was_collated_arrives_as_what_it_is(sides: Sides) -> None:
    arrived = crossing(sides, lambda: collated(1).reshape(1000, -1).cumsum(1)[10:])
    assert arrived.shape == (990, 500)
    del arrived
    arrived = crossing(sides, lambda: torch.arange(MANY, out=collated(0))[MANY // 2 :])
    assert arrived.tolist() == list(range(MANY // 2, MANY))


def test_a_batch_that_the_worker_keeps_is_copied_and_its_slab_is_its_own(sides: Sides) -> None:
    """Neither sees what the other one writes."""
    cache: list[torch.Tensor] = []

    def make() -> torch.Tensor:
        cache.append(collated(len(cache)))
        return cache[-1]

    for number in range(8):
        if sides.shelf._free:
            arrived = crossing(sides, make)
            assert bool((arrived == number).all())
            arrived.fill_(-1)
        else:
            assert place((MANY,), torch.float32) is None
            sides.exchange(numbered(0, MANY))
            sides.order()
            cache.append(numbered(number, MANY))
    assert all(bool((batch == number).all()) for number, batch in enumerate(cache))


def test_what_is_collated_on_the_way_and_not_sent_gives_its_room_back(sides: Sides) -> None:
    for number in range(20):
        arrived = crossing(sides, lambda number=number: int(collated(number)[0]))
        assert arrived == number
    assert len(sides.shelf._free) == 1


def test_the_shelf_has_no_more_room_than_there_is(sides: Sides) -> None:
    first = place((MANY,), torch.float32)
    assert first is not None
    assert place((MANY,), torch.float32) is None
    del first


def test_a_slab_that_cannot_be_mapped_is_one_less(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise RuntimeError("unable to mmap")

    sides = Sides()
    descriptor = reserve(1000)
    monkeypatch.setattr(torch, "from_file", failing)
    with pytest.raises(RuntimeError):
        Slab(descriptor)
    sides.shelf.take(b"", [descriptor])
    assert sides.shelf._free == {}
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.close(descriptor)
