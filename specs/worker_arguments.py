"""What is said about workers: bad values, and what becomes of it where there are no workers.

A refusal is a ValueError or a TypeError, at construction, by iter or by the first next. The
documents say of persistent_workers alone that it means something only beside workers (D2 §4), and
list the others without a word (D1 §DataLoader). Refused or without effect is all that it can be
without them; which of the two is observed. Every check first shows that a good value is taken.
"""

import multiprocessing
import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

from hypothesis import strategies as st

from conformance import Honest, LoaderRequest, Subject, Trace, Watched, epoch, given, requirement

TORCH_DATA = "https://docs.pytorch.org/docs/stable/data.html"
TWO_EPOCHS = [[0], [1], [2], [0], [1], [2]]
LOADED_HERE = (TWO_EPOCHS, "loaded here")
REFUSED = (["refused"], "nothing loaded")


def ask(subject: Subject, **options: Any) -> tuple[list[Any], str]:
    """Return the batches of two epochs over three samples, a refusal last, and where they load."""
    delivered: list[Any] = []
    with Trace() as trace:
        try:
            with subject.open(Watched(3, trace), **options) as loader:
                delivered += epoch(loader)
                delivered += epoch(loader)
        except (TypeError, ValueError):
            delivered.append("refused")
        processes = {event.pid for event in trace.events("fetch")}
    if not processes:
        return delivered, "nothing loaded"
    return delivered, "loaded here" if processes == {os.getpid()} else "loaded elsewhere"


def choice(answer: tuple[list[Any], str], what: str) -> str:
    return f"{'rejects' if answer == REFUSED else 'ignores'} {what} without workers"


class OneIterator:
    """A loader with a single iterator for all epochs; part of mutants."""

    def __init__(self, loader: Any) -> None:
        self.iterator: Iterator[Any] = iter(loader)

    def __iter__(self) -> Iterator[Any]:
        return self.iterator


@requirement(evidence=[TORCH_DATA])
def num_workers_has_to_be_a_count(subject: Subject) -> None:
    """For a num_workers that is no whole number from 0 a loader MUST refuse to load anything.

    There are no -1 processes; libraries that mean "all cores" by it mean something else by it.
    """
    good, _ = ask(subject, num_workers=1)
    assert good == TWO_EPOCHS
    answers = [ask(subject, num_workers=bad) for bad in (-1, "2")]
    assert answers == [REFUSED, REFUSED]


@num_workers_has_to_be_a_count.mutant_loader
def takes_minus_one_for_all_cores(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(num_workers=2) if request.num_workers == -1 else request)


@num_workers_has_to_be_a_count.mutant_loader
def reads_num_workers_from_text(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(num_workers=int(request.num_workers)))


@requirement(evidence=[TORCH_DATA])
@given(bad=st.sampled_from([-1, -0.5, "5"]))
def timeout_has_to_be_a_duration(subject: Subject, bad: object) -> None:
    """For a timeout that is no number from 0 a loader MUST refuse to load anything.

    Some calls take a negative one for ever and others for not at all; the user cannot know.
    """
    good = ask(subject, timeout=0.0)
    assert good == LOADED_HERE
    answer = ask(subject, timeout=bad)
    assert answer == REFUSED


@timeout_has_to_be_a_duration.mutant_loader
def takes_a_negative_timeout_for_none(request: LoaderRequest, honest: Honest) -> Any:
    timeout: Any = request.timeout
    return honest(request.but(timeout=0) if timeout in (-1, -0.5) else request)


@requirement(evidence=[TORCH_DATA])
def prefetch_factor_has_to_be_a_count(subject: Subject) -> None:
    """For a prefetch_factor that is no number of batches a loader MUST refuse to load anything.

    It bounds what waits in memory; without a bound, or with another one, that is what fails.
    """
    good, _ = ask(subject, num_workers=1, prefetch_factor=1)
    assert good == TWO_EPOCHS
    answers = [ask(subject, num_workers=1, prefetch_factor=bad) for bad in (-1, "2")]
    assert answers == [REFUSED, REFUSED]


@prefetch_factor_has_to_be_a_count.mutant_loader
def takes_minus_one_for_the_default(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(prefetch_factor=None) if request.prefetch_factor == -1 else request)


@requirement(evidence=[TORCH_DATA, "https://github.com/pytorch/pytorch/issues/196089"])
def prefetch_factor_is_more_than_zero(subject: Subject) -> None:
    """For a prefetch_factor of 0 a loader SHOULD refuse to load anything, as for any bad value.

    A worker that may have no batch under way never delivers one; an `assert` against it is gone
    under `python -O`, and what remains is a program that waits for ever.
    """
    good, _ = ask(subject, num_workers=1, prefetch_factor=1)
    assert good == TWO_EPOCHS
    answer = ask(subject, num_workers=1, prefetch_factor=0)
    assert answer == REFUSED


