"""torchdata's nodes, put together as its guide to moving from the DataLoader puts them.

A sampler node, a Batcher of indices, a ParallelMapper in worker processes that fetches and collates
a batch, a Prefetcher, and a Loader around them. A batch sampler is a sampler of batches; a stream
is an IterableWrapper, of which workers collate. The mapper has workers of its own for each epoch.
The guide's Prefetcher is of twice the workers, and of none it would wait for ever: without workers
there is none. Nodes take no generator (a sampler does), no timeout, no function for workers, and
what they have ahead is no factor of the workers that one could give.
https://pytorch.org/data/0.11/migrate_to_nodes_from_utils.html
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

from conformance.adapter import Adapter, deviations
from conformance.adapters._inherited import of_torch
from conformance.capability import Capability

GUIDE = "https://pytorch.org/data/0.11/migrate_to_nodes_from_utils.html"
NODES = "https://github.com/meta-pytorch/data/blob/v0.11.0/torchdata/nodes"

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

DEVIATIONS = (
    # torch's collation, which it is given as the function to map.
    *of_torch(
        "masks_of_arrays_are_not_lost",
        "keys_of_later_samples_are_not_dropped",
        "counters_are_batched_like_dicts",
    ),
    *deviations(
        "iter returns the one iterator there is, reset, so that loops share a position",
        f"{NODES}/loader.py#L34-L49",
        "two_iterators_at_once_are_independent",
        "loops_of_workers_may_be_nested",
    ),
    *deviations(
        "a StopIteration from the dataset is taken for the end of the data",
        f"{NODES}/map.py#L112-L113",
        "a_sample_cannot_end_the_epoch",
    ),
    *deviations(
        "what has ended is asked again by a further next",
        f"{NODES}/batch.py#L41-L55",
        "a_stream_that_has_ended_is_not_asked_again",
        "a_stream_of_single_samples_that_has_ended_is_not_asked_again",
    ),
    *deviations(
        "what a worker cannot send is lost, and the main process waits for it without end",
        f"{NODES}/_apply_udf.py#L49-L54",
        "tensors_that_require_a_gradient_come_from_workers_too",
    ),
    *deviations(
        "nobody looks after the workers: when one dies the main process waits for it without end",
        f"{NODES}/map.py#L232-L244",
        "a_worker_that_dies_in_a_sample_is_an_error",
        "a_worker_that_dies_while_it_sends_is_an_error",
        "no_batch_is_missing_after_a_death",
        "a_death_does_not_outlive_its_epoch",
        "a_death_is_found_in_any_thread",
        "a_death_leaves_nothing_behind",
    ),
    *deviations(
        "workers wait for work after the main process was killed",
        f"{NODES}/_apply_udf.py#L34-L42",
        "workers_do_not_outlive_a_killed_program",
    ),
    *deviations(
        "a loader that is done refers to itself, and its queues' descriptors stay open until the "
        "garbage is collected; no issue is known",
        "",
        "many_loaders_in_a_row_run_out_of_nothing",
    ),
    *deviations(
        "workers are not seeded: they draw the same numbers, as copies of the main process do",
        f"{NODES}/_apply_udf.py#L33-L34",
        "no_two_workers_draw_the_same_random_numbers",
    ),
    *deviations(
        "get_worker_info is not supported",
        GUIDE,
        "a_worker_knows_its_number_and_its_dataset",
        "a_worker_knows_its_seed",
        kind="documented",
    ),
    *deviations(
        "a stream is read once, in the main process, and workers have no shares of it",
        GUIDE,
        "a_batch_is_of_one_share_in_its_order",
        "the_order_of_shares_does_not_depend_on_their_speed",
        "drop_last_drops_the_end_of_a_share_at_most",
        "each_worker_begins_and_ends_its_share_once",
        "an_endless_stream_can_be_shared_and_left",
        kind="documented",
    ),
    *deviations(
        "a sampler beside a stream is a NotImplementedError, as the stream has no __getitem__",
        f"{NODES}/adapters.py#L78-L88",
        "a_stream_cannot_be_reordered",
    ),
    *deviations(
        "PinMemory asks CUDA for a device, and is an error where there is none",
        f"{NODES}/pin_memory.py#L129",
        "pin_memory_is_no_obstacle_where_nothing_can_be_pinned",
        "pinning_in_vain_is_told",
    ),
    *deviations(
        "a Batcher takes any batch_size and drop_last, and they are looked at when a batch is made",
        f"{NODES}/batch.py#L26-L30",
        "batch_size_has_to_count_something",
        "drop_last_has_to_be_true_or_false",
    ),
    *deviations(
        "any function to map is taken, and called when there is something to map",
        f"{NODES}/map.py#L297-L326",
        "a_collate_fn_is_looked_at_before_it_is_needed",
    ),
    *deviations(
        "a Loader is made of nodes: it has their root, and none of the DataLoader's parameters",
        GUIDE,
        "every_documented_parameter_is_there",
        "the_dataset_comes_first_and_is_all_that_is_required",
        "positions_mean_what_they_mean_in_the_documents",
        "further_parameters_are_by_keyword_and_optional",
        "the_dataset_and_the_batching_can_be_read",
        kind="documented",
    ),
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

    finish = collate_fn
    if finish is None:
        finish = default_convert if batch_size is None else default_collate
    chosen = shuffle or sampler is not None or batch_sampler is not None
    is_stream = isinstance(dataset, IterableDataset) and not chosen
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
        "torchdata-nodes",
        nodes_loader,
        CAPABILITIES,
        distribution="torchdata",
        called=Loader,
        deviations=DEVIATIONS,
    )
