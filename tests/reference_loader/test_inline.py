"""The executor in the caller's own thread works only when it is asked."""

from typing import Any

from reference_loader.executor import Done
from reference_loader.inline import Inline
from reference_loader.plan import Task


def test_nothing_is_loaded_before_it_is_taken_and_then_in_the_order_of_submission() -> None:
    loaded: list[Any] = []

    def fetch(key: Any) -> Any:
        loaded.append(key)
        return key

    executor = Inline(fetch, str)
    executor.submit(Task(0, "a"))
    executor.submit(Task(1, "b"))
    assert loaded == []
    assert executor.take() == Done(0, "a")
    assert loaded == ["a"]
    assert executor.take() == Done(1, "b")


def test_closing_forgets_what_was_not_done_and_can_be_repeated() -> None:
    executor = Inline(lambda key: key, str)
    executor.submit(Task(0, "a"))
    executor.close()
    executor.close()
    executor.submit(Task(1, "b"))
    assert executor.take() == Done(1, "b")
