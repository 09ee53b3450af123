"""Errors in what a loader is handed beside samples: collate_fn, samplers, streams, worker_init_fn.

Each is raised in the loop, at the turn of the batch that it concerns, with workers as without.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from conformance import (
    Honest,
    Identity,
    LoaderRequest,
    Subject,
    Trace,
    TroubledStream,
    Watched,
    epoch,
    kind_of,
    plain,
    requirement,
    told,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
SKIPPED = "https://github.com/pytorch/pytorch/issues/68519"
INIT = "https://github.com/pytorch/pytorch/pull/20150"
WORKERS = (0, 2)


class Broken(Exception):  # noqa: N818 - as users name theirs
    """An error of the user's own."""


def fail() -> None:
    raise Broken("here")


def refuse_four(samples: list[int]) -> list[int]:
    if 4 in samples:
        fail()
    return samples


@requirement(evidence=[DOCS, SKIPPED])
def an_error_in_collate_fn_comes_at_its_turn(subject: Subject) -> None:
    """An error in collate_fn MUST be raised as such at its batch's turn, after those before it.

    Ragged samples are found out here, and which batch it was says which samples they are.
    """
    answers = []
    for workers in WORKERS:
        with subject.open(
            Identity(10), batch_size=2, collate_fn=refuse_four, num_workers=workers
        ) as loader:
            answers.append(told(iter(loader))[:3])
    assert answers == [[[0, 1], [2, 3], "Broken"]] * 2


@an_error_in_collate_fn_comes_at_its_turn.mutant_loader
def delivers_samples_uncollated_then(request: LoaderRequest, honest: Honest) -> Any:
    collate: Any = request.collate_fn

    def forgiving(samples: list[int]) -> Any:
        try:
            return collate(samples)
        except Broken:
            return samples

    return honest(request.but(collate_fn=forgiving))


