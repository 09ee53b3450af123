"""The plan of an epoch: its batches, numbered, before any of them is loaded.

A task is a value, so it can be sent to whoever does the work, and its position says where the
batch belongs whenever it is finished.
"""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, NamedTuple


class Task(NamedTuple):
    """One batch to load: its place in the epoch and what is asked of the dataset.

    `keys` is a list of keys for a batch, one key where batching is off, and for a stream, which
    knows no keys, the number of samples to draw (None: a single one, not batched).
    """

    position: int
    keys: Any


def plan(keys: Iterable[Any]) -> Iterator[Task]:
    """Yield the tasks for `keys`; `iter(keys)` is called at once, its elements wait to be asked."""
    return map(Task, count(), keys)
