"""webdataset's WebLoader, over a WebDataset of tar shards or a DataPipeline of a stream.

A map-style dataset is written into shards before anything is loaded, each sample pickled; so what
happens while one is fetched cannot be asked. A sample is a field of its record: what is batched by
the library's collation is that field. With workers each reads its own shards. Shuffling is done in
a buffer, here of the size of the dataset; it is seeded by an integer, and by nothing unless asked.
https://webdataset.github.io/webdataset/api/WebDataset/
"""

import tempfile
from operator import itemgetter
from pathlib import Path
from typing import Any

import webdataset
from torch.utils.data import IterableDataset
from webdataset.filters import default_collation_fn

from conformance.adapter import Adapter
from conformance.capability import Capability

CAPABILITIES = frozenset(Capability) - {
    Capability.LAZY_DATASET,
    Capability.EMPTY_DATASET,
    Capability.SAMPLER,
    Capability.BATCH_SAMPLER,
    Capability.GENERATOR,
    Capability.IN_ORDER,
}


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
        pipeline = pipeline.decode().map(itemgetter("pyd"))
        if shuffle:
            pipeline = pipeline.shuffle(len(dataset), initial=len(dataset))
    if batch_size is not None:
        collation = collate_fn or collated
        pipeline = pipeline.batched(batch_size, collation_fn=collation, partial=not drop_last)
    elif collate_fn:
        pipeline = pipeline.map(collate_fn)
    loader = webdataset.WebLoader(pipeline, batch_size=None, collate_fn=None, **options)
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
                writer.write({"__key__": f"{index:09}", "pyd": dataset[index]})
    return paths


def collated(samples: list[Any]) -> Any:
    """Return a batch by the library's default collation, which takes tuples and dicts of fields."""
    if isinstance(samples[0], tuple | dict):
        return default_collation_fn(samples)
    return default_collation_fn([(sample,) for sample in samples])[0]


def adapter() -> Adapter:
    """Return the adapter of webdataset.WebLoader."""
    return Adapter("webdataset", web_loader, CAPABILITIES, distribution="webdataset")
