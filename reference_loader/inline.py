"""The executor of `num_workers=0`: the caller does the work, when it asks for the outcome."""

import math
from collections import deque
from collections.abc import Callable
from typing import Any

from reference_loader.executor import Outcome, perform
from reference_loader.fetching import Fetch
from reference_loader.plan import Task


class Inline:
    """Keeps tasks until `take`, and does them one at a time, in the order of their submission."""

    def __init__(self, fetch: Fetch, collate: Callable[[Any], Any]) -> None:
        self._fetch = fetch
        self._collate = collate
        self._waiting: deque[Task] = deque()

    def submit(self, task: Task) -> None:
        """Put the task in the queue; nothing is loaded yet."""
        self._waiting.append(task)

    def take(self, deadline: float = math.inf) -> Outcome:  # noqa: ARG002  it does not wait
        """Do the oldest task now."""
        return perform(self._waiting.popleft(), self._fetch, self._collate)

    def close(self) -> None:
        """Forget the tasks that were not done."""
        self._waiting.clear()
