"""Page-locked batches: an executor around an executor.

A copy to an accelerator can run while the host goes on only if its source is page-locked
(D1 pin_memory, D2 §2). Where there is no accelerator nothing could be gained, and nothing is done.

The memory is that of torch's caching host allocator, by `Tensor.pin_memory`. It keeps a block whose
tensor has died and gives it out again, but not before the copies from it are over, of which each
records an event. A ring of buffers of our own could not know of copies that the user starts.
https://docs.pytorch.org/docs/stable/notes/cuda.html#use-pinned-memory-buffers
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from reference_loader.containers import is_namedtuple, mapping_like, sequence_like
from reference_loader.executor import Done, Executor, Failed, Outcome
from reference_loader.plan import Task


def pin(value: Any) -> Any:
    """Return `value` with every tensor in it page-locked; no container is changed in place.

    An object with a `pin_memory` method decides by itself what that means, also if it is a
    container. Mappings and sequences are rebuilt with their type; anything else is left alone.
    """
    own = getattr(value, "pin_memory", None)
    if own is not None:
        return own()
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, Mapping):
        return mapping_like(value, {key: pin(item) for key, item in value.items()})
    if isinstance(value, tuple) and not is_namedtuple(type(value)):
        return type(value)(pin(item) for item in value)
    if isinstance(value, Sequence):
        return sequence_like(value, [pin(item) for item in value])
    return value


def can_pin() -> bool:
    """Tell whether there is an accelerator that page-locked memory serves; warn if there is none.

    Apple's MPS shares its memory with the host and counts as none.
    """
    if _accelerator() in (None, "mps"):
        warnings.warn(
            "pin_memory=True needs an accelerator that copies from page-locked memory, got none; "
            "batches are delivered unpinned",
            UserWarning,
            stacklevel=3,  # whoever calls iter(loader)
        )
        return False
    return True


def _accelerator() -> str | None:
    if not hasattr(torch, "accelerator"):  # before torch 2.6
        return "cuda" if torch.cuda.is_available() else None
    if not torch.accelerator.is_available():
        return None
    device = torch.accelerator.current_accelerator()
    return None if device is None else device.type


class Pinned:
    """Hands the tasks on, and pins each batch that comes back."""

    def __init__(self, inner: Executor, pin_batch: Callable[[Any], Any] = pin) -> None:
        self._inner = inner
        self._pin = pin_batch

    def submit(self, task: Task) -> None:
        """Submit to the inner executor."""
        self._inner.submit(task)

    def take(self, deadline: float = math.inf) -> Outcome:
        """Take from the inner executor; a batch that cannot be pinned has failed."""
        outcome = self._inner.take(deadline)
        if not isinstance(outcome, Done):
            return outcome
        try:
            return Done(outcome.position, self._pin(outcome.batch))
        except BaseException as error:
            return Failed(outcome.position, error)

    def close(self) -> None:
        """Close the inner executor."""
        self._inner.close()
