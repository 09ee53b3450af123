"""Probe datasets: importable, picklable, and so plain that a batch tells what was done.

One is `lazy` if something happens in it when a sample is fetched: Capability.LAZY_DATASET.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from conformance.trace import Trace


def _require(index: int, size: int) -> None:
    # Without this whoever walks over a dataset, as over any sequence, does not come to an end.
    if not 0 <= index < size:
        raise IndexError(f"no sample {index} in {size}")


@dataclass
class Identity(Dataset[int]):
    """`size` samples, the one at `index` being `index` itself."""

    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self.size:  # here, as a call would be counted with the loader's
            raise IndexError(f"no sample {index} in {self.size}")
        return index


@dataclass
class Watched(Dataset[int]):
    """`size` samples like those of `Identity`, every access being recorded as a "fetch"."""

    lazy = True

    size: int
    trace: Trace

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        _require(index, self.size)
        self.trace.record("fetch", index)
        return index


@dataclass
class Gated(Dataset[int]):
    """Samples like those of `Identity`, some of which cannot be had before something has happened.

    Each access is recorded as a "begin", and as a "fetch" when it is over. In between the sample at
    an index in `gates` waits until the trace has events of the kind and with the keys named there.
    Where they do not come that is recorded as "in_vain", and nobody waits any more.
    """

    lazy = True

    size: int
    trace: Trace
    gates: Mapping[int, tuple[str, Sequence[int]]]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Any:
        _require(index, self.size)
        self.trace.record("begin", index)
        if index in self.gates and not self.trace.keys("in_vain"):
            kind, keys = self.gates[index]
            if not self.trace.wait_for(kind, keys):
                self.trace.record("in_vain", index)
        self.trace.record("fetch", index)
        return index


def meeting(indices: Sequence[int]) -> dict[int, tuple[str, Sequence[int]]]:
    """Return gates that open when all of these samples have been begun, by as many at a time."""
    return dict.fromkeys(indices, ("begin", indices))


@dataclass
class Samples(Dataset[Any]):
    """The given samples, whatever they are."""

    samples: Sequence[Any]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Any:
        return self.samples[index]


class Iterated:
    """An iterable and nothing else: each iteration goes through what `begin` returns."""

    def __init__(self, begin: Callable[[], Iterable[Any]]) -> None:
        self.begin = begin

    def __iter__(self) -> Iterator[Any]:
        return iter(self.begin())


def seeded(seed: int) -> torch.Generator:
    """Return a new generator of that seed."""
    return torch.Generator().manual_seed(seed)


def cut(samples: Any, length: int) -> list[Any]:
    """Return the samples in batches of `length`, the last one as short as it comes."""
    return [samples[start : start + length] for start in range(0, len(samples), length)]


def plain(delivered: Any) -> Any:
    """Return a copy of what was delivered, made of plain Python values.

    A tensor or array of any rank becomes (nested) lists of numbers; containers keep their kind.
    Copying matters: a loader may hand out the same buffer again.
    """
    if hasattr(delivered, "tolist"):
        return delivered.tolist()
    if isinstance(delivered, dict):
        return {key: plain(value) for key, value in delivered.items()}
    if isinstance(delivered, list | tuple):
        return (tuple if isinstance(delivered, tuple) else list)(map(plain, delivered))
    return delivered


def typed(delivered: Any) -> Any:
    """Return what was delivered as plain values, a tensor with its dtype, a tuple as a list.

    A named tuple stays one. What a loader makes of a tuple is its choice; dtypes are not.
    """
    if isinstance(delivered, torch.Tensor):
        return str(delivered.dtype), delivered.tolist()
    if isinstance(delivered, np.ndarray | np.generic):
        return f"numpy.{delivered.dtype}", delivered.tolist()
    if isinstance(delivered, Mapping):
        return {key: typed(value) for key, value in delivered.items()}
    if isinstance(delivered, tuple) and hasattr(delivered, "_make"):
        return type(delivered)._make(map(typed, delivered))
    if isinstance(delivered, list | tuple):
        return [typed(value) for value in delivered]
    return delivered


def epoch(loader: Iterable[Any]) -> list[Any]:
    """Iterate once and return the batches as plain values, each copied on arrival."""
    return [plain(batch) for batch in loader]


def flat(batches: Iterable[Any]) -> list[Any]:
    """Return the samples of all batches, in order; what cannot be iterated counts as one sample."""
    return [
        sample
        for batch in batches
        for sample in (batch if isinstance(batch, Iterable) else [batch])
    ]
