"""Hugging Face datasets: `IterableDataset.iter` over a generator, in the torch format.

Its rows have named columns: those of a tuple are its places, and any other sample but a dict is a
column by itself; out of a batch they are taken again. Shuffling is done in a buffer, here of the
size of the dataset, as it has to be for every order to be possible. `set_epoch` is called before
each epoch, as its documentation asks. It is seeded by an integer, or by the operating system. An
epoch ends with the generator.
https://huggingface.co/docs/datasets/v5.2.0/en/stream
"""

from collections.abc import Iterator
from typing import Any

import datasets
from torch.utils.data import IterableDataset

from conformance.adapter import Adapter, deviations
from conformance.adapters._rows import OF_DATASETS, SOURCE, row, unnamed
from conformance.capability import Capability

CAPABILITIES = frozenset(
    {
        Capability.DATASET,
        Capability.LAZY_DATASET,
        Capability.EMPTY_DATASET,
        Capability.ITERABLE_DATASET,
        Capability.BATCH_SIZE,
        Capability.SHUFFLE,
        Capability.DROP_LAST,
    }
)

DEVIATIONS = (
    *OF_DATASETS,
    *deviations(
        "any batch_size and drop_last_batch are taken, and looked at when a batch is made",
        f"{SOURCE}/iterable_dataset.py#L3077-L3085",
        "batch_size_has_to_count_something",
        "drop_last_has_to_be_true_or_false",
    ),
)


class StreamedBatches:
    """A datasets.IterableDataset to be iterated in batches, epoch after epoch."""

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool | None = None,
        *,
        drop_last: bool = False,
    ) -> None:
        def rows() -> Iterator[dict[str, Any]]:
            is_stream = isinstance(dataset, IterableDataset)
            for sample in dataset if is_stream else map(dataset.__getitem__, range(len(dataset))):
                yield row(sample)

        self.rows = datasets.IterableDataset.from_generator(rows).with_format("torch")
        if shuffle:
            self.rows = self.rows.shuffle(buffer_size=max(1, len(dataset)))
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.epochs = 0

    def __iter__(self) -> Iterator[Any]:
        self.rows.set_epoch(self.epochs)
        self.epochs += 1
        for batch in self.rows.iter(self.batch_size, drop_last_batch=self.drop_last):
            yield unnamed(batch)


def adapter() -> Adapter:
    """Return the adapter of datasets.IterableDataset.iter."""
    return Adapter(
        "datasets-iterable",
        StreamedBatches,
        CAPABILITIES,
        distribution="datasets",
        deviations=DEVIATIONS,
    )
