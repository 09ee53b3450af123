"""The order of the batches, how far the work runs ahead, and when a failure is raised.

This is all that a loader needs beyond an executor, and it is the same for every executor: which of
them finishes what first is nothing that the user can see.
"""

from collections.abc import Iterator
from typing import Any

from reference_loader.executor import Ended, Executor, Failed, Outcome
from reference_loader.plan import Task


def deliver(tasks: Iterator[Task], executor: Executor, window: int) -> "Delivery":
    """Start an epoch: submit the first tasks, and return the iterator of their batches.

    `window` is the number of tasks that may be under way while nobody waits for a batch. With 0
    nothing is drawn from `tasks` and nothing is loaded before it is asked for.
    """
    delivery = Delivery(tasks, executor, window)
    delivery.fill(window)
    return delivery


class Delivery:
    """The iterator over one epoch: batches in the order of their tasks.

    A generator would end with the first error that it raises. Here the batch that failed is
    skipped, and the next call returns the one after it. After the end, or after `close`, every
    call raises StopIteration.
    """

    def __init__(self, tasks: Iterator[Task], executor: Executor, window: int) -> None:
        self._tasks: Iterator[Task] | None = tasks
        self._executor = executor
        self._window = window
        self._submitted = 0
        self._turn = 0  # the position that is delivered next
        self._arrived: dict[int, Outcome] = {}

    def __iter__(self) -> "Delivery":
        return self

    def __next__(self) -> Any:
        """Return the next batch; raise what its task failed with, at its turn."""
        while True:
            self.fill(max(self._window, 1))  # somebody waits, so at least one has to be under way
            if self._turn == self._submitted:
                self.close()
                raise StopIteration
            outcome = self._outcome_of_turn()
            self.fill(self._window)  # the others go on while the caller uses this batch
            if isinstance(outcome, Ended):
                continue
            if not isinstance(outcome, Failed):
                return outcome.batch
            try:
                raise outcome.error
            finally:
                del outcome  # an error and the frame it passed through would keep each other alive

    def fill(self, limit: int) -> None:
        """Submit tasks until `limit` of them are undelivered, or there are no more."""
        while self._tasks is not None and self._submitted - self._turn < limit:
            try:
                task = next(self._tasks)
            except StopIteration:
                self._tasks = None
                return
            except BaseException as error:
                # A sampler's failure waits for its turn as well: batches in hand come first.
                self._arrived[self._submitted] = Failed(self._submitted, error)
                self._tasks = None
            else:
                self._executor.submit(task)
            self._submitted += 1

    def close(self) -> None:
        """Leave the epoch: release the sampler's iterator, the executor and undelivered batches."""
        self._tasks = None
        self._turn = self._submitted
        self._arrived.clear()
        self._executor.close()

    def _outcome_of_turn(self) -> Outcome:
        while self._turn not in self._arrived:
            outcome = self._executor.take()
            self._arrived[outcome.position] = outcome
            if isinstance(outcome, Ended) and outcome.last:
                self._tasks = None
        self._turn += 1
        return self._arrived.pop(self._turn - 1)
