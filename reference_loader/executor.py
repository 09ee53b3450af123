"""Who does the work: the protocol of an executor, and the outcomes it reports.

An executor has no opinion on order, prefetch or errors. It accepts tasks, and hands back one
outcome for each, in whatever order they are finished; an error is an outcome like another.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from reference_loader.fetching import Fetch, Stream
from reference_loader.plan import Task


class Done(NamedTuple):
    """The batch of a task."""

    position: int
    batch: Any


class Failed(NamedTuple):
    """The error that a task ended in; it is raised when the task's turn comes."""

    position: int
    error: BaseException


class Ended(NamedTuple):
    """There was nothing left for this task. `last`: nor will there be for any further one."""

    position: int
    last: bool = True


Outcome = Done | Failed | Ended


class Executor(Protocol):
    """Does tasks. Every task that is submitted comes back once, as an outcome."""

    def submit(self, task: Task) -> None:
        """Accept a task, without waiting for it."""

    def take(self, deadline: float = math.inf) -> Outcome:
        """Return the next finished outcome, waiting for one; a submitted task must be left.

        Raises TimeoutError if it has to wait beyond the deadline, a reading of `time.monotonic`,
        and whatever else keeps it from ever finishing. After an error it is of no further use.
        """

    def close(self) -> None:
        """Give up whatever is unfinished and release everything held; a second call is free."""


def perform(task: Task, fetch: Fetch, collate: Callable[[Any], Any]) -> Outcome:
    """Fetch and collate the batch of one task, in the process and thread of the caller."""
    try:
        samples = fetch(task.keys)
        if samples is Stream.ENDED:
            return Ended(task.position)
        return Done(task.position, collate(samples))
    except StopIteration as error:
        # Let through, it would look like the end of the epoch, and data would be missing silently.
        return Failed(task.position, misplaced_stop(task, error))
    except BaseException as error:
        # An interrupt is caught with the rest, so that whoever survives it can go on iterating.
        return Failed(task.position, error)


def misplaced_stop(task: Task, cause: StopIteration) -> RuntimeError:
    """Return what is raised in place of a StopIteration that came out of a task."""
    error = RuntimeError(
        "a dataset or collate_fn must not raise StopIteration, "
        f"got one in batch {task.position} (keys {task.keys!r}); "
        "raise IndexError for a key that does not exist"
    )
    error.__cause__ = cause
    return error
