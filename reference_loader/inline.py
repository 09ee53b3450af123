"""The epoch of `num_workers=0`: the caller does the work, when it asks for a batch.

Where each batch is only begun when the one before it is in the caller's hands, there is nothing to
put in order and nothing under way; so this needs neither tasks nor an executor.
"""

from collections.abc import Callable, Iterator
from typing import Any

from reference_loader.executor import misplaced_stop
from reference_loader.fetching import Fetch, Stream
from reference_loader.pages import shared
from reference_loader.plan import Task


class Inline:
    """The iterator over one epoch.

    As `Delivery` it outlives an error: the batch that failed is skipped, and the next call returns
    the one after it. A sampler that failed has ended, and after the end every call raises
    StopIteration.
    """

    def __init__(self, keys: Iterator[Any], fetch: Fetch, collate: Callable[[Any], Any]) -> None:
        self._keys = keys
        self._fetch = fetch
        self._collate = collate
        self._position = -1
        self._pages = shared()  # for the batches, as long as the epoch is under way

    def __iter__(self) -> "Inline":
        return self

    def __next__(self) -> Any:
        """Load the next batch and return it; raise what it failed with."""
        try:
            keys = next(self._keys)
        except BaseException:  # its end is one of them
            self._keys = iter(())
            raise
        self._position += 1
        try:
            samples = self._fetch(keys)
            if samples is not Stream.ENDED:
                return self._collate(samples)
        except StopIteration as error:
            raise misplaced_stop(Task(self._position, keys), error) from error
        self._keys = iter(())
        raise StopIteration
