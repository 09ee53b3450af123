"""Streams, datasets that are only iterated, without workers: what they deliver, how they end."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from hypothesis import strategies as st
from torch.utils.data import IterableDataset

from conformance import (
    Honest,
    LoaderRequest,
    Samples,
    Subject,
    cut,
    epoch,
    given,
    plain,
    requirement,
)

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
PULLED_AFTER_THE_END = "https://github.com/pytorch/pytorch/issues/59312"

sizes = st.integers(0, 20)
batch_sizes = st.integers(1, 6)


class Stream(IterableDataset[Any]):
    """Samples that come one after another, from what is called when an iteration begins."""

    def __init__(self, begin: Callable[[], Iterable[Any]]) -> None:
        self.begin = begin

    def __iter__(self) -> Iterator[Any]:
        return iter(self.begin())


@dataclass(frozen=True)
class Epochs:
    """A loader, for mutants, that begins each epoch with a function."""

    begin: Callable[[], Iterator[Any]]

    def __iter__(self) -> Iterator[Any]:
        return self.begin()


@requirement(evidence=[DOCS])
@given(size=sizes, batch_size=batch_sizes, drop_last=st.booleans())
def a_stream_is_delivered_in_its_order(
    subject: Subject, size: int, batch_size: int, drop_last: bool
) -> None:
    """Of a stream a loader MUST deliver all samples in their order, every time from its beginning.

    In batches as long as asked for, the last as short as it comes or dropped. An epoch ends with
    the stream; that the stream has no length makes no difference.
    """
    stream = Stream(lambda: range(100, 100 + size))
    with subject.open(stream, batch_size=batch_size, drop_last=drop_last) as loader:
        epochs = [epoch(loader) for _ in range(2)]
    batches = cut([*range(100, 100 + size)], batch_size)
    full = [batch for batch in batches if len(batch) == batch_size or not drop_last]
    assert epochs == [full, full]


@a_stream_is_delivered_in_its_order.mutant
def loses_the_short_batch(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return (batch for batch in batches if len(batch) == request.batch_size)


@a_stream_is_delivered_in_its_order.mutant
def keeps_the_short_batch(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return iter(cut([*request.dataset], request.batch_size or 1))


@a_stream_is_delivered_in_its_order.mutant_loader
def iterates_a_stream_once(request: LoaderRequest, honest: Honest) -> Any:
    iterator = iter(request.dataset)
    return honest(request.but(dataset=Stream(lambda: iterator)))


@a_stream_is_delivered_in_its_order.mutant_loader
def loses_the_sample_it_looked_at(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(dataset=Stream(lambda: islice(request.dataset, 1, None))))


class Rewinding(IterableDataset[int]):
    """A stream that is its own iterator, and goes back to its beginning when iter is called."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __iter__(self) -> Iterator[int]:
        self.at = -1
        return self

    def __next__(self) -> int:
        self.at += 1
        if self.at >= self.size:
            raise StopIteration
        return self.at


@requirement(evidence=[DOCS])
@given(size=sizes, batch_size=batch_sizes)
def a_stream_may_be_its_own_iterator(subject: Subject, size: int, batch_size: int) -> None:
    """In each epoch a loader MUST call iter for a stream once, and then only next for its samples.

    Many streams are written to go back to their beginning in __iter__ and return self. Called for
    each batch, it gives the first batch for ever.
    """
    with subject.open(Rewinding(size), batch_size=batch_size) as loader:
        epochs = [[plain(batch) for batch in islice(loader, 21)] for _ in range(2)]
    assert epochs == [cut([*range(size)], batch_size)] * 2


