"""The executor of `num_workers` of at least 1: one epoch, done by a crew of worker processes."""

import math
from collections import deque

from reference_loader.crew import Crew
from reference_loader.executor import Ended, Failed, Outcome
from reference_loader.plan import Task
from reference_loader.worker import opened, ordered, received


class Processes:
    """Gives the tasks of an epoch to workers, and keeps in mind who still owes how many answers.

    `in_order`: the tasks are dealt out in turn, leaving out a worker whose stream has ended, so
    which worker does which task depends on nothing but the plan. Otherwise a task goes to the
    worker that owes the fewest answers, so a slow one gets less to do.

    With `keep` the crew outlives the epoch. Answers to the tasks that the epoch left open are then
    dropped by the next one as they come.
    """

    def __init__(self, crew: Crew, workers: int, *, in_order: bool, keep: bool) -> None:
        self._crew = crew
        self._keep = keep
        self._in_order = in_order
        self._epoch = crew.new_epoch()
        self._turns = deque(range(workers))  # the next in turn first; an ended stream has none
        self._owed = [0] * workers
        self._failed: deque[Outcome] = deque()

    def submit(self, task: Task) -> None:
        """Send the task to a worker; one whose keys cannot be pickled has failed."""
        try:
            parts = ordered(self._epoch, task)
        except Exception as error:
            self._failed.append(Failed(task.position, error))
            return
        worker = self._turns[0] if self._in_order else min(self._turns, key=self._owed.__getitem__)
        self._turns.remove(worker)
        self._turns.append(worker)
        self._owed[worker] += 1
        self._crew.send(worker, parts)

    def take(self, deadline: float = math.inf) -> Outcome:
        """Return the next outcome that arrives; raise RuntimeError if a task's worker has died.

        Raises TimeoutError at the deadline. After either error all workers have ended.
        """
        if self._failed:
            return self._failed.popleft()
        while True:
            owing = {worker for worker, count in enumerate(self._owed) if count}
            worker, parts = self._crew.receive(owing, deadline)
            answer = received(parts)
            if answer.epoch == self._epoch:
                break
        self._owed[worker] -= 1
        outcome = opened(answer)
        return self._last_seen(worker, outcome) if isinstance(outcome, Ended) else outcome

    def close(self) -> None:
        """End the workers, unless they are kept."""
        if not self._keep:
            self._crew.close()

    def _last_seen(self, worker: int, outcome: Ended) -> Ended:
        if worker in self._turns:
            self._turns.remove(worker)
        return outcome._replace(last=not self._turns)
