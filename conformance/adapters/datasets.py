"""Hugging Face datasets: `Dataset.iter` over an Arrow table in the torch format.

The table is made of the dataset before anything is loaded, so what happens while a sample is
fetched cannot be asked. Its rows have named columns: those of a tuple are its places, and any other
sample but a dict is a column by itself; out of a batch they are taken again. Shuffling is done
once, to the table, which is iterated in each epoch and ends it. The seed is an integer, or else
"fresh, unpredictable entropy will be pulled from the OS".
https://huggingface.co/docs/datasets/v5.2.0/en/package_reference/main_classes
"""

from collections.abc import Iterator
from typing import Any

import datasets

from conformance.adapter import Adapter, deviations
from conformance.adapters._rows import (
    DOWNCAST,
    FORMATTER,
    OF_DATASETS,
    SOURCE,
    WITH_TORCH,
    row,
    unnamed,
)
from conformance.capability import Capability

CAPABILITIES = frozenset(
    {
        Capability.DATASET,
        Capability.EMPTY_DATASET,
        Capability.BATCH_SIZE,
        Capability.SHUFFLE,
        Capability.DROP_LAST,
    }
)

DEVIATIONS = (
    *OF_DATASETS,
    *deviations(
        "a column of bytes loses what zeros its values end with, as NumPy's bytes do",
        f"{FORMATTER}#L54-L55",
        "text_and_bytes_stay_what_they_are",
    ),
    *deviations(
        "of tensors of one dtype or another the torch format makes int64 or float32",
        DOWNCAST,
        "tensors_are_stacked",
    ),
    *deviations(
        "a column has one type",
        WITH_TORCH,
        "numbers_of_several_kinds_keep_their_value",
        "batches_of_workers_are_as_those_of_the_main_process",
        "tensors_of_several_dtypes_are_collated_alike_in_workers",
        kind="documented",
    ),
    *deviations(
        "the columns are those of the first row",
        f"{SOURCE}/arrow_dataset.py#L1160-L1161",
        "keys_of_later_samples_are_not_dropped",
        kind="documented",
    ),
    *deviations(
        "shuffling is done once, to the table",
        f"{SOURCE}/arrow_dataset.py#L4859-L4876",
        "every_epoch_is_shuffled_anew",
        "all_orders_are_equally_likely",
        "the_complete_example_shows_each_row_once_an_epoch",
        "the_train_loader_takes_full_batches_of_its_split",
        kind="documented",
    ),
)


class ArrowBatches:
    """A datasets.Dataset to be iterated in batches, epoch after epoch."""

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool | None = None,
        *,
        drop_last: bool = False,
    ) -> None:
        rows = [row(dataset[index]) for index in range(len(dataset))]
        self.table = datasets.Dataset.from_list(rows).with_format("torch")
        if shuffle:
            self.table = self.table.shuffle()
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[Any]:
        for batch in self.table.iter(self.batch_size, drop_last_batch=self.drop_last):
            yield unnamed(batch)


def adapter() -> Adapter:
    """Return the adapter of datasets.Dataset.iter."""
    return Adapter(
        "datasets", ArrowBatches, CAPABILITIES, distribution="datasets", deviations=DEVIATIONS
    )