@an_error_in_collate_fn_comes_at_its_turn.mutant
def raises_a_batch_early(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    ahead: list[Any] = []
    for batch in batches:
        yield from ahead
        ahead = [batch]
    yield from ahead


@requirement(evidence=[DOCS])
def an_error_in_a_stream_comes_at_its_turn(subject: Subject) -> None:
    """An error in an iterable dataset MUST be raised after the batches that were full before it.

    What has been read of a stream cannot be read again.
    """
    answers = []
    for workers in (0, 1):
        with subject.open(TroubledStream(8, 5, fail), batch_size=2, num_workers=workers) as loader:
            answers.append(told(iter(loader))[:3])
    assert answers == [[[0, 1], [2, 3], "Broken"]] * 2


@an_error_in_a_stream_comes_at_its_turn.mutant
def takes_it_for_the_end_of_the_stream(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    try:
        yield from batches
    except Broken:
        return


@an_error_in_a_stream_comes_at_its_turn.mutant
def loses_the_batch_before_it(request: LoaderRequest, batches: Iterable[Any]) -> Iterable[Any]:
    return raises_a_batch_early(request, batches)


@dataclass
class Unfinished:
    """A sampler, or with `batch` a batch sampler, that fails when a fourth index is drawn."""

    batch: bool = False

    def __iter__(self) -> Iterator[Any]:
        yield from ([index] if self.batch else index for index in range(3))
        fail()

    def __len__(self) -> int:
        return 8


def around_a_sampler(subject: Subject, workers: int) -> list[Any]:
    """Return what epochs over three indices and an error come to, the error being the last."""
    answers = []
    for options in ({"sampler": Unfinished()}, {"batch_sampler": Unfinished(batch=True)}):
        with subject.open(Identity(8), num_workers=workers, **options) as loader:
            answers.append(in_spite_of_errors(loader))
    return answers


def in_spite_of_errors(loader: Any) -> list[Any]:
    try:
        return told(iter(loader))
    except Broken:
        return ["Broken, by iter"]


@requirement(evidence=[DOCS])
def an_error_in_a_sampler_comes_at_its_turn(subject: Subject) -> None:
    """Without workers an error in a sampler MUST be raised after the batches drawn before it.

    They are good; and how far the sampler came says what is wrong with it.
    """
    answers = around_a_sampler(subject, 0)
    assert [answer[:4] for answer in answers] == [[[0], [1], [2], "Broken"]] * 2


@an_error_in_a_sampler_comes_at_its_turn.mutant_loader
def draws_everything_first(request: LoaderRequest, honest: Honest) -> Any:
    return AllAtOnce(request, honest)


class AllAtOnce:
    """A loader that draws all indices before it loads any; part of mutants."""

    def __init__(self, request: LoaderRequest, honest: Honest) -> None:
        self.request, self.honest = request, honest

    def __iter__(self) -> Iterator[Any]:
        sampler = list(self.request.sampler or self.request.batch_sampler or [])
        yield from self.honest(self.request.but(sampler=sampler, batch_sampler=None))


@an_error_in_a_sampler_comes_at_its_turn.mutant
def takes_it_for_the_end_of_the_sampler(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterable[Any]:
    return takes_it_for_the_end_of_the_stream(request, batches)


@requirement(evidence=[DOCS, SKIPPED])
def workers_deliver_what_was_drawn_before_a_sampler_failed(subject: Subject) -> None:
    """With workers an error in a sampler MUST cost no batch that was drawn before it.

    Drawing ahead is the loader's own affair. A batch that was loaded and is thrown away because a
    later one cannot be drawn is missing, and none will say which.
    """
    answers = around_a_sampler(subject, 2)
    assert [answer[:4] for answer in answers] == [[[0], [1], [2], "Broken"]] * 2


@workers_deliver_what_was_drawn_before_a_sampler_failed.mutant_loader
def draws_everything_ahead(request: LoaderRequest, honest: Honest) -> Any:
    return AllAtOnce(request, honest)


@workers_deliver_what_was_drawn_before_a_sampler_failed.mutant
def loses_the_batch_in_hand(request: LoaderRequest, batches: Iterable[Any]) -> Iterable[Any]:
    return raises_a_batch_early(request, batches)


def fail_always(worker: int) -> None:
    fail()


def succeed(worker: int) -> None:
    """Be a worker_init_fn that does not fail."""


def with_failing_workers(subject: Subject, **options: Any) -> list[Any]:
    """Return what two epochs of a worker that cannot be initialised begin with, and its fetches."""
    with Trace() as trace:
        with subject.open(
            Watched(6, trace), num_workers=1, worker_init_fn=fail_always, **options
        ) as loader:
            answers = [first_answer(loader), first_answer(loader), trace.keys()]
        with subject.open(
            Watched(3, trace), num_workers=1, worker_init_fn=succeed, **options
        ) as loader:
            answers.append(epoch(loader))
    return answers


@requirement(evidence=[INIT])
def a_worker_that_cannot_be_initialised_is_an_error(subject: Subject) -> None:
    """If worker_init_fn fails a loader MUST raise its error in every epoch, and load nothing.

    It opens files and picks a worker's share of the data: a worker without it serves wrong
    samples, and nothing looks wrong.
    """
    answers = with_failing_workers(subject)
    assert answers == ["Broken", "Broken", [], [[0], [1], [2]]]


@a_worker_that_cannot_be_initialised_is_an_error.mutant_loader
def only_warns_of_it(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(worker_init_fn=None))


@requirement(evidence=[INIT])
def persistent_workers_do_not_go_on_uninitialised(subject: Subject) -> None:
    """If worker_init_fn fails in persistent workers, a later epoch MUST NOT be loaded by them.

    Whoever catches the error and tries again gets an epoch from workers that lack their files,
    their share of the data or their seed.
    """
    answers = with_failing_workers(subject, persistent_workers=True)
    assert answers == ["Broken", "Broken", [], [[0], [1], [2]]]


@persistent_workers_do_not_go_on_uninitialised.mutant_loader
def goes_on_in_the_next_epoch(request: LoaderRequest, honest: Honest) -> Any:
    if request.worker_init_fn is succeed:
        return honest(request)
    return OneAfterAnother([honest(request), honest(request.but(worker_init_fn=None))])


class OneAfterAnother:
    """A loader whose epochs are those of several; part of a mutant."""

    def __init__(self, loaders: list[Any]) -> None:
        self.loaders = loaders

    def __iter__(self) -> Iterator[Any]:
        return iter(self.loaders.pop(0))


def first_answer(loader: Any) -> Any:
    """Return the first batch, or the name of the error that comes instead."""
    try:
        return [plain(batch) for batch in islice(loader, 1)]
    except Exception as error:
        return kind_of(error)
