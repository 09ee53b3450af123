"""What a worker does with its copy of a stream: begin it once, deliver it, leave it at its end."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import count, islice
from typing import Any

from torch.utils.data import IterableDataset, get_worker_info

from conformance import (
    Honest,
    LoaderRequest,
    Subject,
    Trace,
    epoch,
    flat,
    plain,
    requirement,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
COPIES = "https://github.com/pytorch/pytorch/issues/77522"
PULLED_AFTER_THE_END = "https://github.com/pytorch/pytorch/issues/59312"


def share() -> tuple[int, int]:
    """Return which share of how many the caller has: that of its worker, or all of one."""
    info = get_worker_info()
    return (info.id, info.num_workers) if info else (0, 1)


class Shared(IterableDataset[int]):
    """Numbers, of which worker i of W has every W-th from i on."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = numbers

    def __iter__(self) -> Iterator[int]:
        worker, workers = share()
        return islice(self.numbers, worker, None, workers)


@requirement(evidence=[DOCS, COPIES])
def an_unshared_stream_is_delivered_whole(subject: Subject) -> None:
    """A stream that its workers do not share a loader MAY deliver once for each of them, all of it.

    A loader cannot share what it does not know; but a part that comes more often than the rest
    weighs more in a training than in the data.
    """
    with subject.open(Unshared(), batch_size=2, num_workers=2) as loader:
        delivered = flat(epoch(loader))
    counts = [delivered.count(number) for number in range(6)]
    assert counts in ([1] * 6, [2] * 6)
    subject.observe(f"delivers an unshared stream {counts[0]} times with 2 workers")


class Unshared(IterableDataset[int]):
    """Numbers of which every worker has all."""

    def __iter__(self) -> Iterator[int]:
        return iter(range(6))


@an_unshared_stream_is_delivered_whole.mutant
def skips_a_copy_in_part(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return islice(batches, 5)


@requirement(evidence=[DOCS])
def worker_init_fn_can_share_a_stream_out(subject: Subject) -> None:
    """What worker_init_fn makes of its worker's copy of a stream MUST be what that worker delivers.

    Streams that know nothing of workers are shared out in this way, as torch's documentation shows.
    """
    with subject.open(
        Shared(range(0)), batch_size=2, num_workers=2, worker_init_fn=partial(share_out, 7)
    ) as loader:
        delivered = epoch(loader)
    assert sorted(map(repr, flat(delivered))) == list("0123456")


def share_out(size: int, worker: int) -> None:
    """Give the worker's stream so many numbers, for all workers to share."""
    info: Any = get_worker_info()
    if info is not None:
        info.dataset.numbers = range(size)


@worker_init_fn_can_share_a_stream_out.mutant_loader
def begins_the_stream_before_worker_init_fn(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(worker_init_fn=None))


@worker_init_fn_can_share_a_stream_out.mutant_loader
def initialises_one_worker_only(request: LoaderRequest, honest: Honest) -> Any:
    init: Any = partial(of_first_worker, request.worker_init_fn)
    return honest(request.but(worker_init_fn=init))


def of_first_worker(init: Any, worker: int) -> None:
    """Call a function in the first worker only; part of a mutant."""
    if worker == 0:
        init(worker)


class Counted(Shared):
    """A shared stream that records when it is begun, and when it is pulled past its end."""

    def __init__(self, numbers: Any, trace: Trace) -> None:
        super().__init__(numbers)
        self.trace = trace

    def __iter__(self) -> Iterator[int]:
        self.trace.record("begin", share()[0])
        return Pulled(super().__iter__(), self.trace)


class Pulled:
    """An iterator that records when it is pulled past its end."""

    def __init__(self, numbers: Iterator[int], trace: Trace) -> None:
        self.numbers = numbers
        self.trace = trace

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        for number in self.numbers:
            return number
        self.trace.record("end", share()[0])
        raise StopIteration


@requirement(evidence=[DOCS, PULLED_AFTER_THE_END])
def each_worker_begins_and_ends_its_share_once(subject: Subject) -> None:
    """Each worker MUST begin its share of a stream once an epoch, and not go on after its end.

    Connections are opened at the beginning; pulled past its end one blocks, or begins anew.
    """
    with Trace() as trace:
        with subject.open(Counted(range(9), trace), batch_size=2, num_workers=2) as loader:
            delivered = [sorted(map(repr, flat(epoch(loader)))) for _ in range(2)]
        begun, ended = sorted(trace.keys("begin")), sorted(trace.keys("end"))
    assert delivered == [list("012345678")] * 2
    assert (begun, ended) == ([0, 0, 1, 1], [0, 0, 1, 1])


class Peeked(IterableDataset[int]):
    """A stream, for mutants, around one that is begun once in vain."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __iter__(self) -> Iterator[int]:
        iter(self.stream)
        return iter(self.stream)


@each_worker_begins_and_ends_its_share_once.mutant_loader
def begins_a_share_in_vain(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=Peeked(request.dataset)))


class Tireless(Peeked):
    """A stream, for mutants, around one that is asked once more after its end."""

    def __iter__(self) -> Iterator[int]:
        numbers = iter(self.stream)
        yield from numbers
        next(numbers, None)


@each_worker_begins_and_ends_its_share_once.mutant_loader
def asks_once_more_after_the_end_of_a_share(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=Tireless(request.dataset)))


class Endless:
    """All numbers."""

    def __iter__(self) -> Iterator[int]:
        return count()


@requirement(evidence=[DOCS])
def an_endless_stream_can_be_shared_and_left(subject: Subject) -> None:
    """Of an endless stream workers MUST deliver what is asked for, each time from its beginning.

    Such a loop is left when enough was learnt; the next is not to go on with what was left over.
    """
    with subject.open(Shared(Endless()), batch_size=2, num_workers=2) as loader:
        epochs = [[plain(batch) for batch in islice(loader, 4)] for _ in range(2)]
    shares = [[[0, 2], [4, 6]], [[1, 3], [5, 7]]]
    of_shares = [
        [[batch for batch in delivered if batch in batches] for batches in shares]
        for delivered in epochs
    ]
    assert of_shares == [shares, shares]


@an_endless_stream_can_be_shared_and_left.mutant_loader
def goes_on_where_it_was_left(request: LoaderRequest, honest: Honest) -> Any:
    return iter(honest(request))
