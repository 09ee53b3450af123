"""From keys to samples: how a dataset is asked.

There are two kinds of dataset. A map has `__getitem__` and is asked by key (D1 dataset); a stream
is an `IterableDataset`, has an order of its own, and is asked for the next samples.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, Protocol, TypeVar

from torch.utils.data import IterableDataset

Fetch = Callable[[Any], Any]
T_co = TypeVar("T_co", covariant=True)


class Keyed(Protocol[T_co]):
    """A dataset that is asked by key."""

    def __getitem__(self, key: Any, /) -> T_co: ...


class Stream(Enum):
    """What a fetch returns in place of samples when its stream has none left."""

    ENDED = "ended"


def is_stream(dataset: Any) -> bool:
    """Tell whether `dataset` is read in its own order rather than by key."""
    return isinstance(dataset, IterableDataset)


def fetcher(dataset: Any, *, batched: bool, drop_last: bool) -> Fetch:
    """Return the function that gets the samples of one task from `dataset`.

    It takes what `Task.keys` holds. For a batch it returns the list of its samples, or whatever a
    dataset's `__getitems__` makes of the list of keys; without batching it returns one sample. A
    stream is opened here, once, and its fetch returns `Stream.ENDED` when nothing is left.
    """
    if is_stream(dataset):
        return _stream_of_batches(dataset, drop_last) if batched else _stream(dataset)
    return _batch_by_keys(dataset) if batched else _sample_by_key(dataset)


def _sample_by_key(dataset: Any) -> Fetch:
    return lambda key: dataset[key]


def _batch_by_keys(dataset: Any) -> Fetch:
    at_once: Fetch | None = getattr(dataset, "__getitems__", None)
    if at_once:
        return at_once
    return lambda keys: [dataset[key] for key in keys]


def _stream(dataset: Any) -> Fetch:
    draw = _drawing(dataset)
    return lambda _: draw()


def _stream_of_batches(dataset: Any, drop_last: bool) -> Fetch:
    draw = _drawing(dataset)

    def fetch(size: int) -> Any:
        # By `next` alone: a loop over the stream would call iter, and some then begin anew.
        batch: list[Any] = []
        while len(batch) < size and (sample := draw()) is not Stream.ENDED:
            batch.append(sample)
        return Stream.ENDED if not batch or (drop_last and len(batch) < size) else batch

    return fetch


def _drawing(dataset: Any) -> Callable[[], Any]:
    # An iterator that goes on after StopIteration is a faulty one, and asking it again would give
    # an epoch two ends.
    samples = iter(dataset)
    ended = False

    def draw() -> Any:
        nonlocal ended
        sample = Stream.ENDED if ended else next(samples, Stream.ENDED)
        ended = sample is Stream.ENDED
        return sample

    return draw
