"""Slabs: pieces of shared memory in which large batches cross, written once and never copied.

What is sent over a connection is copied into the kernel and out again, at every byte's expense. A
slab is mapped by the worker and by the main process, so the worker's last write is the main
process's first read. A slab is made once and used over and over, since what makes shared memory
slow is less the sharing than the new pages.

Why a batch in a slab is as good as one of its own:

- A slab is owned by one side at a time, and changes hands in messages that are sent anyway: with a
  batch to the main process (`shelf.py`), with a later task back to the worker (`stock.py`).
- Each use is a lease, a buffer object of its own. Tensors, arrays and views that lie in it keep it
  alive, as they keep any buffer in Python, and when the last of them is gone the lease is over. So
  nobody counts, and nobody has to say that he is done with a batch.
- Who could still see the memory then is a process forked in the meantime. A slab that was leased at
  a fork is not used again.
- Its pages are reserved when it is made, and it cannot be cut short after that, so no access can
  end in a bus error. Where there is no memory, or no way to share it, there is no slab, and batches
  cross as bytes.

A slab has neither a name nor a descriptor that stays open. It is gone with the last process that
maps it, however that ends.
"""

import ctypes
import errno
import fcntl
import os
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

LARGE = 1 << 14  # bytes; a smaller part crosses faster as it is, and keeps no slab where it is kept
PAGE = 1 << 12  # bytes; the size of a slab is a multiple of it
ALIGNMENT = 64  # bytes; every part of a batch begins at a multiple of it

Ended = tuple[int, bool]  # the number of a slab whose lease is over, and whether it may be reused

_forks = 0  # of this process


def _count_fork() -> None:
    global _forks
    _forks += 1


os.register_at_fork(before=_count_fork)


def reserve(size: int) -> int:
    """Return a descriptor of at least `size` bytes of new shared memory; the caller closes it.

    It is not part of /dev/shm, so it does not matter how large that is. Raises OSError where this
    kind of memory or a descriptor cannot be had, and for more than a quarter of the memory that is
    available: the system would rather end programs than say that it has no more.
    """
    if not hasattr(os, "memfd_create"):
        raise OSError(errno.ENOSYS, "memory that is shared without a name needs Linux")
    import psutil  # not above, as a worker that is spawned has no use for it

    if size > psutil.virtual_memory().available // 4:
        raise OSError(errno.ENOMEM, f"a slab of {size} bytes needs four times as much available")
    descriptor = os.memfd_create("loader-slab", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.posix_fallocate(descriptor, 0, aligned(size, PAGE))
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def aligned(size: int, step: int = ALIGNMENT) -> int:
    """Return the next multiple of `step` from `size` on."""
    return -(-size // step) * step


class Slab:
    """The memory behind a descriptor, mapped for as long as this object or a lease of it lives.

    The descriptor is not kept. `number` is the same in both processes. Raises OSError or
    RuntimeError where the memory cannot be mapped.
    """

    def __init__(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        self.number = status.st_ino
        self.size = status.st_size
        # Python's mmap keeps a copy of the descriptor, so that each batch kept would cost one.
        mapped = torch.from_file(
            f"/proc/self/fd/{descriptor}", shared=True, size=self.size, dtype=torch.uint8
        )
        self.memory: Any = mapped.numpy()  # for who owns the slab

    def lease(self, over: "deque[Ended]") -> "Lease":
        """Return a lease; when nothing uses its memory any more, that is noted in `over`."""
        return Lease(self, over)


class Lease:
    """The use of a slab for one batch."""

    def __init__(self, slab: Slab, over: "deque[Ended]") -> None:
        self.slab = slab
        self._buffer = leased(slab.memory, _note, over, slab.number, _forks)

    def part(self, offset: int, size: int) -> memoryview:
        """Return the memory from `offset` on; it keeps the lease from ending."""
        return memoryview(self._buffer).cast("B")[offset : offset + size]

    def offset_of(self, part: Any) -> int | None:
        """Return where in the slab a buffer lies, or None if it lies elsewhere."""
        offset = _address(part) - ctypes.addressof(self._buffer)
        return offset if 0 <= offset < self.slab.size else None


def leased(memory: Any, over: Callable[..., None], *arguments: Any) -> Any:
    """Return a buffer over `memory`; when all that is made of it is gone, `over` is called.

    It can be referred to weakly. What matters is that it is a new one: all that is made of it
    refers to it, and nothing older does. `over` may be called in any thread and between any two
    steps of it, so it should do no more than take a note.
    """
    buffer: Any = (ctypes.c_ubyte * len(memory)).from_buffer(memory)
    weakref.finalize(buffer, over, *arguments).atexit = False
    return buffer


def _note(over: "deque[Ended]", number: int, forks: int) -> None:
    over.append((number, forks == _forks))


def _address(part: Any) -> int:
    return int(np.frombuffer(part, np.uint8).__array_interface__["data"][0])
