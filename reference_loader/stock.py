"""The slabs that the main process shares with one worker, seen from the main process.

It makes them, and it decides how many there are and how large: none before a worker says that it
lacks one, and never more than `prefetch_factor` + 3. So many can be under way to the user, two are
in the hands of a user who goes from batch to batch, and one is to spare.

A user who keeps his batches keeps no slabs: before the last ones are gone, batches are copied out
of them. What is kept then is ordinary memory, and however much that is, the worker has slabs to go
on with.
"""

import os
import pickle
from collections import deque
from collections.abc import Sequence

import numpy as np

from reference_loader.slabs import Ended, Slab, reserve
from reference_loader.transport import Part

_SPARE = 3
_CIRCULATING = 2  # slabs that are copied from rather than left to a user who keeps them
_GROWTH = 1.25  # of batches that turned out to differ in size


class Stock:
    """The slabs of one worker; `prefetch_factor` is how many of its batches may be under way."""

    def __init__(self, prefetch_factor: int) -> None:
        self._limit = prefetch_factor + _SPARE
        self._slabs: dict[int, Slab] = {}
        self._over: deque[Ended] = deque()
        self._leased = 0
        self._need = 0  # bytes in the largest batch so far
        self._lacking = False
        self._returned: list[int] = []
        self._forgotten: list[int] = []

    def opened(self, parts: Sequence[Part]) -> list[Part]:
        """Return the parts that a worker has stowed; those in a slab keep it while they live."""
        note, *whole = parts
        if not len(note):
            return whole
        number, places, given_up, lacked = pickle.loads(note)
        for each in given_up:
            del self._slabs[each]
        self._lacking = self._lacking or lacked > 0
        self._grow(lacked)
        if not places:
            return whole
        self._settle()
        keep = self._leased < self._limit - _CIRCULATING
        lease = self._slabs[number].lease(self._over)
        self._leased += 1
        for index, offset, size in places:
            part = lease.part(offset, size)
            whole.insert(index, part if keep else np.array(part))
        return whole

    def dispatch(self) -> tuple[bytes, list[int]]:
        """Return what is new for the worker: a note, and descriptors for it, to be closed then."""
        self._settle()
        descriptors = []
        if self._lacking and len(self._slabs) < self._limit:
            descriptors = self._made()
        if not self._returned and not self._forgotten:
            return b"", descriptors
        note = pickle.dumps((self._returned, self._forgotten))
        self._returned, self._forgotten = [], []
        return note, descriptors

    def _grow(self, lacked: int) -> None:
        if lacked > self._need:
            self._need = lacked if self._need == 0 else int(lacked * _GROWTH)

    def _settle(self) -> None:
        """Note for the worker which leases are over."""
        while self._over:
            number, reusable = self._over.popleft()
            self._leased -= 1
            if reusable and self._slabs[number].size >= self._need:
                self._returned.append(number)
            else:
                del self._slabs[number]
                self._forgotten.append(number)

    def _made(self) -> list[int]:
        try:
            descriptor = reserve(self._need)
        except OSError:
            self._limit = len(self._slabs)  # it would cost as much to fail again
            return []
        try:
            slab = Slab(descriptor)
        except (OSError, RuntimeError):
            os.close(descriptor)
            self._limit = len(self._slabs)
            return []
        self._lacking = False
        self._slabs[slab.number] = slab
        return [descriptor]
