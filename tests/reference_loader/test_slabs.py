"""A slab is as good as memory of one's own: it lasts as long as it is used, and costs nothing."""

import errno
import gc
import os
import threading
from collections import deque
from pathlib import Path

import numpy as np
import pytest
import torch

from reference_loader.slabs import Ended, Slab, aligned, reserve

SIZE = 1 << 16


@pytest.fixture
def slab() -> Slab:
    return made(SIZE)


def made(size: int) -> Slab:
    descriptor = reserve(size)
    try:
        return Slab(descriptor)
    finally:
        os.close(descriptor)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def mapped() -> int:
    return Path("/proc/self/maps").read_text().count("memfd:loader-slab")


def test_both_sides_know_it_by_one_number_and_see_the_same_bytes() -> None:
    descriptor = reserve(SIZE)
    one, other = Slab(descriptor), Slab(descriptor)
    os.close(descriptor)
    assert (one.number, one.size) == (other.number, other.size)
    one.memory[5] = 7
    assert other.memory[5] == 7


def test_it_is_at_least_as_large_as_asked_for() -> None:
    for size in (1, 4095, 4096, 4097):
        assert made(size).size == aligned(size, 4096) >= size


def test_it_cannot_be_cut_short(slab: Slab) -> None:
    """Which would turn every access beyond the end into a bus error."""
    descriptor = reserve(SIZE)
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 0)
    os.close(descriptor)


def test_it_keeps_no_descriptor_and_no_name_and_is_unmapped_when_it_is_gone() -> None:
    files, before = descriptors(), mapped()
    slabs = [made(SIZE) for _ in range(10)]
    assert mapped() == before + 10
    assert descriptors() == files
    del slabs
    assert mapped() == before


def test_a_lease_is_over_when_the_last_thing_that_lies_in_it_is_gone(slab: Slab) -> None:
    over: deque[Ended] = deque()
    lease = slab.lease(over)
    tensor = torch.frombuffer(lease.part(0, 64), dtype=torch.float32)
    used = [tensor, np.frombuffer(lease.part(64, 64), np.uint8), tensor[3:].numpy()[1:]]
    del lease, tensor
    for _ in range(3):
        gc.collect()
        assert list(over) == []
        del used[0]
    assert list(over) == [(slab.number, True)]


def test_each_lease_is_one_of_its_own(slab: Slab) -> None:
    """That an earlier one is over says nothing of a later one."""
    over: deque[Ended] = deque()
    slab.lease(over)
    assert list(over) == [(slab.number, True)]
    over.clear()
    later = slab.lease(over).part(0, 8)
    gc.collect()
    assert list(over) == []
    del later
    assert list(over) == [(slab.number, True)]


def test_a_lease_may_end_in_any_thread_and_after_its_slab(slab: Slab) -> None:
    over: deque[Ended] = deque()
    number = slab.number
    kept = [torch.frombuffer(made(SIZE).lease(over).part(0, SIZE), dtype=torch.uint8).fill_(9)]
    gc.collect()
    assert int(kept[0].sum()) == 9 * SIZE  # its memory is still mapped
    thread = threading.Thread(target=kept.clear)
    thread.start()
    thread.join()
    assert len(over) == 1
    assert over[0][0] != number


def test_a_slab_that_was_leased_at_a_fork_is_not_used_again(slab: Slab) -> None:
    over: deque[Ended] = deque()
    part = slab.lease(over).part(0, 8)
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    del part
    assert list(over) == [(slab.number, False)]


def test_where_a_part_lies_is_known(slab: Slab) -> None:
    lease = slab.lease(deque())
    assert lease.offset_of(lease.part(128, 64)) == 128
    assert lease.offset_of(bytearray(64)) is None


def test_without_memory_or_a_way_to_share_it_an_error_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = descriptors()
    with pytest.raises(OSError, match="needs four times as much available"):
        reserve(1 << 62)

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(OSError, match="No space left"):
            reserve(SIZE)
    assert descriptors() == before
    monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(OSError, match="without a name needs Linux"):
        reserve(SIZE)
