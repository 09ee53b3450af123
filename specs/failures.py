"""An error in a sample, with workers and without: it is raised, at its turn, as what it is.

Batches are compared with the names of errors between them, as in [[0], "ValueError", [2]].
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from torch.utils.data import Dataset

from conformance import (
    Honest,
    LoaderRequest,
    Subject,
    Trace,
    Troubled,
    Until,
    epoch,
    kind_of,
    plain,
    requirement,
    told,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
SKIPPED = "https://github.com/pytorch/pytorch/issues/68519"
STOPPED = "https://github.com/pytorch/pytorch/issues/82732"


class Broken(Exception):  # noqa: N818 - as users name theirs
    """An error of the dataset's own."""


def decode() -> None:
    """Be the function in a dataset that fails."""
    raise Broken("the picture has no end")


@dataclass
class Slow(Dataset[int]):
    """Eight samples; the first is ready only when the fourth has failed, if `patient`."""

    lazy = True

    trace: Trace
    patient: bool

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        if index == 0 and self.patient:
            Until(self.trace, "failed", 3)()
        if index == 3:
            self.trace.record("failed", 3)
            decode()
        return index


@requirement(evidence=[DOCS, SKIPPED])
def an_error_in_a_sample_comes_at_its_turn(subject: Subject) -> None:
    """An error in a sample MUST be raised at its batch's turn, after all batches before that one.

    The place in the data is what a user searches by; and an error that overtakes good batches
    takes them along.
    """
    answers = []
    for workers in (0, 2):
        with Trace() as trace:
            dataset = Slow(trace, patient=workers > 0)
            with subject.open(dataset, batch_size=2, num_workers=workers) as loader:
                answers.append(told(iter(loader))[:2])
    assert answers == [[[0, 1], "Broken"]] * 2


@an_error_in_a_sample_comes_at_its_turn.mutant
def raises_before_it_delivers(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    yield from list(batches)


@an_error_in_a_sample_comes_at_its_turn.mutant
def ends_at_an_error(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    try:
        yield from batches
    except Broken:
        return


@an_error_in_a_sample_comes_at_its_turn.mutant_loader
def loads_the_next_sample_instead(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=Lenient(request.dataset)))


@dataclass
class Lenient(Dataset[Any]):
    """A dataset in which a sample that fails is the one before; part of a mutant."""

    lazy = True

    dataset: Any

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        try:
            return self.dataset[index]
        except Broken:
            return index - 1


@requirement(evidence=[SKIPPED])
def no_batch_is_missing_after_an_error(subject: Subject) -> None:
    """After an error a loader MUST either deliver no more or every other batch exactly once.

    Those who catch the error and go on believe that they have lost one batch.
    """
    answers = []
    for workers in (0, 2):
        dataset = Troubled(10, 3, decode)
        with subject.open(dataset, num_workers=workers) as loader:
            answers.append([answer for answer in told(iter(loader)) if answer != "Broken"])
    went_on = ["went on" if len(answer) > 3 else "ended" for answer in answers]
    subject.observe(f"after an error: {went_on[0]} without workers, {went_on[1]} with them")
    without = {"went on": [[index] for index in range(10) if index != 3], "ended": [[0], [1], [2]]}
    assert answers == [without[choice] for choice in went_on]


@no_batch_is_missing_after_an_error.mutant
def loses_the_batch_after_an_error(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return Losing(iter(batches))


class Losing:
    """An iterator that passes over what follows an error; part of a mutant."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        self.iterator = iterator

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return next(self.iterator)
        except Broken:
            next(self.iterator)
            raise


@no_batch_is_missing_after_an_error.mutant
def begins_anew_after_an_error(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return Repeating(iter(batches))


class Repeating:
    """An iterator that delivers what came before an error once more; part of a mutant."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        self.iterator = iterator
        self.last: Any = None
        self.failed = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.failed:
            self.failed = False
            return self.last
        try:
            self.last = next(self.iterator)
        except Broken:
            self.failed = True
            raise
        return self.last


def stop() -> None:
    next(iter(()))


@requirement(evidence=[STOPPED, SKIPPED])
def a_sample_cannot_end_the_epoch(subject: Subject) -> None:
    """A StopIteration from a sample MUST NOT end the epoch as if there were no more data.

    A `next` on something empty inside a dataset is a common bug, and the rest of the data is
    never seen.
    """
    answers = []
    for workers in (0, 2):
        with subject.open(Troubled(6, 2, stop), num_workers=workers) as loader:
            answer = told(iter(loader))
            # What comes after the two good batches: an error of whatever type.
            answers.append((answer[:2], [type(each) for each in answer[2:3]]))
    assert answers == [([[0], [1]], [str])] * 2


@a_sample_cannot_end_the_epoch.mutant
def takes_it_for_the_end(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    try:
        yield from batches
    except Exception:
        return


@dataclass
class Recovering(Dataset[int]):
    """Six samples, one of which fails until the trace says "mended"."""

    lazy = True

    trace: Trace

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> int:
        if index == 2 and not self.trace.keys("mended"):
            raise Broken("for now")
        return index


@requirement(evidence=[DOCS, SKIPPED])
def an_error_does_not_outlive_its_epoch(subject: Subject) -> None:
    """After an error the next epoch MUST be whole, if nothing fails in it.

    A network drive comes back; a loader that is broken for good, or raises what is past, has to be
    thrown away, and with it the training's place.
    """
    answers = []
    for options in ({}, {"num_workers": 2}, {"num_workers": 2, "persistent_workers": True}):
        with Trace() as trace, subject.open(Recovering(trace), **options) as loader:
            iterator = iter(loader)
            first = [told_one(iterator) for _ in range(3)]
            trace.record("mended", 0)
            answers.append([first, epoch(loader)])
    assert answers == [[[[0], [1], "Broken"], [[0], [1], [2], [3], [4], [5]]]] * 3


def told_one(iterator: Iterator[Any]) -> Any:
    try:
        return plain(next(iterator, "end"))
    except Exception as error:
        return kind_of(error)


@an_error_does_not_outlive_its_epoch.mutant_loader
def raises_its_first_error_for_ever(request: LoaderRequest, honest: Honest) -> Any:
    return Offended(honest(request))


class Offended:
    """A loader that repeats the error it has once raised; part of a mutant."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[Any]:
        if self.error:
            raise self.error
        try:
            yield from self.loader
        except Exception as error:
            self.error = error
            raise
