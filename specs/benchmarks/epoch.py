"""An epoch from end to end, where both sides have work to do at the same time.

Two workers prepare samples while the consumer works on batches. What a loader saves in transport
shows only as far as it is not hidden behind that work.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch.utils.data import Dataset

from conformance import LoaderRequest, cut
from conformance.benchmark import Work, benchmark, collected

BATCH, BATCHES, FEATURES = 16, 24, 4096
SAMPLE_STEPS = 2_000  # of Python, some 100 µs
BATCH_STEPS = 4  # products of matrices, some milliseconds


@dataclass
class Prepared(Dataset[torch.Tensor]):
    """Samples that take some Python to prepare, and hold their index."""

    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> torch.Tensor:
        for _ in range(SAMPLE_STEPS):
            pass
        return torch.full((FEATURES,), float(index))


def work_on(weights: torch.Tensor) -> None:
    """Do what a training step would."""
    for _ in range(BATCH_STEPS):
        torch.mm(weights, weights)


@dataclass(frozen=True)
class Training:
    """Works on each batch; returns how many there were and the sum of what they held."""

    weights: torch.Tensor

    def __call__(self, loader: Iterable[torch.Tensor]) -> tuple[int, int]:
        """Iterate once."""
        count = total = 0
        for batch in loader:
            count += 1
            total += int(batch[:, -1].sum())
            work_on(self.weights)
        return count, total


@benchmark(clock="wall")
def with_work_on_both_sides() -> Work:
    """How long does an epoch take whose samples and batches are both worked on?

    The limit is the consumer's work alone.
    """
    size = BATCH * BATCHES
    weights = torch.eye(256)

    def alone() -> None:
        for _ in range(BATCHES):
            work_on(weights)

    numbers = torch.arange(size, dtype=torch.float32)
    return Work(
        request=LoaderRequest(
            Prepared(size), batch_size=BATCH, num_workers=2, persistent_workers=True
        ),
        batches=BATCHES,
        consume=Training(weights),
        receipt=(BATCHES, size * (size - 1) // 2),
        check=collected([part.view(-1, 1).repeat(1, FEATURES) for part in cut(numbers, BATCH)]),
        limit=alone,
    )
