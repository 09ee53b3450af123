"""Which sample comes when: the two orders that a loader knows by itself.

`shuffled` makes the same order as torch's loader does from the same generator, and leaves the
generator in the same state. The two dataclasses make an order repeatable: each epoch iterates them
anew, and they are what `loader.sampler` shows. The random one has its indices also as blocks,
tensors that make up the order one after the other, for whoever needs no Python ints.
"""

from collections.abc import Iterator, Sized
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from reference_loader.seeding import draw_seed, pass_over, private_generator

CHUNK = 4096  # indices that are Python ints at a time: ten million of them take 400 MB

# From this length on torch's `randperm` draws other than one word for each index but the last.
_TWO_WORDS = (2**32 - 1) // 20


def shuffled(size: int, generator: torch.Generator | None = None) -> Iterator[int]:
    """Yield the indices 0 to `size` - 1, each once, in an order drawn at the first request.

    Without a generator one seed is drawn from torch's default one, and a private generator made of
    it decides, so the order can be repeated with `torch.manual_seed` (D1 shuffle, D2 §2).
    """
    return integers(shuffled_blocks(size, generator))


def shuffled_blocks(size: int, generator: torch.Generator | None = None) -> Iterator[Tensor]:
    """Yield the order of `shuffled`, as one block."""
    if generator is None:
        generator = private_generator(draw_seed(None))
    yield permutation(size, generator)
    # Since its version 1.11 torch draws one more permutation when an epoch is read to its end. It
    # orders nothing, but without it every later epoch of a given generator would differ.
    pass_over_permutation(size, generator)


def permutation(size: int, generator: torch.Generator) -> Tensor:
    """Return `torch.randperm`'s permutation, with 4 bytes an index where they do.

    What is drawn does not depend on the dtype, only on the length.
    """
    dtype = torch.int32 if _draws_single_words(size, generator) else torch.int64
    return torch.randperm(size, generator=generator, device=generator.device, dtype=dtype)


def pass_over_permutation(size: int, generator: torch.Generator) -> None:
    """Advance the generator as a permutation would, without making one where that is known.

    Each index but the last takes one word of 32 bits, to choose from the indices that are left.
    """
    if _draws_single_words(size, generator):
        pass_over(max(size - 1, 0), generator)
    else:
        permutation(size, generator)


def _draws_single_words(size: int, generator: torch.Generator) -> bool:
    return size < _TWO_WORDS and generator.device.type == "cpu"


def integers(blocks: Iterator[Tensor]) -> Iterator[int]:
    """Yield the indices in `blocks` as Python ints, a chunk of them at a time."""
    chunks = chain.from_iterable(torch.split(block, CHUNK) for block in blocks)
    return chain.from_iterable(map(Tensor.tolist, chunks))


@dataclass(frozen=True)
class Sequential:
    """The indices of `source` in ascending order; its length is read anew each epoch."""

    source: Sized

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.source)))

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True)
class Shuffled:
    """The indices of `source` in a new random order each epoch; its length is read anew, too."""

    source: Sized
    generator: torch.Generator | None = None

    def __iter__(self) -> Iterator[int]:
        return shuffled(len(self.source), self.generator)

    def __len__(self) -> int:
        return len(self.source)

    def blocks(self) -> Iterator[Tensor]:
        """Yield the indices in blocks; the length is read when the first one is asked for."""
        yield from shuffled_blocks(len(self.source), self.generator)
