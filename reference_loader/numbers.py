"""Tensors of a list of Python numbers, by way of an array.

torch looks at each element of a list several times, to find out what kind of tensor it should make.
Where every element is an int, or every one a float, that is known, and `array` copies them in one
go: the values, the dtype and everything else of the tensor are the same.
"""

from array import array
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

WORTHWHILE = 12  # elements; with fewer the array costs more than it saves


def int64_of(values: Sequence[Any]) -> Tensor | None:
    """Return `torch.as_tensor(values)` for ints that have 64 bits, and None for anything else.

    A bool or another subclass is anything else, too: beside it torch may choose another dtype.
    """
    if set(map(type, values)) != {int}:
        return None
    try:
        return torch.frombuffer(array("q", values), dtype=torch.int64)
    except OverflowError:
        return None


def float64_of(values: Sequence[Any]) -> Tensor | None:
    """Return `torch.tensor(values, dtype=torch.float64)` for floats, None for anything else."""
    if set(map(type, values)) != {float}:
        return None
    return torch.frombuffer(array("d", values), dtype=torch.float64)