@prefetch_factor_is_more_than_zero.mutant_loader
def takes_no_prefetching_for_the_default(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(prefetch_factor=request.prefetch_factor or None))


@requirement(evidence=[TORCH_DATA])
def multiprocessing_context_has_to_be_one(subject: Subject) -> None:
    """For a multiprocessing_context that there is none of a loader MUST refuse to load anything.

    Workers started in another way than asked for deadlock, or lack what they were to inherit.
    """
    method = multiprocessing.get_all_start_methods()[0]
    good, _ = ask(subject, num_workers=1, multiprocessing_context=method)
    assert good == TWO_EPOCHS
    answers = [ask(subject, num_workers=1, multiprocessing_context=bad) for bad in ("froks", 5)]
    assert answers == [REFUSED, REFUSED]


@multiprocessing_context_has_to_be_one.mutant_loader
def starts_as_usual_where_it_cannot_as_asked(request: LoaderRequest, honest: Honest) -> Any:
    known = request.multiprocessing_context in multiprocessing.get_all_start_methods()
    return honest(request if known else request.but(multiprocessing_context=None))


@requirement(claims=["D2-066"])
def persistent_workers_needs_workers(subject: Subject) -> None:
    """Asked to keep workers of which there are none a loader MUST refuse, or load as ever.

    It means something only with workers; what is kept without them can only be a used-up epoch.
    """
    good = ask(subject)
    assert good == LOADED_HERE
    answer = ask(subject, persistent_workers=True)
    assert answer in (REFUSED, LOADED_HERE)
    subject.observe(choice(answer, "persistent_workers"))


@persistent_workers_needs_workers.mutant_loader
def keeps_the_iterator_instead(request: LoaderRequest, honest: Honest) -> Any:
    loader = honest(request.but(persistent_workers=False))
    return OneIterator(loader) if request.persistent_workers else loader


@persistent_workers_needs_workers.mutant_loader
def starts_a_worker_to_keep(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(num_workers=1) if request.persistent_workers else request)


@requirement(evidence=[TORCH_DATA])
@given(prefetch_factor=st.integers(1, 4))
def prefetch_factor_needs_workers(subject: Subject, prefetch_factor: int) -> None:
    """Given a prefetch_factor without workers a loader MUST refuse, or load as ever.

    There is nobody to load ahead; that must cost no batch and start no worker.
    """
    good = ask(subject)
    assert good == LOADED_HERE
    answer = ask(subject, prefetch_factor=prefetch_factor)
    assert answer in (REFUSED, LOADED_HERE)
    subject.observe(choice(answer, "prefetch_factor"))


@prefetch_factor_needs_workers.mutant_loader
def delivers_no_more_than_it_prefetches(request: LoaderRequest, honest: Honest) -> Any:
    loader = honest(request.but(prefetch_factor=None))
    factor = request.prefetch_factor
    return list(islice(loader, factor)) if factor is not None else loader


@requirement(evidence=[TORCH_DATA])
def multiprocessing_context_needs_workers(subject: Subject) -> None:
    """Given a multiprocessing_context without workers a loader MUST refuse, or load as ever.

    How to start processes is no request to start one.
    """
    good = ask(subject)
    assert good == LOADED_HERE
    answer = ask(subject, multiprocessing_context=multiprocessing.get_all_start_methods()[0])
    assert answer in (REFUSED, LOADED_HERE)
    subject.observe(choice(answer, "multiprocessing_context"))


@multiprocessing_context_needs_workers.mutant_loader
def starts_a_worker_in_this_way(request: LoaderRequest, honest: Honest) -> Any:
    wanted = request.multiprocessing_context is not None
    return honest(request.but(num_workers=1) if wanted else request)


@requirement(evidence=[TORCH_DATA, "https://github.com/pytorch/pytorch/issues/106634"])
def timeout_needs_workers(subject: Subject) -> None:
    """Given a timeout without workers a loader SHOULD refuse, or load as ever.

    One configuration serves runs with and without workers, and there is nobody to wait for.
    """
    good = ask(subject)
    assert good == LOADED_HERE
    answer = ask(subject, timeout=60)
    assert answer in (REFUSED, LOADED_HERE)
    subject.observe(choice(answer, "timeout"))


@timeout_needs_workers.mutant_loader
def starts_a_worker_to_wait_for(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(num_workers=1) if request.timeout else request)
