"""Where large results of collation are written.

In a worker that is where the main process can read them: otherwise every large batch would be
copied once more, only to have it in shared memory. In an epoch without workers it is where a batch
lay that is gone (`pages.py`). For all that is small or has more to it than its numbers there is
nothing special, and torch allocates as it always does. Either way the result is the same, bit for
bit and stride for stride; what it lies in is all that differs, and that its storage cannot grow.
"""

import math
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import torch
from torch import Tensor

from reference_loader.pages import current

Room = Callable[[int], memoryview | None]

LARGE = 1 << 18  # bytes; copying less costs no more than to ask for room
PAGES = 1 << 22  # bytes; less malloc mostly keeps from the batch before, and is faster to ask

_room: Room | None = None
_thread = 0


def offer(room: Room) -> None:
    """From now on ask `room` for memory, a number of bytes at a time, in this thread alone.

    Threads that the user has started, and processes forked by him, are not under the loader's
    control, and must not write where it may be reading.
    """
    global _room, _thread
    _room, _thread = room, threading.get_ident()


def withdraw() -> None:
    """Ask no more."""
    global _room
    _room = None


os.register_at_fork(after_in_child=withdraw)


def place(shape: Sequence[int], dtype: torch.dtype) -> Tensor | None:
    """Return an uninitialized, contiguous tensor for a part of a batch; None: allocate as usual."""
    size = math.prod(shape) * dtype.itemsize
    room = _room_for(size)
    memory = None if room is None else room(size)
    return None if memory is None else torch.frombuffer(memory, dtype=dtype).view(*shape)


def _room_for(size: int) -> Room | None:
    """Return who may be asked for so much memory here; None: nobody."""
    if size < LARGE:
        return None
    if _room is not None and threading.get_ident() == _thread:
        return _room
    pages = current() if size >= PAGES else None
    return None if pages is None else pages.room


def stacked(batch: Sequence[Tensor]) -> Tensor:
    """Return what `torch.stack(batch)` returns; raise what it raises."""
    first = batch[0]
    if _room_for(first.nbytes * len(batch)) is not None and _is_plain(batch):
        out = place((len(batch), *first.shape), first.dtype)
        # Where torch refuses, for shapes that differ or a gradient, it decides what comes of that.
        with suppress(RuntimeError):
            return torch.stack(batch, out=out)  # type: ignore[arg-type]
    return torch.stack(batch)  # type: ignore[arg-type]


def _is_plain(batch: Sequence[Tensor]) -> bool:
    """Tell whether stacking yields a contiguous tensor on the CPU of the first one's dtype."""
    first = batch[0]
    return (
        set(map(type, batch)) == {Tensor}  # others may do as they like
        and len({tensor.dtype for tensor in batch}) == 1  # what differs is promoted
        and all(tensor.is_cpu for tensor in batch)
        and not any(tensor.requires_grad for tensor in batch)
        and first.is_contiguous()
        and not any(
            first.ndim == ndim and first.is_contiguous(memory_format=order) for ndim, order in _KEPT
        )
    )


# Memory formats that stacking keeps; a tensor may be in one of them and contiguous as well.
_KEPT = ((4, torch.channels_last), (5, torch.channels_last_3d))
