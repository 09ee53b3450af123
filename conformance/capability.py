"""What a loader may decline: the vocabulary in which needs and claims meet."""

import unittest
from enum import StrEnum


class Capability(StrEnum):
    """Something that a request can need and an adapter can claim.

    The first seventeen carry the names of the DataLoader's parameters, `dataset` meaning a
    map-style one; the last four are uses of `dataset` and `batch_size` that many loaders lack.
    A lazy dataset is a map-style one in which something happens when a sample is fetched, so that
    a loader which copies all samples beforehand, into a table or shards, cannot be asked.
    """

    DATASET = "dataset"
    BATCH_SIZE = "batch_size"
    SHUFFLE = "shuffle"
    SAMPLER = "sampler"
    BATCH_SAMPLER = "batch_sampler"
    NUM_WORKERS = "num_workers"
    COLLATE_FN = "collate_fn"
    PIN_MEMORY = "pin_memory"
    DROP_LAST = "drop_last"
    TIMEOUT = "timeout"
    WORKER_INIT_FN = "worker_init_fn"
    MULTIPROCESSING_CONTEXT = "multiprocessing_context"
    GENERATOR = "generator"
    PREFETCH_FACTOR = "prefetch_factor"
    PERSISTENT_WORKERS = "persistent_workers"
    PIN_MEMORY_DEVICE = "pin_memory_device"
    IN_ORDER = "in_order"
    ITERABLE_DATASET = "iterable_dataset"
    UNBATCHED = "unbatched"
    LAZY_DATASET = "lazy_dataset"
    EMPTY_DATASET = "empty_dataset"


class Unsupported(unittest.SkipTest):
    """The loader does not claim what the requirement needs; raised by the subject, not by a loader.

    A SkipTest, as that is what Hypothesis passes on at once instead of shrinking it.
    """


class PassedOver(Unsupported):
    """The loader declines an example that a property can do without, such as an empty dataset."""
