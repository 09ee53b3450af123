"""A value as bytes that are its own: how batches and tasks cross from one process to another.

Torch would move each tensor to shared memory and pass a file descriptor for each, so a program that
holds many batches runs out of descriptors, and a worker that dies takes with it what it has sent.
Here a value is a row of parts: a pickle, and beside it the bytes of each tensor and array in it.
"""

import copyreg
import io
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

Part = Any  # anything with the buffer protocol
PROTOCOL = 5  # the first that can leave buffers out of the pickle


def pack(value: Any) -> list[Part]:
    """Return the parts of `value`: its pickle, then the buffers that the pickle left out.

    The buffers still are the memory of the value, so its owner may not change it until they have
    been copied. Raises what pickling raises for a value that cannot be pickled.
    """
    stream, buffers = io.BytesIO(), list[pickle.PickleBuffer]()
    pickler = pickle.Pickler(stream, PROTOCOL, buffer_callback=buffers.append)
    # A plain dict, newly made: the pickler looks into it faster than into anything cleverer.
    pickler.dispatch_table = copyreg.dispatch_table | _reducers
    pickler.dump(value)
    return [stream.getvalue(), *(buffer.raw() for buffer in buffers)]


def unpack(parts: Sequence[Part]) -> Any:
    """Return the value of the parts; its tensors and arrays use their memory and are writable."""
    return pickle.loads(parts[0], buffers=parts[1:])


def _reduce(tensor: Any) -> Any:
    try:
        # What numpy can look at needs no care: numbers on the CPU, without history or layout.
        array = tensor.numpy()
    except (RuntimeError, TypeError):
        return _reduce_with_care(tensor)
    if not array.flags.c_contiguous or tensor.__dict__:
        return _reduce_with_care(tensor)
    return _rebuild_plain, (pickle.PickleBuffer(array), array.shape, array.dtype.str)


def _reduce_with_care(tensor: Any) -> Any:
    if not _is_plain(tensor):
        # Torch's own way of pickling, which copies as well; only its multiprocessing shares.
        return tensor.__reduce_ex__(PROTOCOL)
    # What is sent has no history: a tensor that requires a gradient arrives as a leaf.
    dense, order = tensor.detach(), None
    if dense.is_conj() or dense.is_neg():
        dense = dense.resolve_conj().resolve_neg()
    if not dense.is_contiguous():
        # The dimensions as they lie in memory, so that a transposed batch stays transposed.
        order = sorted(range(dense.ndim), key=dense.stride, reverse=True)
        dense = dense.permute(order).contiguous()
    memory = dense.reshape(-1).view(torch.uint8).numpy()
    buffer = pickle.PickleBuffer(memory)
    return _rebuild, (buffer, dense.dtype, tuple(dense.shape), order, tensor.requires_grad)


def _rebuild_plain(memory: Part, shape: tuple[int, ...], dtype: str) -> Tensor:
    return torch.from_numpy(np.ndarray(shape, dtype, memory))


def _rebuild(
    memory: Part,
    dtype: torch.dtype,
    shape: tuple[int, ...],
    order: list[int] | None,
    requires_grad: bool,
) -> Tensor:
    if 0 in shape:
        tensor = torch.empty(shape, dtype=dtype)
    else:
        tensor = torch.frombuffer(memory, dtype=dtype).reshape(shape)
    if order is not None:
        tensor = tensor.permute([order.index(place) for place in range(len(order))])
    return tensor.requires_grad_() if requires_grad else tensor


def _is_plain(tensor: Tensor) -> bool:
    return (
        tensor.layout is torch.strided
        and tensor.device.type == "cpu"
        and not tensor.is_quantized
        and not tensor.is_nested
        and not tensor.__dict__  # attributes that the user has set
    )


# Looked up by exact type: a subclass of Tensor is pickled as it sees fit.
_reducers: dict[type, Any] = {Tensor: _reduce}
