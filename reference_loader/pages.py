"""Memory for the large batches of one process, used again when a batch is gone.

What makes a large batch slow is less its copying than its pages: the system hands each out cleared,
at the first write to it, and takes it back when the batch is freed. A loop over a loader frees one
batch for every batch that it gets, most often of the same size, so their memory can go round.

What is handed out is a lease, as of a slab (`slabs.py`): every tensor, array or view that lies in
it keeps it, and only when the last of them is gone is the memory used again. So a batch that is
kept is never overwritten, and keeps its memory from nobody, for as much more is made as is needed.

All loaders of a process share what is free. It is little, and it is gone with the last of them.
"""

import os
from collections import deque
from contextlib import suppress
from typing import Any
from weakref import ref

import torch

from reference_loader.slabs import leased

# Pieces that are free at a time. A loop frees a batch before it asks for the one after the next,
# so this is enough for batches of so many large tensors; who lets go of more gets it freed.
SPARE = 8


class Pages:
    """Pieces of memory that have come back; those that are handed out belong to who has them."""

    def __init__(self) -> None:
        # An epoch may be read in any thread, and in the handler of a signal; a piece may come back
        # between any two steps. A deque needs no lock, and when it is full forgets the oldest.
        self._free: deque[Any] = deque(maxlen=SPARE)

    def room(self, size: int) -> memoryview:
        """Return `size` bytes that nothing else uses, of any content."""
        memory = self._fitting(size)
        if memory is None:
            memory = torch.empty(size, dtype=torch.uint8).numpy()
        return memoryview(leased(memory, _back, ref(self), memory)).cast("B")

    def _fitting(self, size: int) -> Any:
        with suppress(IndexError):  # they may become fewer meanwhile
            for _ in range(len(self._free)):
                memory = self._free.pop()  # the last one first: the caches may still have it
                if len(memory) == size:
                    return memory
                self._free.appendleft(memory)
        return None


def _back(pages: "ref[Pages]", memory: Any) -> None:
    found = pages()
    if found is not None:
        found._free.append(memory)


_shared: "ref[Pages] | None" = None


def shared() -> Pages:
    """Return the pages of this process, which are there for as long as somebody refers to them."""
    global _shared
    found = current()
    if found is None:
        found = Pages()
        _shared = ref(found)
    return found


def current() -> Pages | None:
    """Return the pages of this process, if there are any."""
    return None if _shared is None else _shared()


def _forget() -> None:
    global _shared
    _shared = None


# A worker has slabs, and no use for what the loop that started it keeps.
os.register_at_fork(after_in_child=_forget)
