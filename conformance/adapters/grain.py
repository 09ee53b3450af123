"""grain's DataLoader, an IndexSampler and a Batch operation over the dataset as its data source.

An epoch is a sampler of num_epochs=1. Shuffling takes an integer seed and no generator; the request
has none, so one is drawn from torch's global generator. The sampler refuses to be of no records.
https://google-grain.readthedocs.io/en/latest/tutorials/data_loader_tutorial.html
"""

from typing import Any

import torch

from conformance.adapter import Adapter
from conformance.capability import Capability

CAPABILITIES = frozenset(
    {
        Capability.DATASET,
        Capability.LAZY_DATASET,
        Capability.BATCH_SIZE,
        Capability.UNBATCHED,
        Capability.SHUFFLE,
        Capability.NUM_WORKERS,
        Capability.COLLATE_FN,
        Capability.DROP_LAST,
        Capability.PREFETCH_FACTOR,
    }
)


def grain_data_loader(
    dataset: Any,
    batch_size: int | None = 1,
    shuffle: bool | None = None,
    num_workers: int = 0,
    collate_fn: Any = None,
    drop_last: bool = False,
    prefetch_factor: int | None = None,
) -> Any:
    """Return a grain.DataLoader: batches are formed in the workers, each from its own records."""
    import grain

    class Collate(grain.transforms.Map):  # type: ignore[misc]
        def map(self, element: Any) -> Any:
            return collate_fn(element)

    if batch_size is not None:
        operations = [grain.transforms.Batch(batch_size, drop_last, collate_fn)]
    else:
        operations = [Collate()] if collate_fn else []
    return grain.DataLoader(
        data_source=dataset,
        sampler=grain.samplers.IndexSampler(
            len(dataset),
            shuffle=bool(shuffle),
            num_epochs=1,
            seed=int(torch.randint(2**32, ())) if shuffle else None,
        ),
        operations=operations,
        worker_count=num_workers,
        **({} if prefetch_factor is None else {"worker_buffer_size": prefetch_factor}),
    )


def adapter() -> Adapter:
    """Return the adapter of grain.DataLoader."""
    import grain  # noqa: F401 - a missing library is told at once

    return Adapter("grain", grain_data_loader, CAPABILITIES, distribution="grain")
