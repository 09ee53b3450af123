"""Slabs go back and forth between a stock and a shelf, and at every moment one side owns each."""

import gc
import os
from typing import Any

import numpy as np
import pytest
import torch

from reference_loader import slabs, stock
from reference_loader.channel import frame
from reference_loader.shelf import Shelf
from reference_loader.slabs import reserve
from reference_loader.stock import Stock
from reference_loader.transport import pack, unpack
from tests.reference_loader.test_slabs import mapped

LARGE = 5_000  # floats; enough for a slab
FACTOR = 2
LIMIT = FACTOR + 3


class Sides:
    """A stock and a shelf, connected; batches cross as they do between two processes."""

    def __init__(self) -> None:
        self.stock, self.shelf = Stock(FACTOR), Shelf()
        self.sent_as_bytes: list[int] = []
        self.made = 0

    def order(self) -> None:
        note, descriptors = self.stock.dispatch()
        self.made += len(descriptors)
        self.shelf.take(note, descriptors)

    def send(self, batch: Any) -> list[Any]:
        parts = pack(batch)
        del batch
        sent = self.shelf.stowed(parts)
        self.sent_as_bytes.append(len(frame(sent)))
        return [np.array(np.frombuffer(part, np.uint8)) for part in sent]

    def exchange(self, batch: Any) -> Any:
        self.order()
        return unpack(self.stock.opened(self.send(batch)))


def numbered(number: int, size: int = LARGE) -> torch.Tensor:
    return torch.full((size,), number, dtype=torch.float32)


def test_a_small_batch_needs_no_slab() -> None:
    sides = Sides()
    for number in range(5):
        assert sides.exchange(number) == number
    assert sides.made == 0


def test_the_first_large_batch_crosses_as_bytes_and_the_next_ones_do_not() -> None:
    sides = Sides()
    for number in range(5):
        assert sides.exchange(numbered(number)).equal(numbered(number))
    assert sides.sent_as_bytes[0] > 4 * LARGE
    assert max(sides.sent_as_bytes[1:]) < 1000
    assert sides.made == 1  # it is back before the next one is filled


def test_small_parts_of_a_large_batch_do_not_keep_its_slab() -> None:
    """Who collects the labels of an epoch does not keep its images."""
    sides = Sides()
    kept = [sides.exchange((numbered(n), torch.tensor([n])))[1] for n in range(20)]
    assert [int(label) for label in kept] == list(range(20))
    assert sides.made == 1


def test_batches_that_are_kept_are_never_overwritten_and_slabs_are_bounded() -> None:
    sides = Sides()
    kept = [sides.exchange(numbered(number)) for number in range(1000)]
    assert all(bool((batch == number).all()) for number, batch in enumerate(kept))
    assert sides.made <= LIMIT
    # Each slab has been asked for by a batch that found none, and after that there always is one.
    assert max(sides.sent_as_bytes[2 * LIMIT :]) < 1000, "the worker ran out of slabs"


def test_one_batch_held_across_a_thousand_others_has_no_effect() -> None:
    sides = Sides()
    sides.exchange(numbered(-2))
    held = sides.exchange(numbered(-1))
    for number in range(1000):
        assert bool((sides.exchange(numbered(number)) == number).all())
    assert bool((held == -1).all())
    assert sides.made <= 3


def test_a_slab_that_is_recycled_early_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above can fail: with leases that end at once a kept batch is overwritten."""

    def hasty(self: slabs.Lease, offset: int, size: int) -> memoryview:
        return memoryview(self.slab.memory)[offset : offset + size]

    monkeypatch.setattr(slabs.Lease, "part", hasty)
    sides = Sides()
    kept = [sides.exchange(numbered(number)) for number in range(20)]
    assert not all(bool((batch == number).all()) for number, batch in enumerate(kept))


def test_what_the_user_writes_stays_his() -> None:
    sides = Sides()
    for number in range(10):
        batch = sides.exchange(numbered(number))
        assert bool((batch == number).all())
        batch.fill_(-7)


def test_a_batch_cannot_grow_over_its_neighbours() -> None:
    """It can shrink; growing raises, as for every tensor whose memory is not torch's own."""
    sides = Sides()
    sides.exchange((numbered(0), numbered(0)))
    first, second = sides.exchange((numbered(1), numbered(2)))
    with pytest.raises(RuntimeError, match="not resizable"):
        first.resize_(2 * LARGE).fill_(9)
    first.resize_(5)
    assert bool((second == 2).all())


def test_larger_batches_get_larger_slabs_and_the_small_ones_are_given_up() -> None:
    sides = Sides()
    for number in range(60):
        size = LARGE * (1 + number // 10)
        assert sides.exchange(numbered(number, size)).equal(numbered(number, size))
    assert len(sides.stock._slabs) <= LIMIT
    assert min(slab.size for slab in sides.stock._slabs.values()) >= 4 * 6 * LARGE
    assert max(sides.sent_as_bytes[-5:]) < 1000


def test_a_batch_that_is_dropped_unread_gives_its_slab_back() -> None:
    sides = Sides()
    for number in range(50):
        sides.order()
        sides.stock.opened(sides.send(numbered(number)))
    assert sides.made == 1


def test_a_fork_while_a_batch_is_held_makes_its_slab_the_last_of_its_kind() -> None:
    sides = Sides()
    sides.exchange(numbered(0))
    held = sides.exchange(numbered(1))
    child = os.fork()
    if child == 0:  # holds the batch as well, and must not see what comes later
        os._exit(0)
    os.waitpid(child, 0)
    before = set(sides.stock._slabs)
    del held
    sides.order()
    assert before - set(sides.stock._slabs) == before
    for number in range(5):
        assert sides.exchange(numbered(number)).equal(numbered(number))


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError(24, "files")])
def test_without_memory_for_slabs_everything_crosses_as_bytes(
    error: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def failing(size: int) -> int:
        tried.append(size)
        raise error

    monkeypatch.setattr(stock, "reserve", failing)
    sides = Sides()
    for number in range(10):
        assert sides.exchange(numbered(number)).equal(numbered(number))
    assert len(tried) == 1  # it would cost as much to fail again


def test_if_memory_ends_after_the_first_slabs_these_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []

    def scarce(size: int) -> int:
        if len(made) == 2:
            raise OSError(28, "No space left on device")
        made.append(size)
        return reserve(size)

    monkeypatch.setattr(stock, "reserve", scarce)
    sides = Sides()
    kept = [sides.exchange(numbered(number)) for number in range(50)]
    assert all(bool((batch == number).all()) for number, batch in enumerate(kept))


def test_a_descriptor_that_is_lost_on_its_way_is_one_slab_less() -> None:
    sides = Sides()
    sides.exchange(numbered(0))
    _, descriptors = sides.stock.dispatch()
    for descriptor in descriptors:
        os.close(descriptor)
    assert len(descriptors) == 1
    for number in range(50):
        assert sides.exchange(numbered(number)).equal(numbered(number))
    assert max(sides.sent_as_bytes[-40:]) < 1000


def test_no_slab_outlives_both_sides() -> None:
    gc.collect()
    before = mapped()
    sides: Any = Sides()
    kept: Any = [sides.exchange(numbered(number)) for number in range(4)]
    assert mapped() > before
    sides = None
    gc.collect()
    assert all(bool((batch == number).all()) for number, batch in enumerate(kept))
    kept = None
    gc.collect()
    assert mapped() == before
