"""An epoch written down to the last bit, so that two loaders can be compared step by step."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

MakeLoader = Callable[..., Any]


def written(value: Any) -> Any:
    """Return all that can be told of a batch, or an error, apart from where it is in memory."""
    if isinstance(value, BaseException):
        return type(value), str(value)
    if isinstance(value, Tensor):
        shared = value.is_shared()  # type: ignore[no-untyped-call]
        flags = (value.requires_grad, shared, value.is_contiguous())
        plain = value.detach().resolve_conj().contiguous().reshape(-1)
        bits = bytes(plain.view(torch.uint8).tolist())
        return type(value), value.dtype, value.shape, value.stride(), flags, bits
    if isinstance(value, list | tuple):
        return type(value), [written(each) for each in value]
    return type(value), value


def states(generator: torch.Generator | None) -> list[int]:
    """Return a hash of the state of `generator` and one of the default generator's."""
    known = [torch.default_generator] + ([] if generator is None else [generator])
    return [hash(each.get_state().numpy().tobytes()) for each in known]


def steps(
    make: MakeLoader, seed: int | None, cuts: Sequence[int | None] = (None,), **arguments: Any
) -> list[Any]:
    """Run one epoch for each of `cuts` (None: to its end) with a loader; list all that is seen.

    That is every batch or error, and the states of the generators before and after it.
    """
    torch.manual_seed(7)
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    loader = make(generator=generator, **arguments)
    seen: list[Any] = []
    for cut in cuts:
        batches = iter(loader)
        seen.append(states(generator))
        left = 50 if cut is None else cut
        while left:
            left -= 1
            try:
                seen.append(written(next(batches)))
            except StopIteration:
                break
            except Exception as error:
                seen.append(written(error))
            seen.append(states(generator))
        seen.append(states(generator))
    return seen


def collapsed(seen: list[Any]) -> list[Any]:
    """Leave out the texts of collation's own errors, which differ on purpose."""
    return [
        each[0] if isinstance(each, tuple) and each[0] in (RuntimeError, TypeError) else each
        for each in seen
    ]
