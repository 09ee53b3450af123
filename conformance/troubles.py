"""Probe datasets in which something happens, and what an epoch comes to in spite of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch.utils.data import Dataset, IterableDataset

from conformance.datasets import plain
from conformance.processes import PATIENCE, until
from conformance.trace import Trace

GIVEN_UP = 3  # errors in succession after which an iterator is taken to have ended


@dataclass
class Troubled(Dataset[int]):
    """`size` samples like those of `Identity`; before the one `at` an index `trouble` is called.

    With a trace every access is recorded as a "fetch", before any trouble.
    """

    lazy = True

    size: int
    at: int
    trouble: Callable[[], Any]
    trace: Trace | None = None

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        if self.trace:
            self.trace.record("fetch", index)
        if index == self.at:
            self.trouble()
        return index


@dataclass
class TroubledStream(IterableDataset[int]):
    """The numbers below `size`, in order; before the number `at` `trouble` is called."""

    size: int
    at: int
    trouble: Callable[[], Any]

    def __iter__(self) -> Iterator[int]:
        for index in range(self.size):
            if index == self.at:
                self.trouble()
            yield index


@dataclass
class Until:
    """A trouble: waits until the trace has an event of this kind and key, but not for ever."""

    trace: Trace
    kind: str
    key: int
    seconds: float = 2 * PATIENCE

    def __call__(self) -> bool:
        """Return whether the event has come."""
        return until(lambda: self.key in self.trace.keys(self.kind), self.seconds)


def told(iterator: Iterator[Any]) -> list[Any]:
    """Return what each `next` came to: batches as plain values, errors by the names of their types.

    An error does not end it, but several in succession do.
    """
    answers: list[Any] = []
    errors = 0
    while errors < GIVEN_UP:
        try:
            answers.append(plain(next(iterator)))
            errors = 0
        except StopIteration:
            break
        except Exception as error:
            answers.append(kind_of(error))
            errors += 1
    return answers


def kind_of(error: BaseException) -> str:
    """Return the name of the error's type, and take its tracebacks from it.

    They would keep alive what a loader held when it failed, for as long as the error is known.
    """
    chain: BaseException | None = error
    while chain is not None:
        chain.__traceback__ = None
        chain = chain.__cause__ or chain.__context__
    return type(error).__name__
