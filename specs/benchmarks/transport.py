"""What it costs to bring a batch from a worker process to the one that uses it.

Two workers that stay do next to nothing but copy. Whoever receives copies each batch into memory of
its own, as a transfer to a device does; so a batch that merely could be had is not enough, and the
limit is that copy alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import Dataset

from conformance import LoaderRequest, cut
from conformance.benchmark import Work, benchmark, collected

WORKERS = 2
SAMPLES = 16  # in a batch
BATCHES = {"1 KB": 32, "64 KB": 32, "1 MB": 16, "16 MB": 8}
BYTES = {"1 KB": 1 << 10, "64 KB": 1 << 16, "1 MB": 1 << 20, "16 MB": 1 << 24}
FIELDS = 32


class Rows(Dataset[torch.Tensor]):
    """The rows of a table, each of which holds its index."""

    def __init__(self, size: int, features: int) -> None:
        self.table = torch.arange(size, dtype=torch.float32).view(-1, 1).repeat(1, features)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.table[index]


@dataclass
class Fields(Dataset[dict[str, torch.Tensor]]):
    """Samples of many small tensors, which hold the sample's index and the field's."""

    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {f"field {field}": torch.tensor([index, field]) for field in range(FIELDS)}


@dataclass(frozen=True)
class CopyEach:
    """Copies each batch of an epoch into the same memory; returns how many, and what is there."""

    memory: torch.Tensor

    def __call__(self, loader: Iterable[torch.Tensor]) -> tuple[int, torch.Tensor]:
        """Iterate once."""
        count = 0
        for batch in loader:
            self.memory.copy_(batch)
            count += 1
        return count, self.memory


def read_fields(loader: Iterable[dict[str, torch.Tensor]]) -> tuple[int, int]:
    """Return the number of batches, and the sum of the first number of each tensor in them."""
    count = total = 0
    for batch in loader:
        count += 1
        total += sum(int(values[0, 0]) for values in batch.values())
    return count, total


@benchmark(clock="wall", size=tuple(BYTES))
def one_tensor(size: str) -> Work:
    """How long does a batch of one tensor take to come from two persistent workers?

    The limit is a copy of its bytes.
    """
    batches = BATCHES[size]
    dataset = Rows(SAMPLES * batches, BYTES[size] // 4 // SAMPLES)
    parts = cut(dataset.table, SAMPLES)
    memory = torch.empty_like(parts[0])

    def copies() -> None:
        for part in parts:
            memory.copy_(part)

    return Work(
        request=LoaderRequest(
            dataset, batch_size=SAMPLES, num_workers=WORKERS, persistent_workers=True
        ),
        batches=batches,
        consume=CopyEach(memory),
        receipt=(batches, parts[-1]),
        check=collected(parts),
        limit=copies,
    )


@benchmark(clock="wall")
def many_tensors() -> Work:
    """How long does a batch of 32 small tensors take to come from two persistent workers?"""
    batches, size = 16, 8

    def right(epoch: Iterable[dict[str, torch.Tensor]]) -> bool:
        columns: list[Any] = [
            {name: values.tolist() for name, values in batch.items()} for batch in epoch
        ]
        return columns == [
            {
                f"field {field}": [[index, field] for index in range(start, start + size)]
                for field in range(FIELDS)
            }
            for start in range(0, batches * size, size)
        ]

    return Work(
        request=LoaderRequest(
            Fields(batches * size), batch_size=size, num_workers=WORKERS, persistent_workers=True
        ),
        batches=batches,
        consume=read_fields,
        receipt=(batches, FIELDS * sum(range(0, batches * size, size))),
        check=right,
    )
