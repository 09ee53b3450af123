"""Loaders with vices that only a benchmark would tempt to."""

from collections.abc import Iterator
from typing import Any

from tests.miniatures import Plain


class OnlyOnceWhole(Plain):
    """Delivers a whole first epoch, and then less, which is faster."""

    epochs = 0

    def __iter__(self) -> Iterator[Any]:
        self.epochs += 1
        batches = list(super().__iter__())
        return iter(batches if self.epochs == 1 else batches[-1:])


class OnlyTheLastRight(Plain):
    """Delivers a whole first epoch, and then the right last batch as often as there are batches."""

    epochs = 0

    def __iter__(self) -> Iterator[Any]:
        self.epochs += 1
        batches = list(super().__iter__())
        return iter(batches if self.epochs == 1 else [batches[-1]] * len(batches))


class Raising(Plain):
    """Raises at once."""

    def __iter__(self) -> Iterator[Any]:
        raise OSError("too many open files")


class RaisingUnlessOne(Plain):
    """Raises, but for batches of one sample."""

    def __iter__(self) -> Iterator[Any]:
        if self.batch_size != 1:
            raise OSError("too many open files")
        return super().__iter__()


class HangingUnlessOne(Plain):
    """Hangs, but for batches of one sample."""

    def __iter__(self) -> Iterator[Any]:
        while self.batch_size != 1:
            pass
        return super().__iter__()
