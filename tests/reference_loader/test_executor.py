"""One task, done: its outcome says all that can have happened."""

from typing import Any

import pytest

from reference_loader.executor import Done, Ended, Failed, perform
from reference_loader.fetching import Stream
from reference_loader.plan import Task


def failing(error: BaseException) -> Any:
    def fetch(keys: Any) -> Any:
        raise error

    return fetch


def test_a_task_is_fetched_and_then_collated() -> None:
    outcome = perform(Task(3, [1, 2]), lambda keys: [key * 10 for key in keys], tuple)
    assert outcome == Done(3, (10, 20))


def test_a_stream_without_samples_has_ended_and_nothing_is_collated() -> None:
    outcome = perform(Task(3, 2), lambda size: Stream.ENDED, failing(ValueError("collated")))
    assert outcome == Ended(3, last=True)


@pytest.mark.parametrize("error", [OSError("disk"), KeyboardInterrupt(), IndexError(5)])
def test_an_error_is_an_outcome_and_stays_the_same_object(error: BaseException) -> None:
    assert perform(Task(3, [1]), failing(error), list) == Failed(3, error)
    assert perform(Task(3, [1]), list, failing(error)) == Failed(3, error)


def test_stop_iteration_becomes_an_error_that_cannot_pass_for_an_end() -> None:
    cause = StopIteration()
    outcome = perform(Task(3, [6, 7]), failing(cause), list)
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, RuntimeError)
    assert outcome.error.__cause__ is cause
    assert str(outcome.error) == (
        "a dataset or collate_fn must not raise StopIteration, got one in batch 3 (keys [6, 7]); "
        "raise IndexError for a key that does not exist"
    )
