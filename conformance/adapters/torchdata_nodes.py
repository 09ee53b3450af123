"""torchdata's nodes, put together as its guide to moving from the DataLoader puts them.

A sampler node, a Batcher of indices, a ParallelMapper in worker processes that fetches and collates
a batch, a Prefetcher, and a Loader around them. A batch sampler is a sampler of batches; a stream
is an IterableWrapper, of which workers collate. The mapper has workers of its own for each epoch.
The guide's Prefetcher is of twice the workers, and of none it would wait for ever: without workers
there is none. Nodes take no generator (a sampler does), no timeout, no function for workers, and
what they have ahead is no factor of the workers that one could give.
https://meta-pytorch.org/data/0.11/migrate_to_nodes_from_utils.html
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from torch.utils.data import (
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    default_collate,
    default_convert,
)

from conformance.adapter import Adapter
from conformance.capability import Capability

CAPABILITIES = frozenset(
    {
        Capability.DATASET,
        Capability.LAZY_DATASET,
        Capability.EMPTY_DATASET,
        Capability.ITERABLE_DATASET,
        Capability.BATCH_SIZE,
        Capability.UNBATCHED,
        Capability.SHUFFLE,
        Capability.SAMPLER,
        Capability.BATCH_SAMPLER,
        Capability.NUM_WORKERS,
        Capability.COLLATE_FN,
        Capability.PIN_MEMORY,
        Capability.PIN_MEMORY_DEVICE,
        Capability.DROP_LAST,
        Capability.MULTIPROCESSING_CONTEXT,
        Capability.IN_ORDER,
    }
)


@dataclass
class Fetched:
    """Makes a sample of an index, and what `finish` makes of it."""

    dataset: Any
    finish: Callable[[Any], Any]

    def __call__(self, index: Any) -> Any:
        """Fetch one sample."""
        return self.finish(self.dataset[index])


@dataclass
class FetchedTogether(Fetched):
    """Makes a batch of indices."""

    def __call__(self, indices: Sequence[Any]) -> Any:
        """Fetch the samples of one batch."""
        return self.finish([self.dataset[index] for index in indices])


def nodes_loader(
    dataset: Any,
    batch_size: int | None = 1,
    shuffle: bool | None = None,
    sampler: Iterable[Any] | None = None,
    batch_sampler: Iterable[Any] | None = None,
    num_workers: int = 0,
    collate_fn: Callable[[Any], Any] | None = None,
    pin_memory: bool = False,
    drop_last: bool = False,
    multiprocessing_context: Any = None,
    pin_memory_device: str = "",
    in_order: bool = True,
) -> Any:
    """Return a torchdata.nodes.Loader over the nodes that the arguments ask for."""
    from torchdata import nodes

    finish = collate_fn or (default_convert if batch_size is None else default_collate)
    is_stream = isinstance(dataset, IterableDataset)
    if is_stream:
        node = nodes.IterableWrapper(dataset)
    elif batch_sampler is not None:
        node = nodes.SamplerWrapper(batch_sampler)
    else:
        default = RandomSampler if shuffle else SequentialSampler
        node = nodes.SamplerWrapper(default(dataset) if sampler is None else sampler)
    if batch_size is not None and batch_sampler is None:
        node = nodes.Batcher(node, batch_size, drop_last=drop_last)
    if not is_stream:
        together = batch_size is not None or batch_sampler is not None
        finish = (FetchedTogether if together else Fetched)(dataset, finish)
    node = nodes.ParallelMapper(
        node,
        finish,
        num_workers,
        in_order=in_order,
        method="process",
        multiprocessing_context=multiprocessing_context,
    )
    if pin_memory:
        node = nodes.PinMemory(node, pin_memory_device)
    if num_workers:
        node = nodes.Prefetcher(node, prefetch_factor=2 * num_workers)
    return nodes.Loader(node)


def adapter() -> Adapter:
    """Return the adapter of torchdata.nodes."""
    from torchdata.nodes import Loader

    return Adapter(
        "torchdata-nodes", nodes_loader, CAPABILITIES, distribution="torchdata", called=Loader
    )
