"""Torch's samplers, drawn from without a list of Python ints that is as long as the epoch.

What comes is what iterating the sampler brings, and the generator is left in the same state after
each index. That is known for the very classes below; any other sampler is iterated.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import RandomSampler, WeightedRandomSampler

from reference_loader.exactly import is_exactly
from reference_loader.sampling import (
    CHUNK,
    Shuffled,
    integers,
    pass_over_permutation,
    permutation,
)
from reference_loader.seeding import draw_seed, pass_over, private_generator

LARGEST = 64 * CHUNK  # weighted draws that are made at a time
MANY = 2**24  # the categories that torch's multinomial can tell apart


def drawn(sampler: Iterable[Any]) -> Iterator[Any]:
    """Return an iterator over the keys of `sampler`, as `iter` does."""
    blocks = drawn_in_blocks(sampler)
    return iter(sampler) if blocks is None else integers(blocks)


def drawn_in_blocks(sampler: Any) -> Iterator[Tensor] | None:
    """Return the indices of `sampler` as tensors of one dimension, in turn; None: not known.

    They are int32 or int64. Nothing is drawn before the first one is asked for.
    """
    if type(sampler) is Shuffled:
        return sampler.blocks()
    if is_exactly(sampler, RandomSampler) and not sampler.replacement:
        return _permutations(sampler)
    if is_exactly(sampler, WeightedRandomSampler):
        return _weighted(sampler)
    return None


def _permutations(sampler: RandomSampler) -> Iterator[Tensor]:
    size = len(sampler.data_source)
    generator = sampler.generator
    if generator is None:
        generator = private_generator(draw_seed(None))
    whole, rest = divmod(sampler.num_samples, size)
    for _ in range(whole):
        yield permutation(size, generator)
    if rest:
        yield permutation(size, generator)[:rest]
    else:
        pass_over_permutation(size, generator)


def _weighted(sampler: WeightedRandomSampler) -> Iterator[Tensor]:
    """Yield the draws of torch's multinomial, those with replacement a part at a time.

    With replacement, each draw takes two words for a number in [0, 1), and searches it in the
    running sum of the weights. So the generator can be advanced past all of them at the start, as
    torch leaves it, while a copy of it draws them when they are needed.
    """
    weights, count, generator = sampler.weights, sampler.num_samples, sampler.generator
    if generator is None:
        generator = torch.default_generator
    bounds = None
    # A short draw is over sooner than it is prepared, and a single one torch makes otherwise.
    if sampler.replacement and count > 1 and (count > CHUNK or len(weights) > MANY):
        bounds = _bounds(weights, generator)
    if bounds is None:
        yield torch.multinomial(weights, count, sampler.replacement, generator=generator)
        return
    ahead = torch.Generator()
    ahead.set_state(generator.get_state())
    pass_over(2 * count, generator)
    draws = CHUNK  # the first batch is wanted soon, and for those after it larger parts cost less
    while count:
        draws = min(draws, count)
        yield _found(torch.rand(draws, dtype=torch.float64, generator=ahead, device="cpu"), bounds)
        count -= draws
        draws = min(2 * draws, LARGEST)


def _found(numbers: Tensor, bounds: Tensor) -> Tensor:
    """Return the category of each number; in ascending order they are found twice as fast."""
    numbers, places = numbers.sort()
    found = torch.searchsorted(bounds, numbers)
    return numbers.view(torch.int64).scatter_(0, places, found)  # in memory that has served


def _bounds(weights: Tensor, generator: torch.Generator) -> Tensor | None:
    """Return where each category ends in [0, 1]; None where torch is to judge the weights itself.

    The sum is made from left to right and then divided, each step rounded as in torch.
    """
    plain = weights.dtype is torch.float64 and weights.dim() == 1 and weights.device.type == "cpu"
    if not plain or generator.device.type != "cpu":
        return None
    sums = torch.cumsum(weights, 0)
    total = float(sums[-1]) if len(sums) else 0.0
    if not 0 < total < float("inf") or float(weights.min()) < 0:
        return None
    return sums.div_(total)
