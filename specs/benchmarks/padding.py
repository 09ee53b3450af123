"""What it costs to pad the sequences of a batch to the longest of them."""

from collections.abc import Sequence

import torch
from torch.nn.utils.rnn import pad_sequence

from conformance import LoaderRequest, Samples, cut, seeded
from conformance.benchmark import Offers, Work, benchmark, collected, exhaust

BATCH, BATCHES, FEATURES = 32, 8, 4


def by_hand(samples: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pad as a user would who is offered nothing."""
    ordered = sorted(samples, key=len, reverse=True)
    return pad_sequence(ordered, batch_first=True), torch.tensor([len(each) for each in ordered])


def padded(length: int, *, offered: bool) -> Work:
    """Return the work of padding sequences up to a length."""
    lengths = torch.randint(1, length + 1, (BATCH * BATCHES,), generator=seeded(0)).tolist()
    samples = [torch.full((n, FEATURES), float(number)) for number, n in enumerate(lengths)]
    parts = cut(samples, BATCH)
    expected = []
    for part in parts:
        ordered = sorted(part, key=len, reverse=True)
        batch = torch.zeros(BATCH, len(ordered[0]), FEATURES)
        for row, sample in zip(batch, ordered, strict=True):
            row[: len(sample)] = sample
        expected.append((batch, torch.tensor([len(sample) for sample in ordered])))

    def request(offers: Offers) -> LoaderRequest:
        own = offers.get("pad_collate") if offered else None
        return LoaderRequest(
            Samples(samples), batch_size=BATCH, collate_fn=own() if own else by_hand
        )

    def pad() -> None:
        for part in parts:
            pad_sequence(part, batch_first=True)

    return Work(
        request=request,
        batches=BATCHES,
        consume=exhaust,
        receipt=(BATCHES, expected[-1]),
        check=collected(expected),
        limit=pad,
    )


@benchmark(length=(16, 256))
def by_a_function_of_the_users(length: int) -> Work:
    """What does a batch cost whose collate_fn pads it by hand?"""
    return padded(length, offered=False)


@benchmark(length=(16, 256))
def by_what_is_offered(length: int) -> Work:
    """What does a batch cost that is padded by what the loader's library offers, if it does?

    Where it offers nothing the user's own function stands in.
    """
    return padded(length, offered=True)
