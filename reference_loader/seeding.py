"""Drawing seeds from a generator, in the amounts that torch draws, and seeding a worker with one.

A generator is shared between the loader and its user, so how far one epoch advances it is part of
the contract: a draw more or fewer changes every random number that the user's program sees next.
"""

import random

import numpy as np
import torch

BUFFER = 8192  # numbers that are drawn at a time only to advance a generator


def draw_seed(generator: torch.Generator | None) -> int:
    """Return one 63-bit number, drawn from `generator`, or from torch's default one for None."""
    # The device is named because a default device set by the user need not fit the generator.
    device = torch.device("cpu") if generator is None else generator.device
    number = torch.empty((), dtype=torch.int64, device=device).random_(generator=generator)
    return int(number.item())


def private_generator(seed: int) -> torch.Generator:
    """Return a CPU generator of its own, seeded with `seed`."""
    return torch.Generator().manual_seed(seed)


def pass_over(words: int, generator: torch.Generator) -> None:
    """Advance a CPU generator as if `words` numbers of 32 bits had been drawn from it.

    Drawing fills a small buffer over and over, so nothing of it is kept. `random_` takes exactly
    two words for an int64 and one for an int32, one element after the other.
    """
    if words >= 2 * BUFFER:
        buffer = torch.empty(BUFFER, dtype=torch.int64, device="cpu")
        for _ in range(words // (2 * BUFFER)):
            buffer.random_(generator=generator)
    rest = torch.empty(words % (2 * BUFFER), dtype=torch.int32, device="cpu")
    rest.random_(generator=generator)


def seed_process(base_seed: int, worker: int) -> int:
    """Seed `random`, torch and numpy for one worker, and return the seed of the first two.

    The three sequences differ from those of every other worker and equal those in torch's workers.
    """
    seed = base_seed + worker
    random.seed(seed)
    if torch.accelerator.current_accelerator() is None:
        # For devices that it was not built for, torch would note the stack, and seed none.
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)
    # numpy takes 32 bits at a time, and seeds that are neighbours have to be taken apart first.
    words = [worker, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(words).generate_state(4))
    return seed
