"""SPDL's own DataLoader: threads that map, group and aggregate whatever a source yields.

Translated as its documents move from one to the other: the source yields indices, the preprocessor
is the dataset's `__getitem__`, the aggregator is the collate function (within a function, as it
has to be one: a class such as list would be taken for a table), and `output_order` is the input's.
A shuffle is its `DistributedRandomSampler` for a world of one, embedded as documented,
whose order depends on the number of the epoch; so a generator is unsupported. It has threads and
no worker processes, so all parameters about workers are. An epoch ends with its source, and what
fails on the way does not end it, as `max_failures` is -1 in `PipelineBuilder.build`.
https://facebookresearch.github.io/spdl/0.8.0/generated/spdl.dataloader.DataLoader.html
"""

from collections.abc import Callable, Iterable
from typing import Any

from torch.utils.data import IterableDataset, default_collate, default_convert

from conformance.adapter import UNREPORTED, Adapter, deviations
from conformance.adapters._inherited import of_torch
from conformance.capability import Capability

DOCS = "https://facebookresearch.github.io/spdl/0.8.0/generated"
LOADER = f"{DOCS}/spdl.dataloader.DataLoader.html"
PIPELINE = f"{DOCS}/spdl.pipeline.PipelineBuilder.html"

DEVIATIONS = (
    *deviations(
        "its threads fetch several samples at a time, and ahead of the caller",
        LOADER,
        "without_workers_nothing_is_loaded_before_it_is_asked_for",
        "without_workers_samples_are_fetched_by_the_caller",
        "indices_are_drawn_batch_by_batch",
        "fetching_in_bulk_changes_nothing",
        "of_an_endless_stream_no_more_is_taken_than_asked_for",
        kind="documented",
    ),
    *deviations(
        "what fails is logged and left out, and the epoch goes on: max_failures is -1 by default, "
        "and this loader has no parameter for it",
        PIPELINE,
        "samples_without_a_meaning_as_tensors_are_refused",
        "lists_of_different_lengths_are_refused",
        "tensors_of_different_lengths_need_a_collate_fn",
        "a_collate_fn_has_to_be_callable",
        "a_collate_fn_is_looked_at_before_it_is_needed",
        kind="documented",
    ),
    *deviations(
        "a sample that is None is left out",
        PIPELINE,
        "any_object_may_be_a_sample",
        "without_batching_samples_are_converted_only",
        kind="documented",
    ),
    *deviations(
        "after a StopIteration from the dataset the loop waits for ever; no issue is known",
        UNREPORTED,
        "a_sample_cannot_end_the_epoch",
    ),
    *deviations(
        "an order is seeded by the number of the epoch, not by torch's global seed",
        f"{DOCS}/spdl.source.DistributedRandomSampler.html",
        "without_a_generator_the_global_seed_decides",
        kind="documented",
    ),
    *deviations(
        "it has a source and stages, and its own names and defaults for them",
        LOADER,
        "every_documented_parameter_is_there",
        "the_dataset_comes_first_and_is_all_that_is_required",
        "positions_mean_what_they_mean_in_the_documents",
        "defaults_are_those_of_the_documents",
        "further_parameters_are_by_keyword_and_optional",
        "the_dataset_and_the_batching_can_be_read",
        kind="documented",
    ),
    *deviations(
        "arguments are not checked: 0 switches batching off, any true value drops the last batch, "
        "and a negative timeout is over at once; no issue is known",
        UNREPORTED,
        "batch_size_has_to_count_something",
        "drop_last_has_to_be_true_or_false",
        "timeout_has_to_be_a_duration",
    ),
    # Of torch's collation, which it is given as aggregator.
    *of_torch(
        "masks_of_arrays_are_not_lost",
        "keys_of_later_samples_are_not_dropped",
        "counters_are_batched_like_dicts",
    ),
)


def spdl_loader(
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

    collate = collate_fn or (default_convert if batch_size is None else default_collate)

    def aggregate(samples: Any) -> Any:
        return collate(samples)

    fetch = None if isinstance(dataset, IterableDataset) else dataset.__getitem__
    if fetch is None:
        source = dataset
    elif sampler is not None:
        source = sampler
    elif shuffle:
        source = embed_shuffle(DistributedRandomSampler(len(dataset), rank=0, world_size=1))
    else:
        source = range(len(dataset))
    return DataLoader(  # type: ignore[no-any-return]
        source,
        preprocessor=fetch,
        batch_size=batch_size,
        drop_last=drop_last,
        aggregator=aggregate,
        timeout=timeout or None,
        output_order="input",
    )


def adapter() -> Adapter:
    """Return the adapter of spdl.dataloader.DataLoader."""
    from spdl.dataloader import DataLoader

    return Adapter(
        "spdl",
        spdl_loader,
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
