"""grain's pipeline: a MapDataset, shuffled and batched, as an IterDataset with worker processes.

An epoch is one of those that `repeat` numbers, so each is shuffled by the seed and its number, as
documented: "random upstream transformations ... will be seeded differently (but deterministically)
for each epoch".
Shuffling takes an integer seed and no generator; the request has none, so one is drawn from torch's
global generator. Its workers are translated and not claimed: they are yet to be judged.
https://github.com/google/grain/blob/v0.2.18/grain/_src/python/dataset/dataset.py#L769-L800
"""

from collections.abc import Iterator
from typing import Any

import grain
import torch

from conformance.adapter import Adapter, deviations
from conformance.adapters._grain import DATASET, OF_GRAIN
from conformance.capability import Capability

CAPABILITIES = frozenset(
    {
        Capability.DATASET,
        Capability.LAZY_DATASET,
        Capability.EMPTY_DATASET,
        Capability.BATCH_SIZE,
        Capability.UNBATCHED,
        Capability.SHUFFLE,
        Capability.COLLATE_FN,
        Capability.DROP_LAST,
    }
)

DEVIATIONS = (
    *OF_GRAIN,
    *deviations(
        "batches are NumPy arrays, of whatever NumPy makes of the samples",
        f"{DATASET}#L433-L452",
        "pairs_come_as_a_batch_of_each",
        kind="documented",
    ),
    *deviations(
        "an element that is None is taken for one that a filter has removed",
        f"{DATASET}#L835-L837",
        "the_result_of_a_collate_fn_is_delivered_itself",
        kind="documented",
    ),
)


class GrainPipeline:
    """A grain.MapDataset to be iterated epoch after epoch."""

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        *,
        num_workers: int = 0,
        collate_fn: Any = None,
        drop_last: bool = False,
        worker_init_fn: Any = None,
        prefetch_factor: int | None = None,
    ) -> None:
        self.batch_size = batch_size
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.worker_init_fn = worker_init_fn
        ahead = {} if prefetch_factor is None else {"per_worker_buffer_size": prefetch_factor}
        self.workers = grain.MultiprocessingOptions(num_workers, **ahead)
        self.samples = grain.MapDataset.source(dataset)
        if shuffle:
            self.samples = self.samples.shuffle(int(torch.randint(2**32, ())))
        self.epochs = 0

    def batches(self, samples: Any) -> Any:
        """Return a MapDataset of the batches of samples, in order."""
        if self.batch_size is not None:
            return samples.batch(
                self.batch_size, drop_remainder=self.drop_last, batch_fn=self.collate_fn
            )
        return samples.map(self.collate_fn) if self.collate_fn else samples

    def __iter__(self) -> Iterator[Any]:
        size = len(self.samples)
        past, self.epochs = self.epochs * size, self.epochs + 1
        epoch = self.batches(self.samples.repeat(self.epochs)[past:]).to_iter_dataset()
        if not self.workers.num_workers:
            return iter(epoch)
        init = self.worker_init_fn and (lambda worker, _: self.worker_init_fn(worker))
        return iter(epoch.mp_prefetch(self.workers, worker_init_fn=init))

    def __len__(self) -> int:
        return len(self.batches(self.samples))


def adapter() -> Adapter:
    """Return the adapter of a pipeline of grain.MapDataset and grain.IterDataset."""
    return Adapter(
        "grain-dataset", GrainPipeline, CAPABILITIES, distribution="grain", deviations=DEVIATIONS
    )
