"""Which samples share a batch: grouping a row of keys.

Keys are grouped, not samples, so a batch is decided before anything is loaded. Indices that are in
order, or are drawn in blocks, are cut instead of counted, and need not become Python ints for it.
"""

from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import torch
from torch import Tensor

from reference_loader.drawing import drawn_in_blocks
from reference_loader.sampling import CHUNK, Sequential


def grouped(keys: Iterable[Any], size: int, drop_last: bool) -> Iterator[list[Any]]:
    """Yield lists of `size` keys in order; the rest comes as a shorter list unless `drop_last`.

    `keys` is read only as far as the batches asked for need it. The rest is also read when it is
    to be dropped, since a sampler's end cannot be known otherwise (D1 drop_last, D2 §2).
    """
    remaining = iter(keys)
    while batch := list(islice(remaining, size)):
        if len(batch) == size:
            yield batch
            continue
        if not drop_last:
            yield batch
        return  # what has ended is not asked again


def grouped_range(samples: Sized, size: int, drop_last: bool) -> Iterator[range]:
    """Yield what `grouped` does of `range(len(samples))`, each batch as a range."""
    order = range(len(samples))
    for start in range(0, batches_in(len(order), size, drop_last) * size, size):
        yield order[start : start + size]


def grouped_blocks(blocks: Iterable[Tensor], size: int, drop_last: bool) -> Iterator[Tensor]:
    """Yield what `grouped` does of the indices in `blocks`, each batch as a tensor."""
    return chain.from_iterable(torch.split(part, size) for part in _parts(blocks, size, drop_last))


def grouped_ints(blocks: Iterable[Tensor], size: int, drop_last: bool) -> Iterator[list[int]]:
    """Yield what `grouped` does of the indices in `blocks`, as Python ints."""
    for part in _parts(blocks, size, drop_last):
        indices = part.tolist()
        for start in range(0, len(indices), size):
            yield indices[start : start + size]


def _parts(blocks: Iterable[Tensor], size: int, drop_last: bool) -> Iterator[Tensor]:
    """Yield the blocks in parts of a few whole batches; only the last batch may be shorter.

    As in `grouped` that one comes when the blocks have ended, with whatever their end draws.
    """
    several = max(CHUNK // size, 1) * size
    rest: Tensor | None = None
    for block in blocks:
        whole = block if rest is None else torch.cat([rest, block])
        complete = len(whole) - len(whole) % size
        if complete:
            yield from torch.split(whole[:complete], several)
        rest = whole[complete:]
    if rest is not None and len(rest) and not drop_last:
        yield rest


def batches_in(samples: int, size: int, drop_last: bool) -> int:
    """Return how many batches `grouped` makes of that many samples."""
    return samples // size if drop_last else -(-samples // size)


@dataclass(frozen=True)
class Batches:
    """The keys of `sampler`, grouped; it is what `loader.batch_sampler` shows."""

    sampler: Iterable[Any]
    batch_size: int
    drop_last: bool = False

    def __iter__(self) -> Iterator[list[Any]]:
        blocks = drawn_in_blocks(self.sampler)
        if blocks is None:
            return grouped(self.sampler, self.batch_size, self.drop_last)
        return grouped_ints(blocks, self.batch_size, self.drop_last)

    def __len__(self) -> int:
        sampler: Any = self.sampler  # without a length this raises, as it should
        return batches_in(len(sampler), self.batch_size, self.drop_last)


def in_blocks(batches: Iterable[Any]) -> Iterator[Any]:
    """Return an iterator over `batches`, each in one piece if it is known without its ints.

    What comes in ascending order is a range then, and what is drawn as tensors is a tensor.
    """
    if type(batches) is not Batches:
        return iter(batches)
    if type(batches.sampler) is Sequential:
        return grouped_range(batches.sampler, batches.batch_size, batches.drop_last)
    blocks = drawn_in_blocks(batches.sampler)
    if blocks is None:
        return iter(batches)
    return grouped_blocks(blocks, batches.batch_size, batches.drop_last)
