"""Order, window and failures, with an executor that finishes tasks as a test dictates."""

import gc
import math
import weakref
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_loader.deliver import Delivery, deliver
from reference_loader.executor import Done, Ended, Failed, Outcome
from reference_loader.plan import Task, plan


class Scripted:
    """Finishes of the submitted tasks the one that the script names next, counted from the oldest.

    Past the end of the script it is always the oldest. `outcomes` replaces what a position ends in.
    """

    def __init__(
        self, script: list[int] | None = None, outcomes: dict[int, Outcome] | None = None
    ) -> None:
        self.script = iter(script or [])
        self.outcomes = outcomes or {}
        self.under_way: list[Task] = []
        self.submitted: list[int] = []
        self.closed = 0

    def submit(self, task: Task) -> None:
        self.submitted.append(task.position)
        self.under_way.append(task)

    def take(self, deadline: float = math.inf) -> Outcome:
        task = self.under_way.pop(next(self.script, 0) % len(self.under_way))
        return self.outcomes.get(task.position, Done(task.position, task.keys))

    def close(self) -> None:
        self.closed += 1


class BoomError(Exception):
    """An error that only these tests raise."""


def rest(delivery: Delivery) -> list[Any]:
    """Read to the end; an error stands in the list by the name of its type."""
    seen: list[Any] = []
    while True:
        try:
            seen.append(next(delivery))
        except StopIteration:
            return seen
        except Exception as error:
            seen.append(type(error).__name__)


@given(
    size=st.integers(0, 12),
    window=st.integers(0, 5),
    script=st.lists(st.integers(0, 4), max_size=12),
)
def test_batches_come_in_the_order_of_their_tasks_whoever_finishes_first(
    size: int, window: int, script: list[int]
) -> None:
    executor = Scripted(script)
    delivery = deliver(plan(range(size)), executor, window)
    assert rest(delivery) == list(range(size))
    assert executor.submitted == list(range(size))
    assert executor.closed == 1


@given(window=st.integers(0, 5), script=st.lists(st.integers(0, 4), max_size=12))
def test_no_more_tasks_are_under_way_than_the_window_allows(window: int, script: list[int]) -> None:
    executor = Scripted(script)
    delivery = deliver(plan(count()), executor, window)
    for delivered in range(10):
        assert len(executor.submitted) == delivered + window
        next(delivery)


def test_without_a_window_nothing_is_drawn_before_it_is_asked_for() -> None:
    executor = Scripted()
    drawn: list[int] = []
    tasks = (drawn.append(place) or Task(place, place) for place in count())  # type: ignore[func-returns-value]
    delivery = deliver(tasks, executor, window=0)
    assert drawn == []
    next(delivery)
    assert drawn == [0]


@pytest.mark.parametrize("script", [[], [2, 1, 0], [1, 1, 1]])
def test_a_failure_is_raised_at_its_turn_and_the_batches_after_it_follow(script: list[int]) -> None:
    executor = Scripted(script, {1: Failed(1, BoomError())})
    assert rest(deliver(plan(range(4)), executor, window=3)) == [0, "BoomError", 2, 3]


def test_the_error_raised_is_the_one_that_happened() -> None:
    error = BoomError("here")
    delivery = deliver(plan([0]), Scripted(outcomes={0: Failed(0, error)}), window=0)
    with pytest.raises(BoomError) as caught:
        next(delivery)
    assert caught.value is error


@pytest.mark.parametrize("window", [0, 1, 3])
def test_a_failing_sampler_loses_no_batch_in_hand_and_ends_the_epoch(window: int) -> None:
    def keys() -> Iterator[int]:
        yield 0
        yield 1
        raise BoomError

    executor = Scripted([1])
    assert rest(deliver(plan(keys()), executor, window)) == [0, 1, "BoomError"]


@pytest.mark.parametrize("window", [0, 3])
def test_a_stream_that_ended_is_given_no_further_task(window: int) -> None:
    ended: dict[int, Outcome] = {place: Ended(place) for place in range(2, 20)}
    executor = Scripted(outcomes=ended)
    delivery = deliver(plan(count()), executor, window)
    assert rest(delivery) == [0, 1]
    assert len(executor.submitted) <= 3 + window
    assert rest(delivery) == []


def test_of_several_streams_the_end_of_one_is_skipped_and_the_others_go_on() -> None:
    outcomes: dict[int, Outcome] = {1: Ended(1, last=False), 4: Ended(4, last=True)}
    executor = Scripted(outcomes=outcomes)
    assert rest(deliver(plan(count()), executor, window=1)) == [0, 2, 3]


def test_after_its_end_an_epoch_stays_ended() -> None:
    delivery = deliver(plan([0]), Scripted(), window=0)
    assert rest(delivery) == [0]
    assert rest(delivery) == []


def test_a_closed_epoch_has_ended_and_its_executor_is_closed() -> None:
    executor = Scripted()
    delivery = deliver(plan(count()), executor, window=4)
    next(delivery)
    delivery.close()
    assert rest(delivery) == []
    assert executor.closed >= 1
    assert len(executor.submitted) == 5


def test_a_sampler_left_early_is_closed_with_the_iterator() -> None:
    closed: list[bool] = []

    def keys() -> Iterator[int]:
        try:
            yield from count()
        finally:
            closed.append(True)

    delivery = deliver(plan(keys()), Scripted(), window=2)
    next(delivery)
    assert not closed
    delivery.close()
    assert closed == [True]


def test_a_batch_that_was_delivered_is_not_kept() -> None:
    class Batch:
        pass

    executor = Scripted(outcomes={0: Done(0, Batch())})
    delivery = deliver(plan(range(2)), executor, window=0)
    batch = weakref.ref(next(delivery))
    executor.outcomes.clear()
    assert batch() is None


def test_an_error_that_was_handled_is_freed_without_the_garbage_collector() -> None:
    executor = Scripted(outcomes={0: Failed(0, BoomError())})
    delivery = deliver(plan(range(2)), executor, window=0)
    gc.disable()
    try:
        try:
            next(delivery)
        except BoomError as error:
            kept = weakref.ref(error)
        executor.outcomes.clear()
        assert kept() is None
    finally:
        gc.enable()
