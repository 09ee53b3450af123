"""Memory for the large batches of one process, used again when a batch is gone.

What makes a large batch slow is less its copying than its pages: the system hands each out cleared,
at the first write to it, and takes it back when the batch is freed. A loop over a loader frees one
batch for every batch that it gets, most often of the same size, so their memory can go round.

What is handed out is a lease, as of a slab (`slabs.py`): every tensor, array or view that lies in
it keeps it, and only when the last of them is gone is the memory used again. So a batch that is
kept is never overwritten, and keeps its memory from nobody, for as much more is made as is needed.

All epochs under way in a process share what is free, and it is gone with the last of them.
"""

import itertools
import os
import threading
import weakref
from collections import deque
from dataclasses import dataclass
from typing import Any

import torch

from reference_loader.slabs import Ended, leased

PATIENCE = 64  # requests; what has not been wanted by then is given back


@dataclass(eq=False)
class Piece:
    """Some memory; `since` is the request at which it was last found to be free."""

    number: int
    memory: Any
    since: int = 0


class Pages:
    """Pieces of memory that are handed out, and those that have come back."""

    def __init__(self) -> None:
        self._leased: dict[int, Piece] = {}
        self._free: deque[Piece] = deque()  # those that came back first are first
        self._over: deque[Ended] = deque()
        self._requests = itertools.count()
        # An epoch may be read in any thread, and in the handler of a signal.
        self._lock = threading.RLock()

    def room(self, size: int) -> memoryview:
        """Return `size` bytes that nothing else uses, of any content."""
        with self._lock:
            now = next(self._requests)
            self._settle(now)
            fitting = [each for each in self._free if len(each.memory) == size]
            if fitting:
                piece = fitting[-1]  # the caches may still have it
                self._free.remove(piece)
            else:
                piece = Piece(now, torch.empty(size, dtype=torch.uint8).numpy())
            self._leased[piece.number] = piece
            return memoryview(leased(piece.memory, piece.number, self._over)).cast("B")

    def _settle(self, now: int) -> None:
        while self._over:
            number, reusable = self._over.popleft()
            piece = self._leased.pop(number)
            piece.since = now
            if reusable:
                self._free.append(piece)
        while self._free and now - self._free[0].since > PATIENCE:
            self._free.popleft()


_shared: weakref.ref[Pages] | None = None


def shared() -> Pages:
    """Return the pages of this process, which are there for as long as somebody refers to them."""
    global _shared
    found = current()
    if found is None:
        found = Pages()
        _shared = weakref.ref(found)
    return found


def current() -> Pages | None:
    """Return the pages of this process, if there are any."""
    return None if _shared is None else _shared()


def _forget() -> None:
    global _shared
    _shared = None


# The lock may be held by a thread that a forked process does not have.
os.register_at_fork(after_in_child=_forget)
