"""Who is asked: a loader behind its adapter, asked only for what it claims, and held to account."""

import inspect
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from conformance.adapter import Adapter
from conformance.capability import Capability, PassedOver, Unsupported
from conformance.processes import Started
from conformance.request import LoaderRequest

ENOUGH_BATCHES = 100_000


class Endless(Exception):  # noqa: N818 - blamed on the loader like any exception of its own
    """The loader delivers without end."""


class Subject:
    """The loader under judgement, as a check sees it.

    Attributes:
        seed: what a check seeds its own choices with; another seed explores.
        requests: every request made, the latest last.
        observations: choices that the documents leave open, as the check saw them made.
        faults: exceptions that came out of the loader, so that a judge can tell them from
            those of a check that is itself broken.

    """

    def __init__(self, adapter: Adapter, seed: int = 0) -> None:
        self.adapter = adapter
        self.seed = seed
        self.requests: list[LoaderRequest] = []
        self.observations: list[str] = []
        self.faults: list[BaseException] = []

    @contextmanager
    def open(self, dataset: Any, **options: Any) -> Iterator[Any]:
        """Open a loader of `dataset` with the DataLoader's keywords.

        Raises:
            Unsupported: the loader does not claim what this request needs.

        """
        request = LoaderRequest(dataset, **options)
        missing = sorted(request.needs() - self.adapter.capabilities)
        if missing:
            decline = PassedOver if missing == [Capability.EMPTY_DATASET] else Unsupported
            raise decline(f"needs {', '.join(missing)}")
        self.requests[:] = [*self.requests[-9:], request]
        door = self.adapter.open(request)
        with self.blame():
            loader = door.__enter__()
        try:
            yield Observed(loader, self)
        finally:
            with self.blame():
                door.__exit__(None, None, None)

    def signature(self) -> inspect.Signature:
        """Return the signature of the loader's constructor."""
        return self.adapter.signature()

    def offer(self, name: str) -> Callable[..., Any]:
        """Return a further callable of the loader's library.

        Raises:
            Unsupported: the library offers none of this name.

        """
        if name not in self.adapter.offers:
            raise Unsupported(f"offers no {name}")
        return self.adapter.offers[name]

    def elsewhere(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what `function(subject, *arguments)` returns in a freshly started interpreter."""
        with self.blame():
            return in_fresh_process(function, self, *arguments)

    def start(self, function: Callable[..., Any], *arguments: Any, method: str = "fork") -> Started:
        """Start `function(subject, *arguments)` in a process that may hang, die or be killed.

        To be used as a context: at its end the process is ended, and all that it has started.
        """
        return Started(function, self, *arguments, method=method, blame=self.blame)

    def observe(self, choice: str) -> None:
        """Note which of several permitted things the loader did."""
        if choice not in self.observations:
            self.observations.append(choice)

    def blame(self) -> "Blame":
        """Put down any exception raised inside to the loader."""
        return Blame(self.faults)

    def __reduce__(self) -> tuple[type["Subject"], tuple[Adapter, int]]:
        return Subject, (self.adapter, self.seed)


class Blame:
    """A context that notes what is raised in it, unless that is the end of an iteration.

    A generator would do, but for a StopIteration: passing through one makes it refer to itself, and
    what it refers to besides, an iterator with workers, waits for the garbage collector.
    """

    def __init__(self, faults: list[BaseException]) -> None:
        self._faults = faults

    def __enter__(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if error is not None and not isinstance(error, StopIteration):
            self._faults.append(error)


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a module-level function in an interpreter that shares nothing with this one."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


class Observed:
    """The loader itself to whoever uses it; its exceptions are put down to it."""

    def __init__(self, loader: Any, subject: Subject) -> None:
        self._loader = loader
        self._subject = subject

    def __iter__(self) -> Iterator[Any]:
        with self._subject.blame():
            return ObservedIterator(iter(self._loader), self._subject)

    def __len__(self) -> int:
        if not hasattr(type(self._loader), "__len__"):
            raise Unsupported("has no length")
        with self._subject.blame():
            return len(self._loader)

    def __bool__(self) -> bool:
        with self._subject.blame():
            return bool(self._loader)

    def __getattr__(self, name: str) -> Any:
        with self._subject.blame():
            return getattr(self._loader, name)


class ObservedIterator:
    """One epoch, which has to end."""

    def __init__(self, iterator: Any, subject: Subject) -> None:
        self._iterator = iterator
        self._subject = subject
        self._delivered = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with self._subject.blame():
            if self._delivered == ENOUGH_BATCHES:
                raise Endless(f"the epoch had not ended after {ENOUGH_BATCHES} batches")
            batch = next(self._iterator)
        self._delivered += 1
        return batch

    def __getattr__(self, name: str) -> Any:
        with self._subject.blame():
            return getattr(self._iterator, name)
