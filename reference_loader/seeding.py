"""Drawing seeds from a generator, in the amounts that torch draws, and seeding a worker with one.

A generator is shared between the loader and its user, so how far one epoch advances it is part of
the contract: a draw more or fewer changes every random number that the user's program sees next.
"""

import random

import numpy as np
import torch


def draw_seed(generator: torch.Generator | None) -> int:
    """Return one 63-bit number, drawn from `generator`, or from torch's default one for None."""
    # The device is named because a default device set by the user need not fit the generator.
    device = torch.device("cpu") if generator is None else generator.device
    number = torch.empty((), dtype=torch.int64, device=device).random_(generator=generator)
    return int(number.item())


def private_generator(seed: int) -> torch.Generator:
    """Return a CPU generator of its own, seeded with `seed`."""
    return torch.Generator().manual_seed(seed)


def seed_process(base_seed: int, worker: int) -> int:
    """Seed `random`, torch and numpy for one worker, and return the seed of the first two.

    The three sequences differ from those of every other worker and equal those in torch's workers.
    """
    seed = base_seed + worker
    random.seed(seed)
    torch.manual_seed(seed)
    # numpy takes 32 bits at a time, and seeds that are neighbours have to be taken apart first.
    words = [worker, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(words).generate_state(4))
    return seed
