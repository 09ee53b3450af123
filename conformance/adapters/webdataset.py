"""webdataset's WebLoader, over a WebDataset of tar shards or a DataPipeline of a stream.

A map-style dataset is written into shards before anything is loaded, each sample pickled, so what
happens while one is fetched cannot be asked. There is a shard for each worker. Batches are those of
its `batched`, made in the workers; a WebLoader of batch_size=None hands them on, converted as torch
converts samples unless they are what a collate_fn has made. Shuffling is done in a buffer, here of
the size of the dataset; it is seeded by an integer, or else by the time.
https://webdataset.github.io/webdataset/webdataset/
"""

import pickle
import tempfile
from pathlib import Path
from typing import Any

import webdataset
from torch.utils.data import IterableDataset
from webdataset.filters import default_collation_fn

from conformance.adapter import Adapter, Deviation
from conformance.capability import Capability

CAPABILITIES = frozenset(Capability) - {
    Capability.LAZY_DATASET,
    Capability.EMPTY_DATASET,
    Capability.SAMPLER,
    Capability.BATCH_SAMPLER,
    Capability.GENERATOR,
    Capability.IN_ORDER,
}

DEVIATIONS: tuple[Deviation, ...] = ()


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
