"""What may be asked for beside a stream, and how long a loader over one says that it is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from torch.utils.data import IterableDataset

from conformance import Honest, LoaderRequest, Subject, epoch, given, requirement

DOCS = "https://docs.pytorch.org/docs/stable/data.html"
LENGTH = "https://github.com/pytorch/pytorch/issues/36176"


class Stream(IterableDataset[Any]):
    """Samples that come one after another, from what is called when an iteration begins."""

    def __init__(self, begin: Callable[[], Iterable[Any]]) -> None:
        self.begin = begin

    def __iter__(self) -> Iterator[Any]:
        return iter(self.begin())


class SizedStream(Stream):
    """A stream of so many numbers, that says so."""

    def __init__(self, size: int) -> None:
        super().__init__(lambda: range(size))
        self.size = size

    def __len__(self) -> int:
        return self.size


def answer_to(subject: Subject, stream: Any, **options: Any) -> Any:
    """Return the batches of an epoch, or that it was refused."""
    try:
        with subject.open(stream, batch_size=1, **options) as loader:
            return epoch(loader)
    except (TypeError, ValueError):
        return "refused"


@requirement(evidence=[DOCS])
def a_stream_cannot_be_reordered(subject: Subject) -> None:
    """For shuffle=True or a sampler beside a stream a loader MUST refuse to load anything.

    A stream has an order of its own, and no keys: who asks for another order and gets this one
    trains unshuffled. shuffle=False asks for nothing.
    """
    started: list[int] = []

    def numbers() -> list[int]:
        started.append(1)
        return [1, 2]

    plain_answers = [answer_to(subject, Stream(numbers), shuffle=no) for no in (False, None)]
    before = len(started)
    answers = [
        answer_to(subject, Stream(numbers), shuffle=True),
        answer_to(subject, Stream(numbers), sampler=[1, 0]),
        answer_to(subject, Stream(numbers), batch_sampler=[[1, 0]]),
    ]
    assert (plain_answers, answers) == ([[[1], [2]]] * 2, ["refused"] * 3)
    assert len(started) == before


@a_stream_cannot_be_reordered.mutant_loader
def ignores_shuffle_for_a_stream(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(shuffle=None))


@a_stream_cannot_be_reordered.mutant_loader
def ignores_a_sampler_for_a_stream(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(sampler=None))


@a_stream_cannot_be_reordered.mutant_loader
def takes_the_lengths_of_batches_for_a_stream(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(batch_sampler=None))


@a_stream_cannot_be_reordered.mutant_loader
def refuses_even_not_to_shuffle_a_stream(request: LoaderRequest, honest: Honest) -> Any:
    if request.shuffle is not None:
        raise ValueError("shuffle means nothing for a stream")
    return honest(request)


@requirement(evidence=[DOCS, LENGTH])
@given(size=st.integers(0, 20), batch_size=st.integers(1, 6), drop_last=st.booleans())
def a_stream_that_has_a_length_gives_the_loader_one(
    subject: Subject, size: int, batch_size: int, drop_last: bool
) -> None:
    """Over a stream with a length the length of a loader MUST be the number of its batches.

    Schedules and progress bars are laid out by it; in samples it would be too long by far.
    """
    with subject.open(SizedStream(size), batch_size=batch_size, drop_last=drop_last) as loader:
        length, delivered = len(loader), len(epoch(loader))
    full, rest = divmod(size, batch_size)
    batches = full + (rest > 0 and not drop_last)
    assert (length, delivered) == (batches, batches)


@dataclass(frozen=True)
class Claiming:
    """A loader, for mutants, that claims a length of its own."""

    loader: Any
    length: int

    def __iter__(self) -> Iterator[Any]:
        return iter(self.loader)

    def __len__(self) -> int:
        return self.length


@a_stream_that_has_a_length_gives_the_loader_one.mutant_loader
def counts_the_samples_of_a_stream(request: LoaderRequest, honest: Honest) -> Any:
    return Claiming(honest(request), len(request.dataset))


@a_stream_that_has_a_length_gives_the_loader_one.mutant_loader
def counts_a_dropped_batch_of_a_stream(request: LoaderRequest, honest: Honest) -> Any:
    return Claiming(honest(request), -(-len(request.dataset) // (request.batch_size or 1)))


@requirement(evidence=[DOCS, LENGTH])
def a_stream_without_a_length_gives_the_loader_none(subject: Subject) -> None:
    """Over a stream without a length a loader MUST raise TypeError when it is asked for its own.

    As len does for whatever has none. A number made up, such as 0, ends a training before it has
    begun; and the loader is iterated all the same.
    """
    with subject.open(Stream(lambda: range(5)), batch_size=2) as loader:
        try:
            length: Any = len(loader)
        except TypeError:
            length = "none"
        delivered = epoch(loader)
    assert (length, delivered) == ("none", [[0, 1], [2, 3], [4]])


@a_stream_without_a_length_gives_the_loader_none.mutant_loader
def takes_no_length_for_zero(request: LoaderRequest, honest: Honest) -> Any:
    return Claiming(honest(request), 0)


@a_stream_without_a_length_gives_the_loader_none.mutant_loader
def reads_the_stream_to_count_it(request: LoaderRequest, honest: Honest) -> Any:
    return Claiming(honest(request), len(list(honest(request))))
