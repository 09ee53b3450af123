"""Lists of integers, as the miniature loaders deliver them."""

from collections.abc import Callable, Generator
from typing import Any

from conformance import Identity, LoaderRequest, cut
from conformance.benchmark import Opened, Work, benchmark, collected, exhaust

SIZE = 8


def lists(batch_size: int) -> list[list[int]]:
    """Return the batches to come."""
    return cut(list(range(SIZE)), batch_size)


def first(arm: Opened) -> Generator[Any, None, None]:
    """Time a new loader up to its first batch."""
    yield
    with arm.opened() as loader:
        batch = next(iter(loader))
        yield batch


@benchmark(batch_size=(1, 4))
def epochs(batch_size: int) -> Work:
    """What does a batch of integers cost?"""
    expected = lists(batch_size)
    return Work(
        request=LoaderRequest(Identity(SIZE), batch_size=batch_size),
        batches=len(expected),
        consume=exhaust,
        receipt=(len(expected), expected[-1]),
        check=collected(expected),
        limit=lambda: list(range(SIZE)),
    )


@benchmark(clock="wall")
def first_batch() -> Work:
    """How long does the first batch take?"""
    return Work(
        request=LoaderRequest(Identity(SIZE), batch_size=4, drop_last=True),
        batches=1,
        stages=first,
        receipt=[0, 1, 2, 3],
        check=collected(lists(4)),
    )


def held(megabytes: int) -> Callable[[Opened], Generator[Any, None, None]]:
    """Return stages that hold so much while the clock runs, more than malloc keeps when freed."""

    def stages(arm: Opened) -> Generator[Any, None, None]:
        yield
        content = b"1" * (megabytes * 10**6)
        yield next(iter(arm.loader))
        del content

    return stages


@benchmark(clock="held", scale=True, megabytes=(40, 80))
def holding(megabytes: int) -> Work:
    """How much more is held?"""
    return Work(
        request=LoaderRequest(Identity(SIZE), batch_size=4),
        batches=1,
        stages=held(megabytes),
        receipt=[0, 1, 2, 3],
        check=collected(lists(4)),
    )


def idle(_: Opened) -> Generator[Any, None, None]:
    """Do nothing while the clock runs."""
    yield
    yield None


@benchmark(clock="memory", scale=True)
def idling() -> Work:
    """How much memory does it take to do nothing?"""
    return Work(
        request=LoaderRequest(Identity(SIZE), batch_size=4),
        batches=1,
        stages=idle,
        receipt=None,
        check=collected(lists(4)),
    )


@benchmark(slow=True)
def slowly() -> Work:
    """What takes long?"""
    return epochs.build(4)
