"""Drawing seeds from a generator, in the amounts that torch draws.

A generator is shared between the loader and its user, so how far one epoch advances it is part of
the contract: a draw more or fewer changes every random number that the user's program sees next.
"""

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
