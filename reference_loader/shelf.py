"""The slabs that the main process shares with one worker, seen from the worker.

A worker is given slabs and fills them: a batch is stowed in one, and the slab goes with it. Large
results of collation are written there in the first place (`room.py`); what lies elsewhere is
copied. A batch for which there is no slab stays a row of bytes, and the main process is told.

The worker's own code may keep what it has collated, in a cache for example. Then its lease goes on,
and what is sent is a copy, so that each side can do with its own as it likes.
"""

import os
import pickle
from collections import deque
from collections.abc import Iterable

import numpy as np

from reference_loader.slabs import LARGE, Ended, Lease, Slab, aligned
from reference_loader.transport import Part


class Shelf:
    """The slabs that this worker owns for now."""

    def __init__(self) -> None:
        self._free: dict[int, Slab] = {}
        self._leased: dict[int, Slab] = {}  # to the batch that is made, or to who keeps one
        self._away: dict[int, Slab] = {}  # with the main process
        self._over: deque[Ended] = deque()
        self._given_up: list[int] = []
        self._lease: Lease | None = None  # of the slab for the batch that is made
        self._filled = 0  # bytes of it

    def take(self, note: Part, descriptors: Iterable[int]) -> None:
        """Take what the main process gives; the descriptors are closed."""
        returned, forgotten = pickle.loads(note) if len(note) else ((), ())
        for number in returned:
            self._free[number] = self._away.pop(number)
        for number in forgotten:
            del self._away[number]
        for descriptor in descriptors:
            try:
                slab = Slab(descriptor)
                self._free[slab.number] = slab
            except (OSError, RuntimeError):
                pass  # it is one less
            finally:
                os.close(descriptor)

    def room(self, size: int) -> memoryview | None:
        """Return memory for a part of the batch that is being made, if there is some."""
        if self._lease is None:
            self._settle()
            slab = self._largest()
            if slab is None:
                return None
            self._leased[slab.number] = self._free.pop(slab.number)
            self._lease, self._filled = slab.lease(self._over), 0
        offset = self._filled
        if offset + size > self._lease.slab.size:
            return None
        self._filled = aligned(offset + size)
        return self._lease.part(offset, size)

    def stowed(self, parts: list[Part]) -> list[Part]:
        """Return what is sent of a batch: a note, and the parts that are in no slab.

        What is returned is to be copied before the next call. `parts` has to be the only thing that
        still refers to the batch; it is emptied.
        """
        large = [index for index, part in enumerate(parts) if len(part) >= LARGE]
        if not large and self._lease is None:
            return [b"", *parts]
        slab, offsets = self._collated(parts, large)
        filled = self._filled if offsets else 0
        lacked = 0
        for index in large:
            if index in offsets:
                continue
            size = len(parts[index])
            slab = slab or self._largest()
            if slab is None or filled + size > slab.size:
                lacked += aligned(size)
                continue
            slab.memory[filled : filled + size] = np.frombuffer(parts[index], np.uint8)
            offsets[index] = filled
            filled = aligned(filled + size)
        places = [(index, offsets[index], len(parts[index])) for index in sorted(offsets)]
        rest = [part for index, part in enumerate(parts) if index not in offsets]
        parts.clear()
        return [self._note(slab, places, lacked and lacked + filled), *rest]

    def _collated(self, parts: list[Part], large: list[int]) -> tuple[Slab | None, dict[int, int]]:
        """Return the slab of this batch and which parts are at which offset in it already.

        These parts are the slab's memory then, and the lease is over. If it is not, then somebody
        in this process keeps the batch: nothing may be sent in that slab, so they are to be copied.
        """
        lease, self._lease = self._lease, None
        if lease is None:
            return None, {}
        slab, offsets = lease.slab, dict[int, int]()
        for index in large:
            offset = lease.offset_of(parts[index])
            if offset is not None:
                offsets[index] = offset
                parts[index] = slab.memory[offset : offset + len(parts[index])]
        del lease
        self._settle()
        return (slab, offsets) if slab.number in self._free else (None, {})

    def _note(self, slab: Slab | None, places: list[tuple[int, int, int]], lacked: int) -> bytes:
        number = 0
        if slab is not None and places:
            number = slab.number
            self._away[number] = self._free.pop(number)
        given_up, self._given_up = self._given_up, []
        for each in list(self._free.values()):
            if each.size < lacked:  # a larger one comes in its place
                del self._free[each.number]
                given_up.append(each.number)
        return pickle.dumps((number, places, given_up, lacked))

    def _largest(self) -> Slab | None:
        return max(self._free.values(), key=lambda slab: slab.size, default=None)

    def _settle(self) -> None:
        while self._over:
            number, reusable = self._over.popleft()
            slab = self._leased.pop(number)
            if reusable:
                self._free[number] = slab
            else:
                self._given_up.append(number)
