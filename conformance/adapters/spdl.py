"""SPDL's own DataLoader: threads that map, group and aggregate whatever a source yields.

Translated as its documents move from one to the other: the source yields indices, the preprocessor
is the dataset's `__getitem__`, the aggregator is the collate function, and `output_order` is the
input's. A shuffle is its `DistributedRandomSampler` for a world of one, embedded as documented, whose
order is seeded by an integer and the number of the epoch; so a generator is unsupported. It has
threads and no worker processes, so all parameters about workers are.
https://facebookresearch.github.io/spdl/0.8.0/generated/spdl.dataloader.DataLoader.html
"""

from collections.abc import Callable, Iterable
from typing import Any

from torch.utils.data import IterableDataset, default_collate, default_convert

from conformance.adapter import Adapter
from conformance.capability import Capability

DEVIATIONS = ()


def loader(
    dataset: Any,
    batch_size: int | None = 1,
    shuffle: bool | None = None,
    sampler: Iterable[Any] | None = None,
    collate_fn: Callable[[Any], Any] | None = None,
    drop_last: bool = False,
    timeout: float = 0,
) -> Iterable[Any]:
    """Construct SPDL's DataLoader with the arguments of torch's."""
    from spdl.dataloader import DataLoader
    from spdl.source import DistributedRandomSampler
    from spdl.source.utils import embed_shuffle

    fetch = None if isinstance(dataset, IterableDataset) else dataset.__getitem__
    if fetch is None:
        source = dataset
    elif sampler is not None:
        source = sampler
    elif shuffle:
        source = embed_shuffle(DistributedRandomSampler(len(dataset), rank=0, world_size=1))
    else:
        source = range(len(dataset))
    return DataLoader(
        source,
        preprocessor=fetch,
        batch_size=batch_size,
        drop_last=drop_last,
        aggregator=collate_fn or (default_convert if batch_size is None else default_collate),
        timeout=timeout or None,
        output_order="input",
    )


def adapter() -> Adapter:
    """Return the adapter of spdl.dataloader.DataLoader."""
    from spdl.dataloader import DataLoader

    return Adapter(
        "spdl",
        loader,
        frozenset(
            {
                Capability.DATASET,
                Capability.ITERABLE_DATASET,
                Capability.LAZY_DATASET,
                Capability.EMPTY_DATASET,
                Capability.BATCH_SIZE,
                Capability.UNBATCHED,
                Capability.SHUFFLE,
                Capability.SAMPLER,
                Capability.COLLATE_FN,
                Capability.DROP_LAST,
                Capability.TIMEOUT,
            }
        ),
        distribution="spdl-core",
        called=DataLoader,
        deviations=DEVIATIONS,
    )
