"""The documents' example of pinned memory (D2 pin_memory) from end to end, mended.

Its imports and its dataset are supplied, the loop's variable no longer hides the data, and the
device is whatever accelerator there is. Without one it is unsupported.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch.utils.data import TensorDataset

from conformance import (
    Accelerator,
    Honest,
    LoaderRequest,
    Subject,
    on_accelerator,
    requirement,
)

DOCS = "https://docs.pytorch.org/docs/stable/notes/cuda.html#use-pinned-memory-buffers"
SIZE = 200


def pinned_example(subject: Subject, accelerator: Accelerator) -> tuple[list[int], list[Any], bool]:
    """Run the example; return the batches' lengths, all pairs, and whether all was pinned.

    The device is busy at first, as in a training, so that copies are in flight for a while.
    """
    rows = torch.arange(2 * SIZE, dtype=torch.float32).reshape(SIZE, 2)
    dataset = TensorDataset(rows, torch.arange(SIZE))
    seen, lengths, pinned = [], [], []
    accelerator.work(0.1)
    with subject.open(dataset, batch_size=64, shuffle=True, pin_memory=True) as loader:
        for batch, labels in loader:
            data = batch.to(accelerator.device, non_blocking=True)
            target = labels.to(accelerator.device, non_blocking=True)
            pinned += [batch.is_pinned(), labels.is_pinned()]
            lengths.append(len(batch))
            seen.append((data, target))
    torch.accelerator.synchronize()
    pairs = [
        (tuple(row), label)
        for data, target in seen
        for row, label in zip(data.to("cpu").tolist(), target.to("cpu").tolist(), strict=True)
    ]
    return lengths, pairs, all(pinned)


@requirement(claims=["D2-055"], evidence=[DOCS])
def the_pinned_example_trains_on_every_row(subject: Subject) -> None:
    """In D2's pinned example a loader MUST bring each row to the device beside its own label, once.

    From pinned memory, and in an order that is not the dataset's: 200 rows fall into that by chance
    in 1 of 200! epochs.
    """
    lengths, pairs, pinned = on_accelerator(subject, pinned_example)
    rows = [((2.0 * n, 2.0 * n + 1), n) for n in range(SIZE)]
    assert (lengths, pinned) == ([64, 64, 64, 8], True)
    assert sorted(pairs, key=repr) == sorted(rows, key=repr)
    assert pairs != rows


@the_pinned_example_trains_on_every_row.mutant_loader
def does_not_pin(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(pin_memory=False))


@the_pinned_example_trains_on_every_row.mutant
def fills_the_same_memory_each_time(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    slab: Any = None
    for data, target in batches:
        slab = data if slab is None else slab
        yield slab[: len(data)].copy_(data), target


@the_pinned_example_trains_on_every_row.mutant_loader
def does_not_shuffle(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(shuffle=None))
