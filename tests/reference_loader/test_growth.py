"""What a sample costs does not grow with how many there are: counted, not timed.

Calls of Python and C, bytes of Python objects, and bytes of tensors are the same in each run.
"""

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.data import DataLoader as TorchDataLoader
from torch.utils.data import RandomSampler, TensorDataset, WeightedRandomSampler

from reference_loader import DataLoader

SIZES = (1_000, 10_000, 100_000)
BATCH = 100
WORD = 8  # bytes of an index or a weight


@dataclass
class Numbers:
    """Samples that are their indices."""

    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        return index


class ManyAtATime(Numbers):
    """The same, to be had a batch at a time."""

    def __getitems__(self, indices: list[int]) -> list[int]:
        return indices


def table(size: int) -> TensorDataset:
    return TensorDataset(torch.arange(size))


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def weighted(size: int) -> WeightedRandomSampler:
    return WeightedRandomSampler(torch.ones(size, dtype=torch.float64), size, generator=seeded())  # type: ignore[arg-type]


def plain(samples: list[Any]) -> list[Any]:
    return samples


Make = Callable[[Any, int], Iterable[Any]]
WORKS: dict[str, Make] = {
    "in order": lambda loader, size: loader(Numbers(size), BATCH, collate_fn=plain),
    "shuffled": lambda loader, size: loader(
        Numbers(size), BATCH, shuffle=True, generator=seeded(), collate_fn=plain
    ),
    "shuffled, a batch at a time": lambda loader, size: loader(
        ManyAtATime(size), BATCH, shuffle=True, generator=seeded(), collate_fn=plain
    ),
    "collated": lambda loader, size: loader(Numbers(size), BATCH),
    "rows of a table": lambda loader, size: loader(
        table(size), BATCH, shuffle=True, generator=seeded()
    ),
    "drawn by a sampler": lambda loader, size: loader(
        Numbers(size), BATCH, sampler=RandomSampler(range(size), generator=seeded())
    ),
    "drawn by weight": lambda loader, size: loader(Numbers(size), BATCH, sampler=weighted(size)),
}
works = pytest.mark.parametrize("make", WORKS.values(), ids=WORKS)


def exhaust(batches: Iterable[Any]) -> None:
    for _ in batches:
        pass


def calls(loader: Iterable[Any]) -> int:
    """Return how many functions of Python and C an epoch enters."""
    count = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        exhaust(loader)
    finally:
        sys.setprofile(None)
    return count


def python_bytes(loader: Iterable[Any]) -> int:
    """Return how many bytes of Python objects an epoch has at most."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        exhaust(loader)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


class Allocated(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the bytes of each storage that an operation of torch makes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {each.untyped_storage().data_ptr() for each in tensors((args, kwargs))}
        made = func(*args, **(kwargs or {}))
        for each in tensors(made):
            storage = each.untyped_storage()
            if storage.data_ptr() not in given:
                self.bytes += storage.nbytes()
        return made


def tensors(value: Any) -> Iterator[torch.Tensor]:
    return (leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor))


def tensor_bytes(loader: Iterable[Any]) -> int:
    """Return how many bytes of tensors an epoch makes, all that it drops included."""
    with Allocated() as allocated:
        exhaust(loader)
    return int(allocated.bytes)


@works
def test_calls_for_a_sample(make: Make) -> None:
    exhaust(make(DataLoader, SIZES[0]))  # what is imported and cached comes first
    per_sample = [calls(make(DataLoader, size)) / size for size in SIZES]
    assert per_sample == sorted(per_sample, reverse=True)


@works
def test_python_objects_do_not_grow_with_the_samples(make: Make) -> None:
    exhaust(make(DataLoader, SIZES[0]))
    _, middle, large = (python_bytes(make(DataLoader, size)) for size in SIZES)
    assert large < 1.5 * middle  # ten times the samples, and no list of them


@works
def test_bytes_of_tensors_for_a_sample(make: Make) -> None:
    small, middle, large = (tensor_bytes(make(DataLoader, size)) / size for size in SIZES)
    assert large <= 1.05 * middle
    # An index and the batch; of a weight its sum, what is drawn, and where that is: some words.
    assert max(small, middle, large) < 10 * WORD


def test_a_list_of_all_samples_would_be_seen() -> None:
    make = WORKS["shuffled, a batch at a time"]
    _, middle, large = (python_bytes(make(TorchDataLoader, size)) for size in SIZES)
    assert large > 5 * middle


class Slicing(Numbers):
    """Copies all that is left at each sample, as a queue in a tensor would."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.left = torch.arange(size)

    def __getitem__(self, index: int) -> int:
        self.left = self.left[1:].clone()
        return index


def test_what_grows_with_the_square_would_be_seen() -> None:
    small, large = (tensor_bytes(DataLoader(Slicing(size))) / size for size in (100, 1000))
    assert large > 5 * small
