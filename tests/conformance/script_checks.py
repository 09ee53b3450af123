"""Checks that use what a check may use, each failing at its end; the scripts' tests judge them."""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import torch

from conformance import (
    FALSE_ALARM,
    Identity,
    Samples,
    Subject,
    Trace,
    Watched,
    epoch,
    flat,
    share_p,
)
from conformance.requirement import Requirement
from tests.conformance.examples import lawful

Pairs = list[list[int]]
TWICE = 2
FOUR = TWICE * 2
SEEN: str = "it"


class Colour(Enum):
    """A class that has a docstring and something else."""

    RED = 1


@dataclass
class Box:
    """A class of the chapter's own."""

    inside: list[Any] = field(default_factory=list)


class Base:
    """What another class needs."""

    @property
    def size(self) -> int:
        """Four."""
        return FOUR


class Sized(Base):
    """A class whose base has to be there first."""


def pairs(subject: Subject, size: int, *, times: int = TWICE) -> Pairs:
    """Open the loader, as a helper that takes the subject first does."""
    with subject.open(Identity(size), batch_size=times) as loader:
        return epoch(loader)


@functools.lru_cache
def expected(size: int) -> int:
    """Return its argument, in a function that has a decorator."""
    return size


def first(subject: Subject, size: int) -> Any:
    """Return a batch, in a fresh process."""
    with subject.open(Identity(size), batch_size=2) as loader:
        return flat(epoch(loader))


@contextlib.contextmanager
def around(iterator: Iterator[Any]) -> Iterator[Iterator[Any]]:
    """Make a context of an iterator."""
    yield iterator


def uses_helpers_and_constants(subject: Subject) -> None:
    made: Pairs = pairs(subject, FOUR)
    assert made == [[0, 1], [2, 3]]
    assert expected(len(made)) == TWICE
    assert False, f"saw {SEEN}"  # noqa: B011, PT015 - a script is run as it is


def uses_classes(subject: Subject) -> None:
    box = Box()
    with subject.open(Samples([Colour.RED] * Sized().size), batch_size=FOUR) as loader:
        box.inside += [list(batch) for batch in loader]
    assert box == Box([[Colour.RED] * 4])
    raise AssertionError(f"saw {SEEN}")


def uses_probes_and_chance(subject: Subject) -> None:
    with Trace() as trace, subject.open(Watched(3, trace)) as loader:
        seen = torch.tensor(flat(epoch(loader)))
        keys = trace.keys()
    assert seen.tolist() == keys == [0, 1, 2]
    assert math.isclose(share_p(5, 10, 0.5), 1.0)
    assert FALSE_ALARM < 1
    raise AssertionError(f"saw {SEEN}")


def uses_a_loader_inside_one_statement(subject: Subject) -> None:
    with subject.open(Identity(2)) as loader, around(iter(loader)) as iterator:
        batch = next(iterator)
    assert batch == [0]
    raise AssertionError(f"saw {SEEN}")


def uses_the_rest_of_the_words(subject: Subject) -> None:
    subject.observe("an observation")
    parameters = list(subject.signature().parameters)
    made = subject.offer("making")([7, 8])
    assert parameters[0] == "dataset"
    assert list(made) == [[7]]
    assert subject.seed == 5
    raise AssertionError(f"saw {SEEN}")


def asks_elsewhere(subject: Subject) -> None:
    assert subject.elsewhere(first, 3) == [0, 1, 2]
    raise AssertionError(f"saw {SEEN}")


def asks_in_a_process_that_may_die(subject: Subject) -> None:
    with subject.start(first, 3) as process:
        answer = process.answer()
    assert answer == [0, 1, 2]
    raise AssertionError(f"saw {SEEN}")


def opens_without_a_name(subject: Subject) -> None:
    with subject.open(Identity(2)):
        pass
    raise AssertionError(f"saw {SEEN}")


CHECKS: list[Callable[..., None]] = [
    uses_helpers_and_constants,
    uses_classes,
    uses_probes_and_chance,
    uses_a_loader_inside_one_statement,
    uses_the_rest_of_the_words,
    asks_elsewhere,
    asks_in_a_process_that_may_die,
    opens_without_a_name,
]


def checks() -> list[Requirement]:
    """Return the checks as requirements."""
    return [lawful(check) for check in CHECKS]
