"""webdataset's WebLoader, over a WebDataset of tar shards or a DataPipeline of a stream.

A map-style dataset is written into shards before anything is loaded, each sample pickled, so what
happens while one is fetched cannot be asked. There is a shard for each worker. Batches are those of
its `batched`, made in the workers; a WebLoader of batch_size=None hands them on, converted as torch
converts samples unless they are what a collate_fn has made. Shuffling is done in a buffer, here of
the size of the dataset; it is seeded by an integer, or else by the time, as its author says:
https://github.com/webdataset/webdataset/issues/122. An epoch ends with the shards, each read once,
as none is resampled and no with_epoch is asked for:
https://github.com/webdataset/webdataset/blob/v1.0.2/src/webdataset/pipeline.py#L97-L110
"""

import pickle
import tempfile
from pathlib import Path
from typing import Any

import webdataset
from torch.utils.data import IterableDataset
from webdataset.filters import default_collation_fn

from conformance.adapter import Adapter, deviations
from conformance.adapters._inherited import of_torch
from conformance.capability import Capability

CAPABILITIES = frozenset(Capability) - {
    Capability.LAZY_DATASET,
    Capability.EMPTY_DATASET,
    Capability.SAMPLER,
    Capability.BATCH_SAMPLER,
    Capability.GENERATOR,
    Capability.IN_ORDER,
}

SOURCE = "https://github.com/webdataset/webdataset/blob/v1.0.2/src/webdataset"
FILTERS = f"{SOURCE}/filters.py"

DEVIATIONS = (
    *deviations(
        "each worker reads its own shards and makes batches of them, which come as they are made",
        f"{SOURCE}/shardlists.py#L99-L112",
        "a_batch_that_is_kept_stays_as_it_was",
        "an_epoch_left_early_is_not_continued",
        "an_epoch_leaves_nothing_behind",
        "persistent_workers_end_with_their_loader",
        "many_loaders_in_a_row_run_out_of_nothing",
        "an_error_in_collate_fn_comes_at_its_turn",
        "a_worker_that_dies_while_it_sends_is_an_error",
        "two_workers_load_the_complete_example",
        "four_workers_load_the_train_example",
        "four_workers_load_the_validation_example",
        kind="documented",
    ),
    *deviations(
        "its collation stacks arrays, tensors and numbers of Python, and makes lists of the rest",
        f"{FILTERS}#L741-L752",
        "numpy_becomes_a_tensor_of_its_dtype",
        "samples_without_a_meaning_as_tensors_are_refused",
        "named_tuples_keep_their_names",
        "containers_are_kept_around_one_tensor_a_leaf",
        "lists_of_different_lengths_are_refused",
        "samples_are_the_same_after_an_epoch",
        "batches_of_workers_are_as_those_of_the_main_process",
        kind="documented",
    ),
    *deviations(
        "WebLoader takes whatever torch's DataLoader takes, and has none of its attributes",
        f"{SOURCE}/compat.py#L516-L520",
        "the_dataset_comes_first_and_is_all_that_is_required",
        "every_documented_parameter_is_there",
        "positions_mean_what_they_mean_in_the_documents",
        "unknown_keywords_are_not_swallowed",
        "the_dataset_and_the_batching_can_be_read",
        kind="documented",
    ),
    *deviations(
        "without a seed shuffling is seeded by the process and the time",
        "https://github.com/webdataset/webdataset/issues/122",
        "without_a_generator_the_global_seed_decides",
        kind="documented",
    ),
    *deviations(
        "the dataset of a worker is the pipeline around the stream",
        f"{SOURCE}/pipeline.py#L32-L52",
        "worker_init_fn_can_share_a_stream_out",
        kind="documented",
    ),
    *deviations(
        "map leaves out what its function makes None of, and nothing is said",
        "https://github.com/webdataset/webdataset/issues/200",
        "any_object_may_be_a_sample",
        "without_batching_samples_are_converted_only",
        "whatever_a_collate_fn_returns_arrives_from_a_worker",
    ),
    *deviations(
        "batched hands a batch on only when it has taken the next sample",
        f"{FILTERS}#L782-L795",
        "of_an_endless_stream_no_more_is_taken_than_asked_for",
    ),
    *deviations(
        "samples that do not fit each other are refused by an assert statement, which python -O "
        "leaves out",
        f"{FILTERS}#L718-L756",
        "keys_of_later_samples_are_not_dropped",
        "tensors_of_different_lengths_need_a_collate_fn",
    ),
    *deviations(
        "a masked array is stacked without its mask, and the masked value is delivered as data",
        f"{FILTERS}#L721-L725",
        "masks_of_arrays_are_not_lost",
    ),
    *deviations(
        "a batch that requires a gradient cannot be sent from a worker: the epoch ends without it",
        "https://github.com/pytorch/pytorch/issues/82411",
        "tensors_that_require_a_gradient_come_from_workers_too",
    ),
    *of_torch("loops_over_persistent_workers_do_not_mix"),
)


def web_loader(
    dataset: Any,
    batch_size: int | None = 1,
    shuffle: bool | None = None,
    *,
    collate_fn: Any = None,
    drop_last: bool = False,
    **options: Any,
) -> Any:
    """Return a webdataset.WebLoader, whose workers make the batches."""
    folder = None
    if isinstance(dataset, IterableDataset):
        pipeline = webdataset.FluidWrapper(dataset)
    else:
        folder = tempfile.TemporaryDirectory(prefix="shards-")
        shards = written(dataset, Path(folder.name), max(1, options.get("num_workers", 0)))
        pipeline = webdataset.WebDataset(shards, shardshuffle=False)
        pipeline = pipeline.to_tuple("pyd").map(unpickled)
        if shuffle:
            pipeline = pipeline.shuffle(len(dataset), initial=len(dataset))
    if batch_size is not None:
        collation = collate_fn or collated
        pipeline = pipeline.batched(batch_size, collation_fn=collation, partial=not drop_last)
    elif collate_fn:
        pipeline = pipeline.map(collate_fn)
    keep = same if collate_fn else None
    loader = webdataset.WebLoader(pipeline, batch_size=None, collate_fn=keep, **options)
    loader.folder = folder  # there for as long as the loader is
    return loader


def written(dataset: Any, folder: Path, shards: int) -> list[str]:
    """Write a map-style dataset into shards, one after the other, and return their paths."""
    size = len(dataset)
    paths = []
    for shard in range(shards):
        paths.append(str(folder / f"{shard:06}.tar"))
        with webdataset.TarWriter(paths[-1]) as writer:
            for index in range(shard * size // shards, (shard + 1) * size // shards):
                record = {"__key__": f"{index:09}", "pyd": pickle.dumps(dataset[index])}
                writer.write(record)
    return paths


def unpickled(record: tuple[bytes]) -> Any:
    """Return the sample that a record holds."""
    return pickle.loads(record[0])


def same(batch: Any) -> Any:
    """Return what a collate_fn has made."""
    return batch


def collated(samples: list[Any]) -> Any:
    """Return a batch by the library's default collation, which takes tuples and dicts of fields."""
    if isinstance(samples[0], tuple | dict):
        return default_collation_fn(samples)
    return default_collation_fn([(sample,) for sample in samples])[0]


def adapter() -> Adapter:
    """Return the adapter of webdataset.WebLoader."""
    return Adapter(
        "webdataset",
        web_loader,
        CAPABILITIES,
        distribution="webdataset",
        called=webdataset.WebLoader,
        deviations=DEVIATIONS,
    )
