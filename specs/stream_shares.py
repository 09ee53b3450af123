"""Streams with workers, each of which has a copy and delivers its share of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from torch.utils.data import IterableDataset, get_worker_info

from conformance import (
    Honest,
    LoaderRequest,
    Subject,
    Trace,
    cut,
    epoch,
    flat,
    plain,
    requirement,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
COPIES = "https://github.com/pytorch/pytorch/issues/77522"
TAILS = "https://github.com/pytorch/pytorch/issues/33413"


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


@dataclass(frozen=True)
class Epochs:
    """A loader, for mutants, that begins each epoch with a function."""

    begin: Callable[[], Iterator[Any]]

    def __iter__(self) -> Iterator[Any]:
        return self.begin()


@requirement(evidence=[DOCS, COPIES])
def shares_of_a_stream_make_up_the_whole(subject: Subject) -> None:
    """Of a stream that its workers share a loader MUST deliver each sample exactly once.

    Shares are seldom even, and may be empty; the end of one is not the end of the others.
    """
    delivered, expected = [], []
    for workers in (1, 2, 3):
        for size, batch_size in ((2, 2), (10, 2), (10, None)):
            with subject.open(
                Shared(range(size)), batch_size=batch_size, num_workers=workers
            ) as loader:
                delivered.append(sorted(map(repr, flat(epoch(loader)))))
            expected.append(sorted(map(repr, range(size))))
    assert delivered == expected


@shares_of_a_stream_make_up_the_whole.mutant_loader
def each_worker_takes_itself_for_the_only_one(request: LoaderRequest, honest: Honest) -> Any:
    loaders = [honest(request.but(num_workers=1)) for _ in range(request.num_workers)]
    return Epochs(lambda: (batch for loader in loaders for batch in loader))


@shares_of_a_stream_make_up_the_whole.mutant
def ends_with_the_first_share(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    size, workers = len(request.dataset.numbers), request.num_workers
    smallest = size // workers // (request.batch_size or 1)
    return islice(batches, smallest * workers + size % workers)


@shares_of_a_stream_make_up_the_whole.mutant_loader
def starts_a_worker_more_than_it_hears(request: LoaderRequest, honest: Honest) -> Any:
    workers = request.num_workers + 1
    loader = honest(request.but(num_workers=workers, batch_size=None))
    heard = (sample for sample in loader if plain(sample) % workers < workers - 1)
    return Epochs(lambda: iter([[sample] for sample in heard]))


@requirement(evidence=[DOCS])
def a_batch_is_of_one_share_in_its_order(subject: Subject) -> None:
    """Batches of a shared stream MUST each be of one worker's share, in the order of that share.

    A share is one file or one recording: its batches keep together what belongs together, and each
    share ends in a short batch of its own.
    """
    with subject.open(Shared(range(11)), batch_size=3, num_workers=2) as loader:
        delivered = epoch(loader)
    shares = [[[0, 2, 4], [6, 8, 10]], [[1, 3, 5], [7, 9]]]
    of_shares = [[batch for batch in delivered if batch in batches] for batches in shares]
    assert (of_shares, len(delivered)) == (shares, 4)


@a_batch_is_of_one_share_in_its_order.mutant_loader
def fills_batches_from_all_shares(request: LoaderRequest, honest: Honest) -> Any:
    samples = honest(request.but(batch_size=None))
    return Epochs(lambda: iter(cut(list(samples), request.batch_size or 1)))


@a_batch_is_of_one_share_in_its_order.mutant
def delivers_the_short_batches_first(request: LoaderRequest, batches: Iterable[Any]) -> list[Any]:
    return sorted(batches, key=lambda batch: (len(batch), -int(batch[0])))


class Waiting(Shared):
    """A shared stream whose worker `slow` begins when another has got on to a later number."""

    def __init__(self, numbers: Any, trace: Trace, slow: int) -> None:
        super().__init__(numbers)
        self.trace = trace
        self.slow = slow

    def __iter__(self) -> Iterator[int]:
        worker, _ = share()
        if worker == self.slow and not self.trace.wait_for("pulled", [3 - worker]):
            self.trace.record("in_vain", worker)
        for number in super().__iter__():
            self.trace.record("pulled", number)
            yield number


@requirement(evidence=[DOCS])
def the_order_of_shares_does_not_depend_on_their_speed(subject: Subject) -> None:
    """Unless in_order=False batches of a shared stream MUST come in one order, whichever is slow.

    A training on streams can be repeated only if chance does not deal the batches.
    """
    orders, in_vain = [], []
    for slow in (0, 1):
        with (
            Trace() as trace,
            subject.open(Waiting(range(8), trace, slow), batch_size=2, num_workers=2) as loader,
        ):
            orders.append(epoch(loader))
            in_vain += trace.keys("in_vain")
    assert (sorted(map(repr, flat(orders[0]))), in_vain) == (list("01234567"), [])
    assert orders[1] == orders[0]


@the_order_of_shares_does_not_depend_on_their_speed.mutant
def delivers_the_slow_share_at_the_end(request: LoaderRequest, batches: Iterable[Any]) -> list[Any]:
    return sorted(batches, key=lambda batch: plain(batch)[0] % 2 == request.dataset.slow)


@requirement(evidence=[TAILS])
def drop_last_drops_the_end_of_a_share_at_most(subject: Subject) -> None:
    """With drop_last a loader MUST NOT drop more of a shared stream than each share's short batch.

    Which is less than a batch for each worker; a full batch dropped is data lost, a short one
    delivered is what was to be avoided.
    """
    with subject.open(Shared(range(20)), batch_size=3, num_workers=3, drop_last=True) as loader:
        delivered = epoch(loader)
    full = [[0, 3, 6], [9, 12, 15], [1, 4, 7], [10, 13, 16], [2, 5, 8], [11, 14, 17]]
    assert sorted(map(repr, delivered)) == sorted(map(repr, full))


@drop_last_drops_the_end_of_a_share_at_most.mutant_loader
def drops_no_short_batch_of_a_share(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(drop_last=False))


@drop_last_drops_the_end_of_a_share_at_most.mutant
def ends_where_the_first_share_is_short(
    request: LoaderRequest, batches: Iterable[Any]
) -> Iterator[Any]:
    return islice(batches, 4)
