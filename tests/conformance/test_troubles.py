"""Datasets in which something happens, and what an epoch comes to in spite of it."""

import weakref
from collections.abc import Iterator
from typing import Any

from conformance.trace import Trace
from conformance.troubles import GIVEN_UP, Troubled, TroubledStream, Until, kind_of, told


class Boom(Exception):  # noqa: N818 - a name of its own
    pass


def boom() -> None:
    raise Boom


class Scripted:
    """An iterator that does what it is told."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if not self.script:
            raise StopIteration
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


def test_trouble_comes_at_its_index_and_is_recorded() -> None:
    with Trace() as trace:
        dataset = Troubled(3, 1, boom, trace)
        assert told(map(dataset.__getitem__, range(3))) == [0, "Boom", 2]
        assert (len(dataset), trace.keys()) == (3, [0, 1, 2])


def test_trouble_comes_in_a_stream() -> None:
    assert told(iter(TroubledStream(4, 2, boom))) == [0, 1, "Boom"]


def test_a_trouble_may_be_a_wait() -> None:
    with Trace() as trace:
        assert not Until(trace, "open", 3, seconds=0)()
        trace.record("open", 3)
        assert Until(trace, "open", 3, seconds=0)()


def test_errors_are_told_between_batches_and_do_not_end_it() -> None:
    assert told(Scripted([0], Boom(), [2], ValueError())) == [[0], "Boom", [2], "ValueError"]


def test_errors_in_succession_end_it() -> None:
    assert told(Scripted(*[Boom() for _ in range(9)])) == ["Boom"] * GIVEN_UP


def test_an_error_told_keeps_nothing_alive() -> None:
    class Held:
        pass

    def raised() -> tuple[Exception, weakref.ref[Held]]:
        held = Held()
        try:
            try:
                raise KeyError
            except KeyError as cause:
                raise Boom from cause
        except Boom as error:
            return error, weakref.ref(held)

    error, held = raised()
    assert held() is not None
    assert kind_of(error) == "Boom"
    assert held() is None
