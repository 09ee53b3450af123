"""Which sample comes when: the two orders that a loader knows by itself.

`shuffled` makes the same order as torch's loader does from the same generator, and leaves the
generator in the same state. The two dataclasses make an order repeatable: each epoch iterates them
anew, and they are what `loader.sampler` shows.
"""

from collections.abc import Iterator, Sized
from dataclasses import dataclass

import torch

from reference_loader.seeding import draw_seed, private_generator

CHUNK = 65_536  # indices turned into Python ints at a time: ten million at once take 400 MB


def shuffled(size: int, generator: torch.Generator | None = None) -> Iterator[int]:
    """Yield the indices 0 to `size` - 1, each once, in an order drawn at the first request.

    Without a generator one seed is drawn from torch's default one, and a private generator made of
    it decides, so the order can be repeated with `torch.manual_seed` (D1 shuffle, D2 §2).
    """
    if generator is None:
        generator = private_generator(draw_seed(None))
    order = torch.randperm(size, generator=generator, device=generator.device)
    for chunk in torch.split(order, CHUNK):
        yield from chunk.tolist()
    # Since its version 1.11 torch draws one more permutation when an epoch is read to its end. It
    # orders nothing, but without it every later epoch of a given generator would differ.
    torch.randperm(size, generator=generator, device=generator.device)


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
