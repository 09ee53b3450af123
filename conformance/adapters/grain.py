"""grain's DataLoader, an IndexSampler and a Batch operation over the dataset as its data source.

An epoch is a sampler of num_epochs=1, and ends with it; "the shuffle order changes across epochs"
of one sampler. Shuffling takes an integer seed and no generator; the request has none, so one is
drawn from torch's global generator. The sampler refuses to be of no records.
https://github.com/google/grain/blob/v0.2.18/docs/data_loader/samplers.md
Its workers are translated and not claimed: they are yet to be judged.
https://github.com/google/grain/blob/v0.2.18/docs/tutorials/data_loader_tutorial.md
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grain
import torch

from conformance.adapter import Adapter, deviations
from conformance.adapters._grain import OF_GRAIN, SOURCE
from conformance.capability import Capability

CAPABILITIES = frozenset(
    {
        Capability.DATASET,
        Capability.LAZY_DATASET,
        Capability.BATCH_SIZE,
        Capability.UNBATCHED,
        Capability.SHUFFLE,
        Capability.COLLATE_FN,
        Capability.DROP_LAST,
    }
)

DEVIATIONS = (
    *OF_GRAIN,
    *deviations(
        "to iterate again is the same epoch again; further ones are num_epochs of the sampler",
        f"{SOURCE}/python/samplers.py#L111-L126",
        "every_epoch_is_shuffled_anew",
        "all_orders_are_equally_likely",
        "the_complete_example_shows_each_row_once_an_epoch",
        "the_train_loader_takes_full_batches_of_its_split",
        kind="documented",
    ),
    *deviations(
        "a batch_fn that is false, as an empty list, is taken for none",
        f"{SOURCE}/python/data_loader.py#L689",
        "a_collate_fn_has_to_be_callable",
    ),
)


@dataclass
class Each(grain.transforms.Map):  # type: ignore[misc]
    """An operation that applies a function to each sample."""

    function: Callable[[Any], Any]

    def map(self, element: Any) -> Any:
        """Return what the function makes of a sample."""
        return self.function(element)


def grain_data_loader(
    dataset: Any,
    batch_size: int | None = 1,
    shuffle: bool | None = None,
    *,
    num_workers: int = 0,
    collate_fn: Any = None,
    drop_last: bool = False,
    prefetch_factor: int | None = None,
) -> Any:
    """Return a grain.DataLoader: batches are formed in the workers, each from its own records."""
    if batch_size is not None:
        operations = [grain.transforms.Batch(batch_size, drop_last, collate_fn)]
    else:
        operations = [Each(collate_fn)] if collate_fn else []
    ahead = {} if prefetch_factor is None else {"worker_buffer_size": prefetch_factor}
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
        **ahead,
    )


def adapter() -> Adapter:
    """Return the adapter of grain.DataLoader."""
    return Adapter(
        "grain", grain_data_loader, CAPABILITIES, distribution="grain", deviations=DEVIATIONS
    )
