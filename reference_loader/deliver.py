"""The order of the batches, how far the work runs ahead, and when a failure is raised.

This is all that a loader needs beyond an executor, and it is the same for every executor: which of
them finishes what first is nothing that the user can see.
"""

import math
import time
from collections.abc import Iterator
from typing import Any

from reference_loader.executor import Done, Ended, Executor, Failed, Outcome
from reference_loader.plan import Task


def deliver(
    tasks: Iterator[Task],
    executor: Executor,
    window: int,
    *,
    in_order: bool = True,
    timeout: float = 0,
) -> "Delivery":
    """Start an epoch: submit the first tasks, and return the iterator of their batches.

    `window` is the number of tasks that may be under way while nobody waits for a batch. With 0
    nothing is drawn from `tasks` and nothing is loaded before it is asked for. Without `in_order`
    the batch that is finished first comes first. `timeout` is how many seconds `next` may wait; 0
    is without limit.
    """
    delivery = Delivery(tasks, executor, window, in_order, timeout)
    delivery.fill(window)
    return delivery


class Delivery:
    """The iterator over one epoch.

    A generator would end with the first error that it raises. Here the batch that failed is
    skipped, and the next call returns the one after it. After the end, or after `close`, every
    call raises StopIteration.

    An error of the executor itself, a worker that died or a wait beyond the timeout, ends the epoch
    for good: every further call says it again, so no batch can go missing unnoticed.
    """

    def __init__(
        self,
        tasks: Iterator[Task],
        executor: Executor,
        window: int,
        in_order: bool,
        timeout: float,
    ) -> None:
        self._tasks: Iterator[Task] | None = tasks
        self._executor = executor
        self._window = window
        self._in_order = in_order
        self._timeout = timeout
        self._submitted = 0
        self._turn = 0  # the position that is delivered next
        self._arrived: dict[int, Outcome] = {}
        self._closed = False
        # Why it was closed before its end. The error itself would keep alive the frames it passed
        # through, and with them the loader and its workers.
        self._reason: str | None = None

    def __iter__(self) -> "Delivery":
        return self

    def __next__(self) -> Any:
        """Return the next batch; raise what its task failed with, at its turn."""
        try:
            outcome = None if self._closed else self._advance()
        except TimeoutError:
            outcome = None
            self.close(
                f"a batch must arrive within timeout={self._timeout} seconds, got none; the "
                "workers were ended; use a longer timeout, or timeout=0 to wait without limit"
            )
        except Exception as error:
            self.close(str(error))
            raise
        except BaseException as error:
            # Ctrl-C may have come between any two steps, and a batch may be lost.
            self.close(f"an epoch cannot go on after {error!r}; iterate the loader anew")
            raise
        if outcome is None:
            self.close()
            raise StopIteration if self._reason is None else RuntimeError(self._reason)
        if isinstance(outcome, Done):
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

    def close(self, reason: str | None = None) -> None:
        """Leave the epoch: release the sampler's iterator, the executor and undelivered batches.

        With a reason further calls of `next` raise RuntimeError that says it, unless the epoch was
        over already.
        """
        if not self._closed:
            self._reason = reason
        self._closed = True
        self._tasks = None
        self._turn = self._submitted
        self._arrived.clear()
        self._executor.close()

    def _advance(self) -> Done | Failed | None:
        """Return the outcome whose turn is next, or None at the end."""
        deadline = time.monotonic() + self._timeout if self._timeout else math.inf
        while True:
            self.fill(max(self._window, 1))  # somebody waits, so at least one has to be under way
            if self._turn == self._submitted:
                return None
            outcome = self._outcome_of_turn(deadline)
            self.fill(self._window)  # the others go on while the caller uses this batch
            if not isinstance(outcome, Ended):
                return outcome

    def _outcome_of_turn(self, deadline: float) -> Outcome:
        while self._turn not in self._arrived:
            outcome = self._executor.take(deadline)
            # Without an order it is always the turn of what has just arrived.
            self._arrived[outcome.position if self._in_order else self._turn] = outcome
            if isinstance(outcome, Ended) and outcome.last:
                self._tasks = None
        self._turn += 1
        return self._arrived.pop(self._turn - 1)
