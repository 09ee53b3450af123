"""Where large results of collation are written: in a worker, where the main process can read them.

A worker would otherwise copy every large batch once more, only to have it in shared memory. Outside
workers, and for all that is small or has more to it than its numbers, there is nothing special, and
torch allocates as it always does. Either way the result is the same, bit for bit and stride for
stride; what it lies in is all that differs.
"""

import math
import os
import threading
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from reference_loader.slabs import LARGE

Room = Callable[[int], memoryview | None]

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
    if _room is None:
        return None
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE or threading.get_ident() != _thread:
        return None
    memory = _room(size)
    return None if memory is None else torch.frombuffer(memory, dtype=dtype).view(*shape)


def stacked(batch: Sequence[Tensor]) -> Tensor:
    """Return what `torch.stack(batch)` returns; raise what it raises."""
    first = batch[0]
    if _room is None or first.nbytes * len(batch) < LARGE or not all(map(_is_plain, batch)):
        return torch.stack(batch)  # type: ignore[arg-type]
    if any(each.dtype is not first.dtype or each.shape != first.shape for each in batch):
        return torch.stack(batch)  # type: ignore[arg-type]
    out = place((len(batch), *first.shape), first.dtype)
    return torch.stack(batch, out=out)  # type: ignore[arg-type]


def _is_plain(tensor: Tensor) -> bool:
    # Contiguous, because torch keeps some other layouts; with `out` it would not.
    return (
        type(tensor) is Tensor
        and tensor.is_cpu
        and tensor.layout is torch.strided
        and not tensor.requires_grad
        and not tensor.is_nested
        and tensor.is_contiguous()
        and not tensor.is_conj()
        and not tensor.is_neg()
    )
