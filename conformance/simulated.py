"""An accelerator that is not there, for what a loader does on behalf of one.

A loader asks torch whether there is an accelerator, and a tensor to pin itself. Both are torch's
public interface, so both can be answered in its place: that shows what is pinned, when and where,
on any machine. Whether anything becomes faster is for a real one to show.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch

DEVICE = "cuda"  # it has to be a name that torch knows


@contextmanager
def simulated_accelerator(
    pin: Callable[[torch.Tensor], torch.Tensor] | None,
) -> Iterator[None]:
    """Have torch say that there is an accelerator, and pin a tensor by `pin(tensor)`.

    With None it says that there is none. This is for a process that nobody else uses: it replaces
    functions of torch, and puts them back at the end. Workers that are forked meanwhile see it too.
    """

    def pin_memory(tensor: torch.Tensor, *_: Any) -> torch.Tensor:
        return tensor if pin is None else pin(tensor)

    found = None if pin is None else torch.device(DEVICE)
    answers: list[tuple[Any, str, Any]] = [
        (torch.accelerator, "is_available", pin is not None),
        (torch.accelerator, "current_accelerator", found),
        (torch.accelerator, "current_device_index", 0),
        (torch.accelerator, "set_device_index", None),
        (torch.cuda, "current_device", 0),
    ]
    with ExitStack() as replaced:
        for module, name, answer in answers:
            replaced.enter_context(mock.patch.object(module, name, return_value=answer))
        replaced.enter_context(mock.patch.object(torch.Tensor, "pin_memory", pin_memory))
        yield
