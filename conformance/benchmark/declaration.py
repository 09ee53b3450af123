"""A benchmark: a question, the work that answers it, and what has to come of that work.

The folder is the registry, as with requirements: a benchmark is a function in a module of the
specification's package `benchmarks`, and its grid makes it several cases.
"""

import importlib
import inspect
import itertools
import pkgutil
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import torch

from conformance.catalogue import nearest
from conformance.errors import UsageError
from conformance.request import LoaderRequest

Clock = Literal["cpu", "wall", "memory", "held"]
BYTES = ("memory", "held")  # the clocks that tell no time
Offers = Mapping[str, Callable[..., Any]]


class Opened(Protocol):
    """What the stages of a work are given: a loader that is open, and the way to open another."""

    @property
    def loader(self) -> Any:
        """The loader that stays open for the whole measurement."""

    def opened(self) -> AbstractContextManager[Any]:
        """Open a further loader, for as long as the context lasts."""


Stages = Callable[[Opened], Generator[Any, None, None]]


@dataclass(frozen=True)
class Work:
    """What a loader is asked to do while the clock runs, and how its doing so is checked.

    Attributes:
        request: what is asked of the loader; or a function that makes it of what the loader's
            library offers besides.
        batches: how many batches one pass delivers, by which times are divided.
        check: tells from an iterable of the batches of a whole epoch whether they are right. It is
            called before the first measurement and after the last, on the loaders measured.
        consume: what is timed: called with the loader, makes one pass over it and returns something
            small that tells what was delivered.
        receipt: what `consume` must return, each time.
        stages: instead of `consume`, where only a part of a pass is timed: a generator function
            that prepares up to its first `yield`, is timed up to its second, which yields the
            receipt, and then clears up.
        limit: the same bytes moved without any loader; what is physically possible.
        apart: whether each unit is done in a copy of the process, for what a process does once.

    """

    request: LoaderRequest | Callable[[Offers], LoaderRequest]
    batches: int
    check: Callable[[Iterable[Any]], bool]
    receipt: Any
    consume: Callable[[Any], Any] | None = None
    stages: Stages | None = None
    limit: Callable[[], Any] | None = None
    apart: bool = False

    def __post_init__(self) -> None:
        if (self.consume is None) == (self.stages is None):
            raise ValueError("a work has either consume or stages; give exactly one of them")
        if self.batches < 1:
            raise ValueError(f"a work delivers at least one batch, got {self.batches}")


@dataclass(frozen=True)
class Benchmark:
    """A question about loaders, for each point of a grid.

    Attributes:
        name: module and function, `overhead.python_integers`.
        clock: "cpu", the CPU time of the process, for what happens in one process; "wall", and the
            CPU time of all processes besides, for what happens in several; "memory", by how many
            bytes the peak of resident memory rises, each time in a copy of the process; "held", by
            how many what all processes together hold does.
        slow: measured in few pairs, never judged by the gate, and left out where it must be quick.
        scale: shows how the cost grows with the last parameter of its grid. Measured only where
            that is asked for, as there is nothing in it for the gate and it takes minutes.

    """

    name: str
    question: str
    clock: Clock
    slow: bool
    scale: bool
    grid: Mapping[str, Sequence[Any]]
    build: Callable[..., Work]

    def cases(self) -> Iterator["Case"]:
        """Yield a case for each point of the grid."""
        for point in itertools.product(*self.grid.values()):
            yield Case(self, dict(zip(self.grid, point, strict=True)))


@dataclass(frozen=True)
class Case:
    """One point of a benchmark's grid."""

    benchmark: Benchmark
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The id, `overhead.python_integers[batch_size=32]`; stable, as a history goes by it."""
        point = ",".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.benchmark.name}[{point}]" if point else self.benchmark.name

    def work(self) -> Work:
        """Make the work, with its data."""
        return self.benchmark.build(**self.parameters)


def benchmark(
    *, clock: Clock = "cpu", slow: bool = False, scale: bool = False, **grid: Sequence[Any]
) -> Callable[[Callable[..., Work]], Benchmark]:
    """Make a benchmark of a function that returns the work, and whose docstring is the question.

    Raises:
        ValueError: the docstring does not open with a question.

    """

    def decorate(build: Callable[..., Work]) -> Benchmark:
        question = inspect.cleandoc(build.__doc__ or "").partition("\n\n")[0]
        if not question.endswith("?"):
            raise ValueError(
                f"the docstring of {build.__name__} must open with the question that it answers, "
                f"got {question!r}"
            )
        module = build.__module__.rpartition(".")[2]
        name = f"{module}.{build.__name__}"
        return Benchmark(name, " ".join(question.split()), clock, slow, scale, grid, build)

    return decorate


def benchmark_modules(specification: str) -> list[str]:
    """Return the names of a specification's modules of benchmarks; none, if it has no such package.

    Raises:
        UsageError: the package is there and cannot be imported.

    """
    name = f"{specification}.benchmarks"
    try:
        package = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name in (name, specification):
            return []
        raise UsageError(f"the benchmarks {name!r} cannot be imported: {error}") from error
    return [f"{name}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]


def cases(specification: str, *, scale: bool = False) -> dict[str, Case]:
    """Return the cases of a specification by their names, module by module as they stand there.

    Args:
        specification: the package.
        scale: those that show how the cost grows, instead of the others.

    """
    found = {}
    for name in benchmark_modules(specification):
        own = [
            value
            for _, value in inspect.getmembers_static(importlib.import_module(name))
            if isinstance(value, Benchmark) and value.scale is scale
        ]
        for each in sorted(own, key=lambda each: each.build.__code__.co_firstlineno):
            found.update({case.name: case for case in each.cases()})
    return found


def chosen(names: Collection[str], words: Collection[str]) -> list[str]:
    """Return the names that hold one of these words; all, if there are no words.

    Raises:
        UsageError: none is left.

    """
    left = [name for name in names if not words or any(word in name for word in words)]
    if not left:
        wanted = " or ".join(repr(word) for word in words)
        remedy = nearest(next(iter(words)), names) if words and names else "there is none at all"
        raise UsageError(f"no benchmark has {wanted or 'a name'} in its name; {remedy}")
    return left


def exhaust(loader: Iterable[Any]) -> tuple[int, Any]:
    """Iterate once; return the number of batches and the last of them."""
    count, batch = 0, None
    for batch in loader:  # noqa: B007 - the last one is wanted
        count += 1
    return count, batch


def collected(expected: Sequence[Any]) -> Callable[[Iterable[Any]], bool]:
    """Return a check that exactly these batches come, in order, each compared as it comes."""

    def check(batches: Iterable[Any]) -> bool:
        missing = object()
        pairs = itertools.zip_longest(batches, expected, fillvalue=missing)
        return all(came is not missing and same(came, wanted) for came, wanted in pairs)

    return check


def same(came: Any, wanted: Any) -> bool:
    """Whether two values are equal through and through.

    A tuple may have become a list, and a tensor an array: whether that is right the specification
    judges.
    """
    if isinstance(wanted, torch.Tensor) and isinstance(came, np.ndarray):
        came = torch.from_numpy(came)
    if isinstance(wanted, torch.Tensor):
        return isinstance(came, torch.Tensor) and came.dtype == wanted.dtype and came.equal(wanted)
    if isinstance(wanted, np.ndarray):
        return isinstance(came, np.ndarray) and np.array_equal(came, wanted)
    if isinstance(wanted, list | tuple):
        return (
            isinstance(came, list | tuple)
            and len(came) == len(wanted)
            and all(map(same, came, wanted))
        )
    return bool(type(came) is type(wanted) and came == wanted)