@a_stream_may_be_its_own_iterator.mutant
def calls_iter_for_each_batch(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    samples = iter(request.dataset)
    while batch := list(islice(samples, request.batch_size)):
        yield batch


@requirement(evidence=[DOCS])
@given(size=sizes)
def a_stream_may_come_sample_by_sample(subject: Subject, size: int) -> None:
    """Of a stream a loader MUST with batch_size=None deliver the samples themselves, in order.

    Streams that make their own batches, as databases and archives do, are read in this way.
    """
    samples = [(number, [str(number)] * number) for number in range(size)]
    stream = Stream(lambda: samples)
    with subject.open(stream, batch_size=None, collate_fn=list) as loader:
        epochs = [epoch(loader) for _ in range(2)]
    assert epochs == [[[number, [str(number)] * number] for number in range(size)]] * 2


@a_stream_may_come_sample_by_sample.mutant_loader
def makes_batches_of_one(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(batch_size=1))


@a_stream_may_come_sample_by_sample.mutant
def takes_an_empty_sample_for_the_end(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    for sample in batches:
        if not sample[-1]:
            return
        yield sample


class Pulled:
    """An iterator that notes how often it was pulled past its end, where it would go on."""

    def __init__(self, size: int, past_end: list[int]) -> None:
        self.numbers = count()
        self.size = size
        self.past_end = past_end

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        number = next(self.numbers)
        if number >= self.size:
            self.past_end.append(number)
        if number == self.size:
            raise StopIteration
        return number


def exhaust(
    subject: Subject, size: int, batch_size: int | None
) -> tuple[list[Any], list[Any], int]:
    """Return an epoch, what comes after it, and how often the stream was asked after its end."""
    past_end: list[int] = []
    stream = Stream(lambda: Pulled(size, past_end))
    with subject.open(stream, batch_size=batch_size) as loader:
        iterator = iter(loader)
        delivered = [plain(batch) for batch in islice(iterator, size + 1)]
        later = [plain(next(iterator, "nothing")) for _ in range(3)]
    return delivered, later, len(past_end)


@requirement(evidence=[PULLED_AFTER_THE_END])
@given(size=st.integers(1, 9), batch_size=st.integers(1, 4))
def a_stream_that_has_ended_is_not_asked_again(
    subject: Subject, size: int, batch_size: int
) -> None:
    """After the end of a stream its epoch MUST stay ended, and the stream be left alone.

    A connection or a generator that is pulled past its end raises, blocks or begins anew.
    """
    delivered, later, asked = exhaust(subject, size, batch_size)
    assert (delivered, later, asked) == (cut([*range(size)], batch_size), ["nothing"] * 3, 1)


@a_stream_that_has_ended_is_not_asked_again.mutant
def asks_once_more_after_a_short_batch(request: LoaderRequest, batches: Iterable[Any]) -> Any:
    samples = iter(request.dataset)
    while batch := list(islice(samples, request.batch_size)):
        yield batch


@dataclass
class Tireless:
    """An iterator, for mutants, over the batches of a stream, that never takes it for ended."""

    samples: Iterator[Any]
    batch_size: int | None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.batch_size is None:
            return next(self.samples)
        if batch := list(islice(self.samples, self.batch_size)):
            return batch
        raise StopIteration


@a_stream_that_has_ended_is_not_asked_again.mutant
def asks_whenever_it_is_asked(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    return Tireless(iter(request.dataset), request.batch_size)


@requirement(evidence=[PULLED_AFTER_THE_END])
@given(size=st.integers(1, 9))
def a_stream_of_single_samples_that_has_ended_is_not_asked_again(
    subject: Subject, size: int
) -> None:
    """With batch_size=None too an epoch MUST stay ended with its stream, and leave it alone.

    A loop over zipped loaders asks once more, and gets samples of no epoch.
    """
    delivered, later, asked = exhaust(subject, size, None)
    assert (delivered, later, asked) == ([*range(size)], ["nothing"] * 3, 1)


a_stream_of_single_samples_that_has_ended_is_not_asked_again.mutant(asks_whenever_it_is_asked)


@requirement(evidence=[DOCS])
@given(batch_size=batch_sizes, taken=st.integers(0, 4))
def of_an_endless_stream_no_more_is_taken_than_asked_for(
    subject: Subject, batch_size: int, taken: int
) -> None:
    """Of a stream without end a loader MUST deliver batches as they are asked for, and no further.

    Such a loop is left when enough was learnt; what is read beyond is lost, or never comes.
    """
    drawn: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(10_000):  # an end for loaders that draw everything first
            drawn.append(number)
            yield number

    with subject.open(Stream(numbers), batch_size=batch_size) as loader:
        batches = [plain(batch) for batch in islice(loader, taken + 1)]
    wanted = [*range(batch_size * (taken + 1))]
    assert (batches, drawn) == (cut(wanted, batch_size), wanted)


@of_an_endless_stream_no_more_is_taken_than_asked_for.mutant_loader
def reads_the_stream_into_memory(request: LoaderRequest, honest: Honest) -> Any:
    return Epochs(lambda: iter(honest(request.but(dataset=Samples(list(request.dataset))))))


@of_an_endless_stream_no_more_is_taken_than_asked_for.mutant
def reads_a_batch_ahead(request: LoaderRequest, batches: Iterable[Any]) -> Iterator[Any]:
    iterator = iter(batches)
    batch = next(iterator)
    for ahead in iterator:
        yield batch
        batch = ahead
    yield batch
