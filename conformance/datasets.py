"""Probe datasets: importable, picklable, and so plain that a batch tells what was done."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from conformance.trace import Trace


@dataclass
class Identity(Dataset[int]):
    """`size` samples, the one at `index` being `index` itself."""

    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self.size:
            raise IndexError(f"no sample {index} in {self.size}")
        return index


@dataclass
class Watched(Dataset[int]):
    """`size` samples like those of `Identity`, every access being recorded as a "fetch"."""

    size: int
    trace: Trace

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        self.trace.record("fetch", index)
        return index


@dataclass
class Samples(Dataset[Any]):
    """The given samples, whatever they are."""

    samples: Sequence[Any]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Any:
        return self.samples[index]


def plain(delivered: Any) -> Any:
    """Return a copy of what was delivered, made of plain Python values.

    A tensor or array of any rank becomes (nested) lists of numbers; containers keep their kind.
    Copying matters: a loader may hand out the same buffer again.
    """
    if isinstance(delivered, torch.Tensor | np.ndarray | np.generic):
        return delivered.tolist()
    if isinstance(delivered, Mapping):
        return {key: plain(value) for key, value in delivered.items()}
    if isinstance(delivered, tuple):
        return tuple(plain(value) for value in delivered)
    if isinstance(delivered, list):
        return [plain(value) for value in delivered]
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
