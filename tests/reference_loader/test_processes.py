"""Who is given which task, with a crew that answers as a test dictates."""

import math
import threading
from collections import deque
from collections.abc import Collection
from typing import Any, cast

from reference_loader.crew import Crew
from reference_loader.executor import Done, Ended, Failed
from reference_loader.fetching import Stream
from reference_loader.plan import Task
from reference_loader.processes import Processes
from reference_loader.worker import Order, answered, ordered, understood


class ScriptedCrew:
    """Notes what it is sent; `answer` has one worker finish its oldest task."""

    def __init__(self, workers: int) -> None:
        self.sent: list[tuple[int, Order]] = []
        self.open: list[deque[Order]] = [deque() for _ in range(workers)]
        self.arriving: deque[tuple[int, list[Any]]] = deque()
        self.owing: Collection[int] = ()
        self.epoch = 0
        self.closed = 0

    def new_epoch(self) -> int:
        self.epoch += 1
        return self.epoch

    def send(self, worker: int, parts: list[Any]) -> None:
        order = understood(parts)
        self.sent.append((worker, order))
        self.open[worker].append(order)

    def receive(self, owing: Collection[int], deadline: float) -> tuple[int, list[Any]]:
        self.owing = owing
        return self.arriving.popleft()

    def close(self) -> None:
        self.closed += 1

    def answer(self, worker: int, content: Any = "batch") -> None:
        order = self.open[worker].popleft()
        position = order.task.position
        outcome = Ended(position) if content is Stream.ENDED else Done(position, content)
        self.arriving.append((worker, answered(order.epoch, outcome, "here")))

    def given(self) -> list[int]:
        return [worker for worker, _ in self.sent]


def executor(crew: ScriptedCrew, in_order: bool = True, keep: bool = False) -> Processes:
    return Processes(cast("Crew", crew), len(crew.open), in_order=in_order, keep=keep)


def submit(processes: Processes, *positions: int) -> None:
    for position in positions:
        processes.submit(Task(position, [position]))


def test_tasks_are_dealt_out_in_turn_whoever_is_faster() -> None:
    crew = ScriptedCrew(3)
    processes = executor(crew)
    submit(processes, 0, 1, 2)
    crew.answer(2)
    crew.answer(2) if crew.open[2] else None
    processes.take()
    submit(processes, 3, 4, 5, 6)
    assert crew.given() == [0, 1, 2, 0, 1, 2, 0]
    assert [order.task.keys for _, order in crew.sent] == [[n] for n in range(7)]


def test_without_order_the_worker_that_owes_least_is_given_the_next_task() -> None:
    crew = ScriptedCrew(2)
    processes = executor(crew, in_order=False)
    submit(processes, 0, 1, 2, 3)
    crew.answer(1)
    crew.answer(1)
    processes.take()
    processes.take()
    submit(processes, 4, 5, 6)
    assert crew.given() == [0, 1, 0, 1, 1, 1, 0]


def test_a_worker_whose_stream_has_ended_is_left_out() -> None:
    crew = ScriptedCrew(3)
    processes = executor(crew)
    submit(processes, 0, 1, 2, 3, 4, 5)
    crew.answer(1, Stream.ENDED)
    assert processes.take() == Ended(1, last=False)
    submit(processes, 6, 7, 8, 9)
    assert crew.given() == [0, 1, 2, 0, 1, 2, 0, 2, 0, 2]
    crew.answer(1, Stream.ENDED)  # the task it had been given before
    assert processes.take() == Ended(4, last=False)


def test_the_end_of_the_last_stream_is_the_end_of_all() -> None:
    crew = ScriptedCrew(2)
    processes = executor(crew)
    submit(processes, 0, 1)
    crew.answer(0, Stream.ENDED)
    crew.answer(1, Stream.ENDED)
    assert [processes.take(), processes.take()] == [Ended(0, last=False), Ended(1, last=True)]


def test_only_workers_that_owe_an_answer_have_to_be_alive() -> None:
    crew = ScriptedCrew(3)
    processes = executor(crew)
    submit(processes, 0, 1)
    crew.answer(0)
    processes.take()
    assert crew.owing == {0, 1}
    crew.answer(1)
    processes.take()
    assert crew.owing == {1}


def test_answers_to_an_epoch_before_are_dropped_and_owed_by_nobody() -> None:
    crew = ScriptedCrew(2)
    old = executor(crew, keep=True)
    submit(old, 0, 1)
    old.close()
    new = executor(crew, keep=True)
    submit(new, 0)
    crew.answer(0, "stale")
    crew.answer(1, "stale")
    crew.answer(0, "fresh")
    assert new.take() == Done(0, "fresh")
    assert crew.owing == {0}


def test_keys_that_cannot_be_pickled_have_failed_and_take_no_turn() -> None:
    crew = ScriptedCrew(2)
    processes = executor(crew)
    processes.submit(Task(0, threading.Lock()))
    submit(processes, 1)
    outcome = processes.take(math.inf)
    assert isinstance(outcome, Failed)
    assert outcome.position == 0
    assert crew.given() == [0]


def test_only_a_crew_that_is_not_kept_is_closed() -> None:
    for keep, closed in ((False, 1), (True, 0)):
        crew = ScriptedCrew(1)
        executor(crew, keep=keep).close()
        assert crew.closed == closed


def test_an_order_travels_whole() -> None:
    assert understood(ordered(3, Task(5, [1, 2]))) == Order(3, Task(5, [1, 2]))
